"""Boards whose errors are compared by their ratio. Expected numbers come from scipy or are worked out by hand."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

from archbench._protocols import HOUSE_RECIPE
from archbench._records import Component, Record, TaskFacts, Training
from archbench._report import Leaderboard, TaskBoard, build_leaderboard
from archbench._report._html import render_html
from archbench._report._schema import TaskRow
from archbench._report._write import render_files
from support import MakeRecord

FACTS = TaskFacts(
    kind="sequence", metric="mean_squared_error", higher_is_better=False, chance=1.0, oracle=0.0, summary="",
    margin=0.003, factor=1.25,
)  # fmt: skip
ERRORS = {"a": [0.0010, 0.0012, 0.0011], "b": [0.0030, 0.0041, 0.0034], "c": [0.2, 0.9, 0.4]}


def build(make: MakeRecord, errors: dict[str, list[float]], facts: TaskFacts = FACTS) -> Leaderboard:
    """Return the leaderboard of these errors."""
    return build_leaderboard(
        [
            make(name, seed=seed, score=error, task_facts=facts)
            for name, row in errors.items()
            for seed, error in enumerate(row)
        ]
    )


def rows(board: Leaderboard) -> dict[str, TaskRow]:
    """Return the rows of the first task board by label, in their order."""
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    return {labels[row.entrant]: row for row in board.boards[0].rows}


def told_apart(board: Leaderboard) -> int:
    """Return how many pairs of the first task board have a better entrant."""
    item: TaskBoard = board.boards[0]
    return item.comparison.told_apart


def test_ratios_tell_apart_what_differences_do_not(make_record: MakeRecord) -> None:
    """Beside an error of .5 that varies much, .0011 and .0035 are told apart by their ratio only."""
    ratios = build(make_record, ERRORS)
    differences = build(make_record, ERRORS, msgspec.structs.replace(FACTS, factor=None))

    assert (told_apart(ratios), told_apart(differences)) == (3, 0)
    assert ratios.boards[0].verdict == (
        "a is the best on digits, better than all 2 other entrants; 3 of 3 pairs can be told apart, none are "
        "equivalent within a factor of 1.25."
    )


def test_interval_of_a_ratio_is_that_of_the_logarithms(make_record: MakeRecord) -> None:
    """Means are geometric, and the factor of the interval is that of scipy's paired t test of the logarithms."""
    board = build(make_record, {name: ERRORS[name] for name in "ab"}).boards[0]
    interval = stats.ttest_rel(np.log(ERRORS["a"]), np.log(ERRORS["b"])).confidence_interval(0.95)
    found = board.comparison

    assert found.scores.means == pytest.approx([stats.gmean(ERRORS[name]) for name in "ab"])
    assert found.scores.half_widths[1][0] == pytest.approx(np.exp((interval.high - interval.low) / 2), rel=1e-4)
    assert (found.margin, found.factor) == (0.003, 1.25)


def test_half_widths_have_no_digits_that_differ_between_processors(make_record: MakeRecord) -> None:
    """The quantile in them is found to a billionth; further digits would change the page from machine to machine."""
    halves = build(make_record, ERRORS).boards[0].comparison.scores.half_widths

    assert [half for row in halves for half in row] == [float(f"{half:.9g}") for row in halves for half in row]
    assert sum(map(len, halves)) == 3


def test_rows_show_and_follow_geometric_means(make_record: MakeRecord) -> None:
    """The order is that of the geometric means, which the table shows, with the interval of the mean logarithm."""
    board = build(make_record, {"even": [0.02, 0.02, 0.021], "wild": [0.001, 0.001, 0.1]})
    score = rows(board)["wild"].score
    interval = stats.ttest_1samp(np.log([0.001, 0.001, 0.1]), 0).confidence_interval(0.95)

    assert list(rows(board)) == ["wild", "even"]  # arithmetic means are .034 and .020
    assert score is not None
    assert (score.mean, score.low, score.high) == pytest.approx(
        (stats.gmean([0.001, 0.001, 0.1]), np.exp(interval.low), np.exp(interval.high))
    )
    assert rows(board)["wild"].normalised == pytest.approx(1 - 0.034)


def test_no_error_counts_as_a_millionth_of_chance(make_record: MakeRecord) -> None:
    """Errors of 0 neither break the page nor are infinitely better: they count as 1e-6, like all that are smaller."""
    board = build(make_record, {"none": [0.0] * 3, "tiny": [1e-9, 0.0, 1e-7], "large": [0.1, 0.12, 0.11]})
    means = dict(zip(rows(board), board.boards[0].comparison.scores.means, strict=True))

    assert means["none"] == means["tiny"] == pytest.approx(1e-6)
    assert [len(row.equivalent_to) for row in rows(board).values()] == [1, 1, 0]
    assert [row.rank for row in rows(board).values()] == [1, 1, 3]


def aimed(make: MakeRecord, name: str, errors: list[float], steps: list[int | None]) -> list[Record]:
    """Return records of an entrant on a task with the target .01, reached after these steps."""
    target = Component(provider="archbench", name="digits", revision=1, options={}, label="digits", target=0.01)
    records = []
    for seed, (error, taken) in enumerate(zip(errors, steps, strict=True)):
        training = Training(
            track="house recipe", recipe=HOUSE_RECIPE, batch_size=32, examples=1200, planned_steps=500, steps=500,
            stopped="budget", target=0.01, steps_to_target=taken,
        )  # fmt: skip
        record = make(name, seed=seed, score=error, training=training, task_facts=FACTS)
        records.append(msgspec.structs.replace(record, trial=msgspec.structs.replace(record.trial, task=target)))
    return records


def test_errors_below_the_target_are_all_good_enough(make_record: MakeRecord) -> None:
    """Solvers whose errors lie decades apart below the target are equivalent if their steps do not tell them apart."""
    records = aimed(make_record, "fine", [1e-5, 2e-5, 1e-5], [100, 200, 150])
    records += aimed(make_record, "rough", [0.004, 0.005, 0.004], [200, 100, 150])
    records += aimed(make_record, "none", [0.2, 0.21, 0.19], [None] * 3)
    board = build_leaderboard(records)

    assert board.boards[0].comparison.scores.means == pytest.approx([0.01, 0.01, stats.gmean([0.2, 0.21, 0.19])])
    assert (board.boards[0].comparison.equivalent, told_apart(board)) == (1, 2)


def data_of(page: str) -> dict[str, Any]:
    """Return the data that the script of a page looks up."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    data: dict[str, Any] = json.loads(text)
    return data


def test_files_say_that_ratios_are_compared(make_record: MakeRecord) -> None:
    """Page, README, CSV and JSON say what is compared, and from which factor on it matters."""
    board = build(make_record, ERRORS)
    files = {name: text.decode() for name, text in render_files(board).items() if not name.endswith(".png")}
    readme, page = files["README.md"].replace("\\", ""), files["index.html"]
    found = json.loads(files["leaderboard.json"])

    rule = (
        "errors are compared by their ratio, and factors below 1.25 do not matter; an error below 1e-06 counts as 1e-06"
    )
    for text in (readme, page):
        assert rule in text
        assert "Compared on 3 seeds (0, 1, 2); means of errors are geometric" in text
        assert "Errors that lie orders of magnitude apart are compared by their ratio" in text
        assert "equivalent within a factor of 1.25" in text
    assert data_of(page)["boards"][-1]["margin"] == "a factor of 1.25"
    assert f"{stats.gmean(ERRORS['a']):.4f} (0.00" in readme
    assert (found["format"], found["tasks"][0]["factor"], found["boards"][0]["comparison"]["factor"]) == (4, 1.25, 1.25)
    (line,) = [
        row for row in csv.DictReader(io.StringIO(files["leaderboard.csv"])) if row["task"] and row["rank"] == "1"
    ]
    assert (line["architecture"], line["factor"]) == ("a", "1.25")
    assert float(line["score"]) == pytest.approx(stats.gmean(ERRORS["a"]))


def test_pages_without_such_a_task_do_not_speak_of_ratios(make_record: MakeRecord) -> None:
    """Where all tasks are compared by differences, the page says nothing of ratios."""
    page = render_html(build(make_record, ERRORS, msgspec.structs.replace(FACTS, factor=None)))

    assert "differences below 0.003 do not matter" in page
    assert "ratio" not in re.sub(r"<(style|script)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)


def test_what_the_page_looks_up_keeps_small_errors(make_record: MakeRecord) -> None:
    """The numbers behind the comparison of two entrants keep four digits, however small the errors are."""
    board = build(make_record, {"a": [1.234e-5, 1.1e-5, 1.3e-5], "b": [0.0030, 0.0041, 0.0034]})
    means = data_of(render_html(board))["boards"][-1]["scores"]["means"]

    assert means == pytest.approx(
        [stats.gmean([1.234e-5, 1.1e-5, 1.3e-5]), stats.gmean([0.003, 0.0041, 0.0034])], rel=1e-3
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"factor": 0.5},
        {"factor": -1.0},
        {"higher_is_better": True, "metric": "accuracy"},
        {"chance": 0.0, "oracle": -1.0},
    ],
)
def test_factor_that_cannot_be_is_passed_over(make_record: MakeRecord, changes: dict[str, Any]) -> None:
    """A record with an impossible factor, which somebody else made, is compared by differences."""
    board = build(make_record, ERRORS, msgspec.structs.replace(FACTS, **changes))

    assert (board.tasks[0].factor, board.boards[0].comparison.factor) == (None, None)


def test_one_seed_of_a_ratio_has_no_interval(make_record: MakeRecord) -> None:
    """A single error is shown as it is, without an interval."""
    score = rows(build(make_record, {"a": [0.02]}))["a"].score

    assert score is not None
    assert (score.mean, score.low, score.high) == (pytest.approx(0.02), None, None)
