"""Validation selects the weights: the best ones, and the later of equally good ones."""

from __future__ import annotations

import msgspec
import pytest

from archbench._training import run_trial
from support import MakeJob

# Answers in evaluation follow a list: after the k-th stretch of five steps, the k-th level of quality.
NETWORK = """
def build(task, options):
    import torch
    class Scripted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
            self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        def forward(self, x):
            self.steps += self.training
            if self.training:
                return self.net(x)
            level, x = LEVELS[(int(self.steps) - 1) // 5], x[:, 0]
            if task.outputs == 1:
                return x + level
            right = torch.arange(len(x)) < level
            bits = torch.where(right, x[:, 0], 1 - x[:, 0])
            return torch.stack([1 - bits, bits], 1)
    return Scripted()
"""

TASK = """
def load(options, seed):
    import numpy as np
    bits = np.random.default_rng(seed).integers(0, 2, 10)
    inputs = bits[:, None, None].astype(np.float32)
    examples = archbench.Examples(inputs, TARGETS)
    return archbench.Splits(examples, examples, examples)

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(1, 1), outputs=OUTPUTS)
    yield archbench.Task(name="bits", info=info, load=load, loss="LOSS", metric="METRIC", chance=CHANCE, oracle=ORACLE)
"""
ACCURACY = {"OUTPUTS": "2", "LOSS": "cross_entropy", "METRIC": "accuracy", "CHANCE": "0.5", "ORACLE": "1.0"}
ERROR = {"OUTPUTS": "1", "LOSS": "mean_squared_error", "METRIC": "mean_squared_error", "CHANCE": "1.0", "ORACLE": "0.0"}


@pytest.mark.parametrize(
    ("facts", "targets", "levels", "scores", "selected"),
    [
        (ACCURACY, "bits", [5, 9, 9, 3], [0.5, 0.9, 0.9, 0.3], 15),
        (ACCURACY, "bits", [9, 5, 3, 9], [0.9, 0.5, 0.3, 0.9], 20),
        (ACCURACY, "bits", [9, 3, 5, 8], [0.9, 0.3, 0.5, 0.8], 5),
        (ERROR, "inputs[:, 0]", [3, 1, -1, 2], [9.0, 1.0, 1.0, 4.0], 15),
        (ERROR, "inputs[:, 0]", [1, 2, 3, 1], [1.0, 4.0, 9.0, 1.0], 20),
        (ERROR, "inputs[:, 0]", [1, 2, 3, 2], [1.0, 4.0, 9.0, 4.0], 5),
    ],
)
def test_later_of_equal_validations_is_selected(
    facts: dict[str, str], targets: str, levels: list[int], scores: list[float], selected: int, make_job: MakeJob
) -> None:
    """The test score is that of the best validation, and of the last one among equals, in both directions."""
    extra = TASK.replace("TARGETS", targets)
    for name, value in facts.items():
        extra = extra.replace(name, value)
    job = make_job(NETWORK.replace("LEVELS", str(levels)), task="bits", extra=extra)
    protocol = msgspec.structs.replace(job.trial.protocol, validations=4)
    record = run_trial(msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol)))

    assert record.scores is not None, record.detail
    assert record.curves is not None
    assert record.curves.validation == pytest.approx(scores)
    assert record.scores.selected_step == selected
    assert record.scores.test == record.scores.validation == pytest.approx(scores[selected // 5 - 1])
