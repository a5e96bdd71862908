"""Records that cannot be what their trial leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._records import Example, Record, Store
from archbench._records._fit import misfit
from support import MakeRecord


def changed(record: Record, part: str, **changes: Any) -> Record:
    """Return a record with other values in one of its parts."""
    return msgspec.structs.replace(record, **{part: msgspec.structs.replace(getattr(record, part), **changes)})


@pytest.mark.parametrize(
    ("part", "changes", "reason"),
    [
        ("scores", {"test": 1.5}, "it has the accuracy 1.5, which is impossible"),
        ("scores", {"test_last": -0.1}, "it has the accuracy -0.1, which is impossible"),
        ("scores", {"validation": 0.9}, "its validation score is 0.9, the best of its curve 0.8"),
        ("scores", {"selected_step": 20}, "step 20, which was selected, has not the best validation score"),
        ("scores", {"selected_step": 15}, "step 15, which was selected, has not the best validation score"),
        ("training", {"steps": 10}, "it was trained for 10 of 20 steps"),
        ("training", {"steps": 40}, "it was trained for 40 of 20 steps"),
        ("training", {"planned_steps": 40}, "its planned_steps is 40, that of its trial 20"),
        ("training", {"batch_size": 8}, "its batch_size is 8, that of its trial 16"),
        ("training", {"track": "own recipe"}, "its track is own recipe, that of its trial house recipe"),
        ("training", {"target": 0.5}, "its target is 0.5, that of its trial None"),
        ("training", {"examples": 0}, "it was trained on 0 examples"),
        ("training", {"stopped": "target"}, "it stopped at the target, which its protocol does not ask for"),
        ("curves", {"step": [10, 20, 30]}, "its curves have different lengths"),
        ("curves", {"step": [20, 20]}, "the steps of its curves do not rise"),
        ("curves", {"step": [10, 19]}, "its curves end at step 19, its training at step 20"),
        ("curves", {"seconds": [0.2, 0.1]}, "the seconds of its curves fall"),
        ("curves", {"validation": [0.8, 0.9]}, "its validation score is 0.8, the best of its curve 0.9"),
        ("resources", {"parameters": 0}, "it has 0 parameters"),
        ("task_facts", {"higher_is_better": False}, "it takes accuracy for better in the wrong direction"),
    ],
)
def test_a_part_that_does_not_fit(part: str, changes: dict[str, Any], reason: str, make_record: MakeRecord) -> None:
    """A number that contradicts the protocol or the other numbers is named with what it should be."""
    assert misfit(make_record()) == ""
    assert misfit(changed(make_record(), part, **changes)).startswith(reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"training": None}, "it is ok and has no training"),
        ({"curves": None}, "it is ok and has no curves"),
        ({"pairing": None}, "it is ok and has no pairing"),
        ({"environment": None}, "it is ok and has no environment"),
        ({"scores": None}, "it has no test score"),
        ({"status": "failed"}, "it has scores and the status failed"),
    ],
)
def test_parts_that_are_missing_or_too_many(changes: dict[str, Any], reason: str, make_record: MakeRecord) -> None:
    """A finished trial has all parts of a record, and one that failed has no scores."""
    assert misfit(make_record(**changes)) == reason


def test_number_of_validations(make_record: MakeRecord) -> None:
    """A curve with a point too many or too few does not fit the number of validations."""
    record = make_record()
    more = {"step": [5, 10, 20], "train_loss": [1.0] * 3, "validation": [0.1, 0.8, 0.6], "seconds": [0.0] * 3}
    less = {"step": [20], "train_loss": [1.0], "validation": [0.8], "seconds": [0.0]}
    single = changed(changed(record, "curves", **less), "scores", selected_step=20)

    assert misfit(changed(record, "curves", **more)) == "it was validated 3 times instead of 2"
    assert misfit(single) == "it was validated 1 times instead of 2"


def test_other_metrics(make_record: MakeRecord) -> None:
    """An error may be large but not negative, and no perplexity is below 1."""
    for metric, good, bad in (("mean_squared_error", 80.0, -0.5), ("perplexity", 1.0, 0.5)):
        facts = msgspec.structs.replace(make_record().task_facts, metric=metric, higher_is_better=False)
        record = changed(make_record(task_facts=facts), "curves", validation=[good, good + 1])
        record = changed(record, "scores", validation=good, test=good, test_last=good)

        assert misfit(record) == ""
        assert misfit(changed(record, "scores", test=bad)) == f"it has the {metric} {bad:g}, which is impossible"


def test_trials_that_ended_early(make_record: MakeRecord) -> None:
    """A trial that diverged half-way fits; a tuning trial must have no test score."""
    record = make_record()
    diverged = changed(make_record(status="diverged", scores=None, curves=None), "training", steps=10)
    trial = msgspec.structs.replace(record.trial, tuning=True)

    assert misfit(diverged) == ""
    assert misfit(msgspec.structs.replace(record, trial=trial)) == "it is of tuning and has a test score"
    assert misfit(msgspec.structs.replace(record, trial=trial, scores=None)) == ""


def test_a_record_that_does_not_fit_is_set_aside(make_record: MakeRecord, tmp_path: Path) -> None:
    """A folder with such a record is read without it, and the reason is kept for the page."""
    store = Store(tmp_path)
    forged = store.write(changed(make_record(), "training", steps=10))
    records, (item,) = store.load()

    assert records == {}
    assert item.reason == "does not fit its protocol: it was trained for 10 of 20 steps"
    assert store.read_reasons(()) == [f"{forged.id}.json does not count: {item.reason}"]
    assert store.read_reasons({forged.id}) == []


MATRIX = [[30, 5, 0], [10, 35, 5], [0, 5, 10]]  # 75 of 100 right
PREDICTED = {"confusion": MATRIX, "wrong": list(range(25))}
EXAMPLE = Example(kind="image", whole=[1, 8, 8], shape=[1, 2, 2], values=[0, 1, 2, 255], target="1")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"confusion": [[31, 5, 0], *MATRIX[1:]]}, "its confusion matrix has 101 examples, the test split 100"),
        ({"confusion": [[29, 6, 0], *MATRIX[1:]]}, "it names 25 wrong examples, its confusion matrix has 26"),
        (
            {"confusion": [[29, 6, 0], *MATRIX[1:]], "wrong": list(range(26))},
            "its confusion matrix has the accuracy 0.74, its score is 0.75",
        ),
        ({"confusion": [[-1, 36, 0], *MATRIX[1:]]}, "its confusion matrix has negative counts"),
        ({"confusion": MATRIX[:2]}, "its confusion matrix is not a square of 1 to 100 classes"),
        ({"confusion": []}, "its confusion matrix is not a square of 1 to 100 classes"),
        ({"confusion": [[0] * 101] * 101}, "its confusion matrix is not a square of 1 to 100 classes"),
        ({"wrong": [0, 0, *range(23)]}, "it names more than 100 wrong examples, or one of them twice"),
        ({"wrong": list(range(76, 101))}, "it names wrong examples that are not among the 100 of the test split"),
        ({"wrong": list(range(-1, 24))}, "it names wrong examples that are not among the 100 of the test split"),
        ({"scores": None}, "it has predictions and no test score"),
    ],
)
def test_predictions_that_do_not_fit(changes: dict[str, Any], reason: str, make_record: MakeRecord) -> None:
    """A confusion matrix that has another size, sum or accuracy than the test says is not that of the trial."""
    whole = changed(make_record(**PREDICTED), "task_facts", test_examples=100, classes=["a", "b", "c"])

    assert misfit(whole) == ""
    assert misfit(msgspec.structs.replace(whole, **changes)) == reason


def test_a_matrix_of_fewer_examples_than_the_test(make_record: MakeRecord) -> None:
    """Examples whose label is ignored are in the test split and not in the matrix; the score is of the others."""
    some = changed(make_record(**PREDICTED), "task_facts", test_examples=105)
    other_score = changed(some, "scores", test=75 / 105)

    assert misfit(some) == ""
    assert misfit(other_score) == "its confusion matrix has the accuracy 0.75, its score is 0.714286"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"test_examples": 0}, "it was tested on 0 examples"),
        ({"classes": ["a"]}, "its confusion matrix has 3 classes, its task 1"),
        ({"example": {"values": [1, 2]}}, "its example of the task has 2 values for the shape [1, 2, 2]"),
        (
            {"example": {"shape": [1, 33, 1], "values": [0] * 33}},
            "its example of the task has 33 values for the shape [1, 33, 1]",
        ),
        ({"example": {"shape": [1, -2, -2]}}, "its example of the task has 4 values for the shape [1, -2, -2]"),
        ({"example": {"kind": "sequence"}}, "its example of the task has 4 values for the shape [1, 2, 2]"),
    ],
)
def test_facts_that_do_not_fit(facts: dict[str, Any], reason: str, make_record: MakeRecord) -> None:
    """Facts that contradict the predictions, and an example that nobody can draw, are named."""
    example = msgspec.structs.replace(EXAMPLE, **facts.get("example", {}))

    assert misfit(changed(make_record(**PREDICTED), "task_facts", example=EXAMPLE)) == ""
    assert misfit(changed(make_record(**PREDICTED), "task_facts", **{**facts, "example": example})) == reason


@pytest.mark.parametrize(
    ("curves", "reason"),
    [
        ({"step": [10]}, "its curves have different lengths"),
        ({"step": [10, 21]}, "its curves end at step 21, its training at step 20"),
        ({"step": [10, 10]}, "the steps of its curves do not rise"),
        ({name: [1, 2, 3] for name in ("step", "train_loss", "validation", "seconds")}, "it was validated 3 times"),
    ],
)
def test_partial_curves_that_do_not_fit(curves: dict[str, Any], reason: str, make_record: MakeRecord) -> None:
    """A trial that was cut short may have a part of its curves, and no more than it was trained for."""
    cut = make_record(status="timeout", scores=None)
    partial = changed(cut, "curves", step=[10], train_loss=[1.0], validation=[0.8], seconds=[0.1])

    assert misfit(partial) == ""
    assert misfit(changed(cut, "curves", **curves)).startswith(reason)
    assert misfit(msgspec.structs.replace(cut, training=None)) == "it has curves and no training"
