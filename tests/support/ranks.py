"""One trial on several devices: training it, and comparing it with one on a single device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from archbench._execution import Pool, execute
from archbench._planning import Device, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import Protocol, equal_steps, find_protocol
from archbench._records import Record, Store, Weights, misfit
from archbench._records._network import weights_file
from archbench._selection import select
from support import house_recipe

HEAD = """
import math, os, signal, subprocess, time
import archbench

def build(task, options):
    import torch
    from torch import nn
    RANK = int(os.environ.get("RANK", 0))
"""
TAIL = """
@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("image",))
"""
DOUBLE = """
    from archbench_plugins.resnet import ResNetOptions
    from archbench_plugins.resnet.network import build
    class Double(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = build(task, ResNetOptions(depth=20)).double()
        def forward(self, x):
            return self.net(x.double())
    return Double()
"""
SHORT = {
    "steps": equal_steps(5),
    "recipe": house_recipe(optimizer="nesterov", momentum=0.9, learning_rate=0.01),
}
"""Rules for the deep net in single precision, whose rounding errors grow tenfold in a few steps, and faster under Adam,
as they do between one thread and two."""

Train = Callable[..., tuple[Record, dict[str, torch.Tensor]]]


def rules(**changes: object) -> Protocol:
    """The smoke protocol with a batch that neither 2 nor 4 divide."""
    return msgspec.structs.replace(find_protocol("smoke"), name="mine", **{"batch_size": 15, **changes})


def training_in(folder: Path, pool: Pool) -> Train:
    """Return `train("mlp", "digits", 2)`, which trains on two devices, and returns the record and the kept weights."""

    def on_devices(
        architecture: str,
        task: str,
        devices: int,
        *,
        kind: str = "cpu",
        sharded: bool = False,
        keep: Weights = "last",
        timeout: float = 60,
        **changes: object,
    ) -> tuple[Record, dict[str, torch.Tensor]]:
        plugins = load_plugins(files=list(folder.glob("*.py")))
        planned = make_plan(
            select([architecture], plugins.architectures, "architecture"),
            select([task], plugins.tasks, "task"),
            protocol=rules(**changes),
            seeds=1,
        ).trials
        store = Store(folder / f"{architecture}-{devices}-{sharded}")
        several = Pool(pool.launcher, [Device(kind=kind, threads=1, count=devices, sharded=sharded)])
        (record,) = execute(planned, store, several, timeout=timeout, keep=lambda planned: keep)
        assert misfit(record) == ""
        weights = weights_file(store.networks, record.id)
        return record, load_file(weights) if weights.exists() else {}

    return on_devices


def assert_same(one: tuple[Record, dict[str, torch.Tensor]], several: tuple[Record, dict[str, torch.Tensor]]) -> None:
    """Assert that two trainings have the numbers of one, up to rounding, and saw the same data."""
    (first, weights), (second, others) = one, several
    assert (first.status, second.status) == ("ok", "ok"), second.message + second.detail
    assert first.scores is not None
    assert first.curves is not None
    assert second.scores is not None
    assert second.curves is not None
    for name in ("test", "test_last", "validation", "train_loss", "plain_train_loss"):
        assert getattr(second.scores, name) == pytest.approx(getattr(first.scores, name), abs=1e-5), name
    assert second.scores.selected_step == first.scores.selected_step
    assert second.curves.step == first.curves.step
    assert second.curves.validation == pytest.approx(first.curves.validation, abs=1e-5)
    assert second.curves.train_loss == pytest.approx(first.curves.train_loss, abs=1e-5)
    assert second.pairing == first.pairing
    assert (second.confusion, second.wrong) == (first.confusion, first.wrong)
    assert second.id == first.id
    assert others.keys() == weights.keys() != set()
    for name, values in weights.items():
        torch.testing.assert_close(others[name], values, rtol=1e-4, atol=1e-5)
