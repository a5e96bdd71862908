"""The numbers make sense: statements of the literature hold in the committed records and in trials of the quick size.

That the committed records can be had again is tested by `tests/records/test_retraining.py`.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

import archbench
from archbench import Record
from support import Cli

REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference"
CONVOLUTIONS, IN_TIME = ("convolutions", "convolutions-lesioned"), ("in-time",)

Found = dict[tuple[str, str], list[Record]]


def gather(folder: Path, protocols: tuple[str, ...]) -> Found:
    """Return the finished trials under some protocols by architecture and task, without those that try a recipe."""
    found: Found = {}
    for record in archbench.read(folder).records:
        trial = record.trial
        if record.status == "ok" and trial.protocol.name in protocols and not trial.tuning:
            found.setdefault((trial.architecture.label, trial.task.label), []).append(record)
    return found


def scores_of(records: list[Record]) -> list[float]:
    """Return the test scores."""
    return [record.scores.test for record in records if record.scores]


def losses_of(records: list[Record]) -> list[float]:
    """Return the training losses at the end."""
    return [record.scores.train_loss for record in records if record.scores]


@pytest.fixture(scope="module")
def trained(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The trials of some recurrent nets on two tasks of 1997, over two seeds of the quick protocol."""
    folder = tmp_path_factory.mktemp("quick")
    for names, tasks in ((("rnn",), ("temporal-order",)), (("lstm-1997",), ("temporal-order", "embedded-reber"))):
        chosen = (*names, *(word for task in tasks for word in ("--task", task)), "--seeds", "2")
        done = cli("run", *chosen, cwd=folder, timeout=1400)
        assert done.returncode == 0, done.stderr
    found = gather(folder / "leaderboard", ("quick",))
    assert {len(records) for records in found.values()} == {2}
    return found


@pytest.mark.parametrize("architecture", ["resnet-20", "resnet-56"])
def test_digits_are_learned(architecture: str) -> None:
    """The residual nets of 20 and 56 layers reach 0.95 test accuracy on every seed within 150 steps."""
    scores = scores_of(gather(REFERENCE, CONVOLUTIONS)[architecture, "digits"])

    assert len(scores) >= 5
    assert min(scores) >= 0.95


def test_lstm_adds_and_the_elman_net_does_not() -> None:
    """On the adding task the LSTM gets below 0.05 mean squared error on every seed, the tanh RNN on none."""
    found = gather(REFERENCE, IN_TIME)

    assert max(scores_of(found["lstm", "adding"])) < 0.05
    assert min(scores_of(found["rnn", "adding"])) > 0.05


def test_depth_hurts_training_without_the_shortcut_only() -> None:
    """On every seed plain-56 has over five times the training loss of plain-20, and resnet-56 a smaller one."""
    found = gather(REFERENCE, CONVOLUTIONS)
    plain_20, plain_56, resnet_20, resnet_56 = (
        losses_of(found[name, "digits"]) for name in ("plain-20", "plain-56", "resnet-20", "resnet-56")
    )

    assert min(plain_56) > 5 * max(plain_20)
    assert max(resnet_56) < min(plain_20)
    assert statistics.median(resnet_56) <= 2 * statistics.median(resnet_20)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_order_in_time_needs_a_memory(trained: Found) -> None:
    """The LSTM of 1997 learns the order of two distant symbols on every seed, the tanh RNN on none."""
    assert min(scores_of(trained["lstm-1997", "temporal-order"])) > 0.95
    assert max(scores_of(trained["rnn", "temporal-order"])) < 0.5


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_first_lstm_solves_embedded_reber(trained: Found) -> None:
    """The LSTM of 1997 predicts the second-last symbol of an embedded Reber string on every seed."""
    assert min(scores_of(trained["lstm-1997", "embedded-reber"])) > 0.95
