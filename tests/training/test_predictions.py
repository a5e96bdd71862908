"""The confusion matrix and the wrong examples of a record, against a loop over the examples."""

from __future__ import annotations

import math

import msgspec
import pytest
import torch

from archbench import Task, TaskInfo
from archbench._records import misfit
from archbench._training import run_trial
from archbench._training._predictions import Predictions, make_predictions
from support import MakeJob

LINEAR = "def build(task, options):\n    return linear(task)\n"


def drawn(examples: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return random logits (N, classes) and targets (N,)."""
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(examples, classes, generator=generator)
    return logits, torch.randint(0, classes, (examples,), generator=generator)


def test_counts_and_order_of_the_wrong() -> None:
    """Every example counts in the row of its class; the wrong ones come by the probability of what was predicted."""
    logits, targets = drawn(350, 4)
    predictions = Predictions(4)
    for start in (0, 200):
        predictions.update(logits[start : start + 200], targets[start : start + 200])

    counts = [[0] * 4 for _ in range(4)]
    wrong = []
    for index, (row, target) in enumerate(zip(logits.tolist(), targets.tolist(), strict=True)):
        predicted = row.index(max(row))
        counts[target][predicted] += 1
        if predicted != target:
            wrong.append((-math.exp(max(row)) / sum(map(math.exp, row)), index))

    assert len(wrong) > 100
    assert predictions.confusion() == counts
    assert predictions.wrong() == [index for _, index in sorted(wrong)][:100]


def test_equally_confident_examples_keep_their_order() -> None:
    """Of equally confident wrong answers the earlier example comes first."""
    predictions = Predictions(2)
    predictions.update(torch.tensor([[5.0, 0.0]] * 40), torch.tensor([1, 0] * 20))

    assert predictions.wrong() == list(range(0, 40, 2))


def test_what_is_not_asked_does_not_count() -> None:
    """An example whose label is ignored is neither counted nor wrong."""
    predictions = Predictions(2)
    predictions.update(torch.tensor([[5.0, 0.0], [5.0, 0.0]]), torch.tensor([-100, 0]))

    assert (predictions.confusion(), predictions.wrong()) == ([[1, 0], [0, 0]], [])


def test_too_many_classes_for_a_matrix() -> None:
    """A hundred classes have a matrix, one more has none; the wrong examples are named either way."""
    matrices = []
    for classes in (100, 101):
        predictions = Predictions(classes)
        predictions.update(torch.eye(classes)[:2], torch.tensor([0, 0]))
        assert predictions.wrong() == [1]
        matrices.append(predictions.confusion())

    assert [matrix and len(matrix) for matrix in matrices] == [100, None]


@pytest.mark.parametrize(
    ("loss", "metric", "per_step"),
    [("mean_squared_error", "mean_squared_error", False), ("cross_entropy", "accuracy", True)],
)
def test_tasks_without_a_class_for_each_example(loss: str, metric: str, per_step: bool) -> None:
    """Numbers, and labels at every step, have no confusion matrix."""
    info = TaskInfo(kind="sequence", input_shape=(4, 1), outputs=2, per_step=per_step)
    chance, oracle = (0.5, 1.0) if metric == "accuracy" else (1.0, 0.0)
    task = Task(name="t", info=info, load="m:f", loss=loss, metric=metric, chance=chance, oracle=oracle)  # type: ignore[arg-type]

    assert make_predictions(task, info) is None


IGNORING = """
def load(options, seed):
    import numpy as np

    def split(count, seed):
        draw = np.random.default_rng(seed)
        labels = draw.integers(0, 3, count)
        pixels = (draw.normal(size=(count, 1, 8, 8)) + labels[:, None, None, None]).astype(np.float32)
        labels[:5] = archbench.IGNORED
        return archbench.Examples(inputs=pixels, targets=labels)

    return archbench.Splits(train=split(200, [1, seed]), validation=split(60, [2, seed]), test=split(90, 3))


@archbench.hookimpl
def archbench_tasks():
    yield archbench.Task(name="ignoring", info=archbench.TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=3),
                         load=load, loss="cross_entropy", metric="accuracy", chance=1 / 3, oracle=1.0, summary="")
"""


def test_a_record_of_a_test_with_ignored_labels_counts(make_job: MakeJob) -> None:
    """The matrix has the 85 of 90 test examples that are asked for, and the record can be read again."""
    record = run_trial(make_job(LINEAR, task="ignoring", extra=IGNORING))

    assert record.status == "ok", record.message
    assert record.confusion is not None
    assert (sum(map(sum, record.confusion)), record.task_facts.test_examples) == (85, 90)
    assert misfit(record) == ""


def test_a_record_has_the_predictions_of_the_selected_weights(make_job: MakeJob) -> None:
    """The diagonal holds the share of the test split that is the score, and a record of tuning has no predictions."""
    job = make_job(LINEAR)
    record = run_trial(job)
    tuning = run_trial(msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, tuning=True)))

    assert record.scores is not None, record.detail
    assert record.confusion is not None
    assert record.scores.test != record.scores.test_last or record.scores.selected_step == 20
    total = sum(map(sum, record.confusion))
    assert total == record.task_facts.test_examples == 397
    assert sum(row[i] for i, row in enumerate(record.confusion)) / total == pytest.approx(record.scores.test, abs=1e-6)
    assert misfit(record) == ""
    assert (tuning.status, tuning.confusion, tuning.wrong) == ("ok", None, [])
