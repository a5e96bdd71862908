"""Records that cannot be what their trial leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._records import Record, Store
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
        ({"status": "failed"}, "it has scores or curves and the status failed"),
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
