"""Trainings that go on from a state: a network whose state is hard to keep, and the numbers that must be equal."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from archbench._planning import Job
from archbench._records import Progress, Record
from archbench._training import _checkpoint, run_trial

EVERY_STREAM = """
def build(task, options):
    import random
    import numpy as np
    import torch
    from torch import nn

    class Net(nn.Module):
        \"\"\"Draws from every global generator, has tied weights, and a buffer that it does not call its state.\"\"\"
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(64, 64), nn.Linear(64, 64)
            self.two.weight = self.one.weight
            self.norm, self.drop, self.out = nn.BatchNorm1d(64), nn.Dropout(0.3), nn.Linear(64, task.outputs)
            self.register_buffer("seen", torch.zeros(1), persistent=False)
        def forward(self, x):
            x = self.drop(torch.relu(self.norm(self.two(torch.tanh(self.one(x.flatten(1)))))))
            if self.training:
                self.seen += 1
                x = x * (1 + 0.1 * random.gauss(0, 1)) + 0.1 * float(np.random.standard_normal()) + 1e-3 * self.seen
            return self.out(x)

    return Net()
"""


NOISY_TASK = """
def load_noisy(options, seed):
    import archbench
    import numpy as np
    draw = np.random.default_rng(seed)
    def examples():
        inputs = draw.normal(size=(96, 1, 8, 8)).astype(np.float32)
        return archbench.Examples(inputs, (inputs.sum((1, 2, 3)) > 0).astype(np.int64))
    return archbench.Splits(examples(), examples(), examples())

def add_noise(inputs, generator):
    import torch
    return inputs + torch.randn(inputs.shape, generator=generator)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=2)
    yield archbench.Task(name="noisy", info=info, load=load_noisy, loss="cross_entropy", metric="accuracy",
                         augment=add_noise, chance=0.5, oracle=1.0, summary="Noisy")
"""
"""A task whose training images get other noise in every step; for the end of a plugin."""


def numbers(record: Record) -> dict[str, Any]:
    """Return all of a record that does not depend on the clock."""
    assert record.status == "ok", record.detail
    assert record.curves is not None
    assert record.training is not None
    curves = msgspec.structs.replace(record.curves, seconds=[])
    training = msgspec.structs.replace(record.training, resumed_at=[], seconds_to_target=None)
    kept = ("id", "scores", "pairing", "confusion", "wrong", "readings")
    return {name: getattr(record, name) for name in kept} | {"curves": curves, "training": training}


def with_rules(job: Job, **changes: Any) -> Job:
    """Return a job whose protocol is changed."""
    protocol = msgspec.structs.replace(job.trial.protocol, **changes)
    return msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))


def train_and_tell(job: bytes, state: Path, out: Path, told: Connection) -> None:
    """Carry out a job whose state is kept after every chunk, tell of each validation once, and write the record."""
    _checkpoint.EVERY = 0.0

    def tell(progress: Progress) -> None:
        if progress.training.steps not in progress.training.resumed_at:  # else a point of an earlier process
            told.send_bytes(b"validated")

    record = run_trial(msgspec.json.decode(job, type=Job), None, tell, state)
    out.write_bytes(msgspec.json.encode(record))
