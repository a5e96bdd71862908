"""Jobs of small plugins that are made for a test."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from archbench import Probes
from archbench._planning import Device, Job, make_plan
from archbench._plugins import Plugins, load_plugins
from archbench._protocols import find_protocol
from archbench._selection import select

HEAD = """
import math
import archbench
from dataclasses import dataclass

def linear(task):
    from torch import nn
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs))

"""
TAIL = """
@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("image", "sequence", "tokens"))
"""


@pytest.fixture(autouse=True)
def _same_threads() -> Iterator[None]:
    """Restore the number of threads, which `run_trial` sets for the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., Job]:
    """Return `make_job("def build(task, options): ...")`, which makes a job of the smoke protocol for that network."""

    def make(build: str, *, task: str = "digits", seed: int = 0, extra: str = "", **device: Any) -> Job:
        plugin = tmp_path / "mine.py"
        plugin.write_text(HEAD + build + TAIL + extra)
        plugins = load_plugins(files=[plugin])
        (*_, planned) = make_plan(
            select(["mine"], plugins.architectures, "architecture"),
            select([task], plugins.tasks, "task"),
            protocol=find_protocol("smoke"),
            seeds=seed + 1,
        ).trials
        return planned.job(Device(**{"kind": "cpu", **device}))

    return make


@functools.cache
def _built_ins() -> Plugins:
    return load_plugins()


@pytest.fixture
def probed_job() -> Callable[..., Job]:
    """Return `probed_job("mlp", "digits", probes)`, which makes a job of the smoke protocol with probes."""

    def make(
        architecture: str, task: str, probes: Probes | None, *, seed: int = 0, kind: str = "cpu", **rules: Any
    ) -> Job:
        plugins = _built_ins()
        (*_, planned) = make_plan(
            select([architecture], plugins.architectures, "architecture"),
            select([task], plugins.tasks, "task"),
            protocol=msgspec.structs.replace(find_protocol("smoke"), probes=probes, **rules),
            seeds=seed + 1,
        ).trials
        return planned.job(Device(kind=kind))

    return make
