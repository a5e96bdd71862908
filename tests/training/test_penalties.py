"""Penalties beside the logits: trained on with their weight, recorded apart from the loss, and in no score."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from archbench._planning import Job
from archbench._protocols import Recipe
from archbench._records import Curves, Record
from archbench._training import run_trial
from archbench._training._trial_run import TrialRun
from support import MakeJob

STRENGTH = 0.3
PENALISED = f"""
def build(task, options):
    import archbench, torch
    class Penalised(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
        def forward(self, x):
            halves = sum(p.square().sum() for p in self.parameters()) / 2
            return archbench.Outputs(self.net(x), penalties={{"decay": (PENALTY, {STRENGTH})}})
    return Penalised()
"""
PLAIN = """
def build(task, options):
    return linear(task)
"""


def with_recipe(job: Job, **settings: Any) -> Job:
    """Return a job that trains by plain gradient descent."""
    recipe = Recipe(optimizer="sgd", learning_rate=0.05, **settings)
    protocol = msgspec.structs.replace(job.trial.protocol, recipe=recipe)
    return msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))


def curves_of(record: Record) -> Curves:
    """Return the curves of a record that is ok."""
    assert record.status == "ok", record.detail
    assert record.curves is not None
    return record.curves


def test_half_the_squared_weights_are_weight_decay(make_job: MakeJob) -> None:
    """Gradient descent on the loss and L/2 times the squared weights is gradient descent with weight decay L.

    Losses and scores are those of torch's weight decay: the penalty is in the gradient, and not in the recorded loss.
    """
    penalised = run_trial(with_recipe(make_job(PENALISED.replace("PENALTY", "halves"))))
    decayed = run_trial(with_recipe(make_job(PLAIN), weight_decay=STRENGTH))
    mine, theirs = curves_of(penalised), curves_of(decayed)

    assert mine.train_loss == pytest.approx(theirs.train_loss, rel=1e-5)
    assert penalised.scores is not None
    assert decayed.scores is not None
    assert penalised.scores.test == decayed.scores.test
    assert penalised.scores.train_loss == pytest.approx(decayed.scores.train_loss, rel=1e-5)
    assert theirs.penalty == []


def test_penalties_are_recorded_with_their_weight(make_job: MakeJob) -> None:
    """The record keeps the mean of the weighted penalties since the point before."""
    record = run_trial(make_job(PENALISED.replace("PENALTY", "0 * halves + 2.0")))

    assert curves_of(record).penalty == pytest.approx([2.0 * STRENGTH] * 2)


def test_what_training_minimises_includes_penalties(make_job: MakeJob) -> None:
    """The loss that probes differentiate is the loss of the task and the weighted penalty."""
    run = TrialRun(make_job(PENALISED.replace("PENALTY", "0 * halves + 2.0")))
    run.prepare()
    assert run.module is not None
    arguments, targets = run.splits["train"].arguments(slice(8)), run.splits["train"].targets[:8]
    outputs = run.module.network(*arguments)

    gap = run.module.objective(outputs, targets) - run.module.loss(outputs, targets)
    assert gap.item() == pytest.approx(2.0 * STRENGTH)


def test_a_penalty_that_is_no_scalar_fails_the_trial(make_job: MakeJob) -> None:
    """One penalty for each example is refused, as it would be broadcast."""
    record = run_trial(make_job(PENALISED.replace("PENALTY", "x.flatten(1).mean(1) * halves")))

    assert record.status == "failed"
    assert "the penalty 'decay' has the shape (16,); return a scalar" in record.message


def test_a_penalty_that_is_not_finite_ends_the_training(make_job: MakeJob) -> None:
    """A penalty of infinity counts as divergence at its step, although the loss of that step is finite."""
    record = run_trial(make_job(PENALISED.replace("PENALTY", "halves / 0")))

    assert (record.status, record.message) == ("diverged", "the training loss is not finite at step 1")
