"""The specimens of the kit, one test for each; and environments that plugins are installed into."""

from __future__ import annotations

import pytest
import torch

from support import mutants, sound, task_mutants


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks are faster on one thread, and the machine is shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per specimen."""
    if "sound" in metafunc.fixturenames:
        specimens = sound.SOUND
        metafunc.parametrize("sound", specimens, ids=[specimen.name for specimen in specimens])
    if "mutant" in metafunc.fixturenames:
        specimens = mutants.MUTANTS
        metafunc.parametrize("mutant", specimens, ids=[specimen.id for specimen in specimens])
    for name, listed in (("sound_task", "SOUND"), ("task_mutant", "MUTANTS")):
        if name in metafunc.fixturenames:
            specimens = getattr(task_mutants, listed)
            metafunc.parametrize(name, specimens, ids=[getattr(s, "id", None) or s.name for s in specimens])
