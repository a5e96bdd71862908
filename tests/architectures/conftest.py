"""What the tests of the built-in architectures share: declarations by module name, and networks built from them."""

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
    """On networks this small threads mostly wait for each other: one takes a tenth of the CPU time of two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _fixed_seed() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def declared() -> Callable[[str], Architecture]:
    """`declared("wide-resnet")` is what the module `wide_resnet` registers."""
    return _declared


@pytest.fixture
def build() -> Build:
    """`build("resnet", task, depth=56)` is the network; `variant="resnet-56"` sets the options of a variant."""
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
