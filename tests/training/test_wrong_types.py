"""Networks and tasks that return objects of a wrong type: the record says what is wanted, as `benchmark check` does."""

from __future__ import annotations

import pytest

from archbench._training import run_trial
from support import MakeJob

WRONG_TYPE = """
def build(task, options):
    import torch
    class Wrong(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
        def forward(self, x):
            y = self.net(x)
            return RETURNED
    return Wrong()
"""
LINEAR = "def build(task, options): return linear(task)\n"
BAD_TASK = """
def load(options, seed):
    import numpy as np
    examples = archbench.Examples(np.zeros((4, 1, 2, 2), np.float32), np.zeros(4, np.int64))
    return RETURNED

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="image", input_shape=(1, 2, 2), outputs=3)
    yield archbench.Task(name="bad", info=info, load=load, loss="cross_entropy", metric="accuracy",
                         chance=0.3, oracle=1.0)
"""


@pytest.mark.parametrize(
    ("returned", "name"),
    [("{'logits': y}", "dict"), ("(y, y)", "tuple"), ("None", "NoneType"), ("y.detach().numpy()", "ndarray")],
)
@pytest.mark.parametrize("only", ["", " if self.training else y", " if not self.training else y"])
def test_an_output_of_the_wrong_type_is_named(returned: str, name: str, only: str, make_job: MakeJob) -> None:
    """The record says what the network returned and what to return, also where it did so in one mode only."""
    record = run_trial(make_job(WRONG_TYPE.replace("RETURNED", returned + only)))

    wanted = f"TypeError: the network returned {name}; return a tensor of logits, or archbench.Outputs"
    assert (record.status, record.message) == ("failed", wanted)


@pytest.mark.parametrize(("returned", "name"), [("None", "NoneType"), ("(examples, examples, examples)", "tuple")])
def test_a_task_that_loads_no_splits(returned: str, name: str, make_job: MakeJob) -> None:
    """The record names the task, what `load` returned and what it should have."""
    record = run_trial(make_job(LINEAR, task="bad", extra=BAD_TASK.replace("RETURNED", returned)))

    wanted = f"DeclarationError: task 'bad': load returned an object of type {name}, not archbench.Splits"
    assert (record.status, record.message) == ("failed", wanted)
