"""Specimens for the kit, sound and broken, each a test of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch

from support import label_mutants, more_sound, mutants, sound, task_mutants


@pytest.fixture(autouse=True)
def one_thread():
    """Run each test on one thread: small networks are faster so, and the machine is shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _first_of_each_check() -> Iterator[Any]:
    """Yield all mutants; those that are not the first of their check are slow."""
    seen: set[str] = set()
    for mutant in mutants.MUTANTS:
        yield pytest.param(mutant, id=mutant.id, marks=pytest.mark.slow if mutant.code in seen else ())
        seen.add(mutant.code)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each specimen that a test function asks for."""
    if "sound" in metafunc.fixturenames:
        specimens = [*sound.SOUND, *more_sound.MORE_SOUND]
        metafunc.parametrize("sound", specimens, ids=[specimen.name for specimen in specimens])
    if "mutant" in metafunc.fixturenames:
        metafunc.parametrize("mutant", list(_first_of_each_check()))
    # label_mutants adds its mutants to those of task_mutants when it is imported.
    tasks: dict[str, Sequence[Any]] = {
        "sound_task": [*task_mutants.SOUND, *label_mutants.SOUND_SIGNALS],
        "task_mutant": task_mutants.MUTANTS,
    }
    for name, listed in tasks.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, listed, ids=[getattr(item, "id", None) or item.name for item in listed])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how many mutants were caught by the check that they were made for."""
    reports = [r for status in ("passed", "failed") for r in terminalreporter.stats.get(status, ())]
    mine = [r for r in reports if "test_mutant_is_caught_by_the_right_check" in r.nodeid and r.when == "call"]
    if mine:
        terminalreporter.write_line(f"{sum(r.passed for r in mine)} of {len(mine)} mutants caught by the right check")
