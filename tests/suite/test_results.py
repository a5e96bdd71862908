"""Results: boards as typed objects, and rows for data frames."""

from __future__ import annotations

import json
import sys

import pytest

import archbench
from archbench import Results
from archbench._suite._rows import COLUMNS, make_rows


def test_rows_are_flat_and_complete(small_results: Results) -> None:
    """One row for each trial, with every column in a fixed order and nothing but plain values."""
    rows = small_results.rows()

    assert len(rows) == 6
    for row, record in zip(rows, small_results.records, strict=True):
        assert list(row) == list(COLUMNS)
        assert row["id"] == record.id
        assert row["test"] == (None if record.scores is None else record.scores.test)
        assert all(value is None or isinstance(value, str | int | float | bool) for value in row.values())


def test_columns_of_a_finished_trial_are_filled(small_results: Results) -> None:
    """Of a trial that ended ok, every column has a value but those that need a target, a penalty or a counter."""
    row = small_results.rows()[0]

    assert {name for name, value in row.items() if value is None} <= {"steps_to_target", "flops", "penalty"}
    assert row["architecture"] == "lstm"
    assert json.loads(str(row["options"]))["forget_bias"] == 1.0
    assert (row["steps"], row["batch_size"], row["learning_rate"]) == (20, 16, 0.01)
    assert row["train_seconds"] < row["total_seconds"]


def test_columns_of_a_trial_that_was_not_trained(small_results: Results) -> None:
    """A record without results has its status and reason, and no scores, costs or device."""
    (row,) = make_rows(small_results.refused)

    assert (row["status"], row["message"]) == ("skipped", "takes image, the task gives sequence")
    for name in ("test", "validation", "steps", "train_seconds", "parameters", "device"):
        assert row[name] is None


def test_data_frames(small_results: Results) -> None:
    """pandas and polars get the same rows; numbers are numbers."""
    pandas, polars = small_results.to_pandas(), small_results.to_polars()

    assert list(pandas.columns) == polars.columns == list(COLUMNS)
    assert pandas["test"].dtype == "float64"
    assert pandas["test"].mean() == pytest.approx(polars["test"].mean())
    assert len(pandas) == len(polars) == 6


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_missing_is_named(
    library: str, small_results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the library the error says how to install it."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(archbench.ArchbenchError, match=f"pip install {library}"):
        getattr(small_results, f"to_{library}")()


def test_boards_are_typed(small_results: Results) -> None:
    """A board gives its entrants with scores of every seed, under smoke by name; labels come from `entrants`."""
    board = small_results.board("digits")
    first = board.rows[0]
    scores = {record.id: record.scores.test for record in small_results.records if record.scores}

    means = {
        label: sum(r.scores.test for r in small_results.records if r.scores and _names(r) == (label, "digits")) / 2
        for label in ("lstm", "plain[depth=8]")
    }

    labels = [small_results.entrants[row.entrant].label for row in board.rows]
    assert labels == sorted(means)
    assert [seed.test for seed in first.seeds] == [scores[seed.record] for seed in first.seeds]
    assert first.score is not None
    assert first.score.mean == pytest.approx(means[labels[0]])
    assert len(small_results.boards) == 2
    assert {over.kind for over in small_results.overall} == {"image", "sequence"}


def _names(record: archbench.Record) -> tuple[str, str]:
    return record.trial.architecture.label, record.trial.task.label


def test_a_board_that_is_not_there(small_results: Results) -> None:
    """An unknown task or protocol is named with what there is."""
    with pytest.raises(archbench.UnknownNameError, match="did you mean 'digits'"):
        small_results.board("digit")
    with pytest.raises(archbench.UnknownNameError, match="there are results on digits under smoke"):
        small_results.board("digits", protocol="quick")
