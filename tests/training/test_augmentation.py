"""The augmentation of a task, as a trial applies it."""

from __future__ import annotations

import pytest

from archbench._training import run_trial
from support import MakeJob
from support.going_on import NOISY_TASK, with_rules

POOLED = """
def build(task, options):
    from torch import nn
    return nn.Sequential(nn.AdaptiveAvgPool2d((8, 8)), linear(task))
"""
"""A network that takes images of any size, as it is to be fed those of the task alone."""


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            "inputs[..., :4]",
            "augment returned a batch of shape (16, 1, 8, 4) and float32 on cpu for one of shape",
        ),
        ("inputs.double()", "(16, 1, 8, 8) and float64 on cpu for one of shape (16, 1, 8, 8) and float32"),
        ("None", "augment returned an object of type NoneType, not a tensor"),
    ],
)
def test_another_shape_or_type_fails(changed: str, says: str, make_job: MakeJob) -> None:
    """A batch unlike the one that was given fails the trial, with a message that names `augment`."""
    task = NOISY_TASK.replace("inputs + torch.randn(inputs.shape, generator=generator)", changed)
    record = run_trial(with_rules(make_job(POOLED, task="noisy", extra=task), augment=True))

    assert record.status == "failed"
    assert says in record.message
