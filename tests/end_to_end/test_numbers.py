"""The numbers make sense: statements of the literature about these networks hold under the quick protocol."""

from __future__ import annotations

import statistics
from typing import Any

import pytest

from support import Cli, ReadRecords

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

Scores = dict[tuple[str, str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def scores(cli: Cli, records: ReadRecords, tmp_path_factory: pytest.TempPathFactory) -> Scores:
    """The scores of some architectures on some tasks, over the three seeds of the quick protocol."""
    folder = tmp_path_factory.mktemp("quick")
    for names, tasks in (
        (("mlp", "highway", "plain[depth=20,56]", "resnet[depth=20,56]"), ("digits",)),
        (("rnn", "lstm"), ("adding", "temporal-order")),
        (("lstm-1997",), ("temporal-order", "embedded-reber")),
    ):
        done = cli("run", *names, *(word for task in tasks for word in ("--task", task)), cwd=folder, timeout=1400)
        assert done.returncode == 0, done.stderr
    found: Scores = {}
    for record in records(folder / "leaderboard"):
        if record["status"] == "ok":
            key = (record["trial"]["architecture"]["label"], record["trial"]["task"]["label"])
            found.setdefault(key, []).append(record["scores"])
    assert {len(values) for values in found.values()} == {3}
    return found


@pytest.mark.parametrize("architecture", ["mlp", "highway-10", "resnet-20"])
def test_digits_are_learned(architecture: str, scores: Scores) -> None:
    """The mlp, highway-10 and resnet-20 reach 0.95 test accuracy on every seed."""
    assert min(s["test"] for s in scores[architecture, "digits"]) >= 0.95


def test_lstm_adds_and_the_elman_net_does_not(scores: Scores) -> None:
    """On the adding task the LSTM gets below 0.05 mean squared error on every seed, the tanh RNN on none."""
    assert max(s["test"] for s in scores["lstm", "adding"]) < 0.05
    assert min(s["test"] for s in scores["rnn", "adding"]) > 0.05


def test_order_in_time_needs_a_memory(scores: Scores) -> None:
    """The LSTM of 1997 learns the order of two distant symbols on every seed, today's on most, the tanh RNN on none."""
    assert min(s["test"] for s in scores["lstm-1997", "temporal-order"]) > 0.95
    assert statistics.median(s["test"] for s in scores["lstm", "temporal-order"]) > 0.95
    assert max(s["test"] for s in scores["rnn", "temporal-order"]) < 0.5


def test_first_lstm_solves_embedded_reber(scores: Scores) -> None:
    """The LSTM of 1997 predicts the second-last symbol of an embedded Reber string on every seed."""
    assert min(s["test"] for s in scores["lstm-1997", "embedded-reber"]) > 0.95


def test_depth_hurts_training_without_the_shortcut_only(scores: Scores) -> None:
    """On every seed plain-56 has over five times the training loss of plain-20, and resnet-56 a smaller one."""
    plain_20, plain_56, resnet_56 = (
        [s["train_loss"] for s in scores[name, "digits"]] for name in ("plain-20", "plain-56", "resnet-56")
    )

    assert min(plain_56) > 5 * max(plain_20)
    assert max(resnet_56) < min(plain_20)
    assert statistics.median(resnet_56) <= 2 * statistics.median(s["train_loss"] for s in scores["resnet-20", "digits"])
