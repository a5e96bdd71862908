"""Fixtures for the tests of the built-in architectures: declarations by name, and networks built from them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

from archbench import Architecture, TaskInfo
from archbench._declarations import convert_options
from support import Build


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Run torch in one thread: on small networks two threads wait for each other and take ten times the CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _fixed_seed() -> Iterator[None]:
    """Seed torch with 0 for each test, and restore its random state after it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def declared() -> Callable[[str], Architecture]:
    """Return a function: `declared("wide-resnet")` is the architecture that `wide_resnet` registers."""
    return _declared


@pytest.fixture
def build() -> Build:
    """Return a function that builds a network: `build("resnet", task, depth=56)`, or `variant="resnet-56"`."""
    return _build


def _declared(name: str) -> Architecture:
    (architecture,) = importlib.import_module(f"archbench_plugins.{name.replace('-', '_')}").archbench_architectures()
    return architecture


def _build(name: str, task: TaskInfo, *, variant: str | None = None, **options: Any) -> nn.Module:
    architecture = _declared(name)
    values = {**(architecture.variants[variant] if variant else {}), **options}
    assert isinstance(architecture.build, str)
    module, function = architecture.build.split(":")
    return getattr(importlib.import_module(module), function)(task, convert_options(architecture, values))
