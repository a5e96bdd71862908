"""The plain training loss: comparable between architectures, whatever they add to their objective."""

from __future__ import annotations

import pytest
import torch

from archbench import Outputs
from archbench._training._module import TrialModule
from archbench._training._streams import stream_seed
from archbench._training._trial_run import TrialRun
from archbench_tasks.digits import load_images
from support import MakeJob

NOISY = """
def build(task, options):
    import archbench, torch
    class Noisy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.main, self.side, self.dropout = linear(task), linear(task), torch.nn.Dropout(0.5)
        def forward(self, x):
            return archbench.Outputs(self.main(self.dropout(x)), {"side": (self.side(x), 3.0)})
    return Noisy()
"""
PLAIN = "def build(task, options): return linear(task)\n"


def trained(make_job: MakeJob, build: str, task: str = "digits") -> TrialRun:
    """Return a trial that was trained and tested."""
    run = TrialRun(make_job(build, task=task))
    run.prepare()
    run.train()
    return run


def test_plain_loss_is_that_of_a_plain_loop(make_job: MakeJob) -> None:
    """It is the mean cross entropy of the main output, in evaluation mode, on examples spread over the training split.

    The network has dropout and an auxiliary loss; the loop takes one example after the other, in double precision.
    """
    run = trained(make_job, NOISY)
    assert run.module is not None
    splits = load_images(None, stream_seed(run.trial, "splits"))
    network = run.module.network.eval().double()
    total, count, size = 0.0, len(splits.validation.targets), len(splits.train.targets)
    for k in range(count):
        example = k * size // count
        with torch.no_grad():
            answer = network(torch.from_numpy(splits.train.inputs[example : example + 1]).double())
        assert isinstance(answer, Outputs)
        exponentials = answer.logits[0].exp()
        total -= float((exponentials[splits.train.targets[example]] / exponentials.sum()).log())
    scores = run.record("ok", "", "").scores

    assert scores is not None
    assert scores.plain_train_loss == pytest.approx(total / count, rel=1e-5)
    assert scores.train_loss > 1.5 * scores.plain_train_loss  # the objective adds three times the auxiliary loss


def test_plain_loss_of_values_is_the_mean_squared_error(make_job: MakeJob) -> None:
    """On a task of values it is the mean squared error of the last weights on examples of the training split."""
    run = trained(make_job, PLAIN, "adding")
    assert run.module is not None
    train, count = run.splits["train"], len(run.splits["validation"])
    examples = [k * len(train) // count for k in range(count)]
    (inputs,), targets = train.arguments(slice(None)), train.targets
    with torch.no_grad():
        errors = [(float(run.module.network(inputs[k : k + 1])) - float(targets[k])) ** 2 for k in examples]

    assert run.module.plain_loss == pytest.approx(sum(errors) / count, rel=1e-4)


def test_measuring_it_changes_no_score(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores and curves are those of a trial that does not measure it."""
    measured = trained(make_job, NOISY).record("ok", "", "")
    monkeypatch.setattr(TrialModule, "_measure_plain_loss", lambda self: 0.0)
    unmeasured = trained(make_job, NOISY).record("ok", "", "")

    assert measured.scores is not None
    assert unmeasured.scores is not None
    assert measured.scores.plain_train_loss != unmeasured.scores.plain_train_loss
    assert measured.scores.test == unmeasured.scores.test
    assert measured.scores.test_last == unmeasured.scores.test_last
    assert measured.scores.train_loss == unmeasured.scores.train_loss
