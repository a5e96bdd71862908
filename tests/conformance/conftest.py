"""The specimens: sound networks, and broken ones. Loaded once, under names that pickle finds again."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

HERE = Path(__file__).parent


def load(name: str) -> ModuleType:
    """A module beside this file, importable by its name afterwards."""
    full = f"conformance_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


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
        specimens = load("sound").SOUND
        metafunc.parametrize("sound", specimens, ids=[specimen.name for specimen in specimens])
    if "mutant" in metafunc.fixturenames:
        specimens = load("mutants").MUTANTS
        metafunc.parametrize("mutant", specimens, ids=[specimen.id for specimen in specimens])
    for name, listed in (("sound_task", "SOUND"), ("task_mutant", "MUTANTS")):
        if name in metafunc.fixturenames:
            specimens = getattr(load("task_mutants"), listed)
            metafunc.parametrize(name, specimens, ids=[getattr(s, "id", None) or s.name for s in specimens])
