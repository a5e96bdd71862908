"""Boards over all tasks of a kind, and the matrix: numbers worked out by hand, and who stands where."""

from __future__ import annotations

import msgspec
import pytest
from scipy import stats

from archbench._records import Record
from archbench._report import Leaderboard, build_leaderboard
from archbench._report._schema import OverRow
from support import MakeRecord


def over(board: Leaderboard) -> dict[str, OverRow]:
    """Return the rows of the first board over tasks by label, in their order."""
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    return {labels[row.entrant]: row for row in board.overall[0].rows}


def cell(make: MakeRecord, name: str, task: str, normalised: list[float], **changes: object) -> list[Record]:
    """Return ok records whose scores have these places between chance and a perfect predictor."""
    chance = {"digits": 0.1, "shapes": 0.25}[task]
    return [
        make(name, task, seed=seed, score=chance + (1 - chance) * place, **changes)
        for seed, place in enumerate(normalised)
    ]


def test_means_and_mean_ranks(make_record: MakeRecord) -> None:
    """Two tasks weigh the same: .8 and .4 are .6, and the places 1 and 2.5 are 1.75 on average."""
    records = [
        record
        for name, (first, second) in {"x": (0.8, 0.4), "y": (0.5, 0.4), "z": (0.2, 0.6)}.items()
        for task, level in (("digits", first), ("shapes", second))
        for record in cell(make_record, name, task, [level - 0.01, level, level + 0.01])
    ]
    found = over(build_leaderboard(records))

    assert [(name, row.rank, row.tied) for name, row in found.items()] == [
        ("x", 1, False), ("y", 2, False), ("z", 3, False)
    ]  # fmt: skip
    assert [row.score.mean for row in found.values() if row.score] == pytest.approx([0.6, 0.45, 0.4])
    assert [row.mean_rank for row in found.values()] == [1.75, 2.25, 2.0]


def test_the_interval_ends_at_a_perfect_predictor(make_record: MakeRecord) -> None:
    """Its lower end is that of Student's t; beyond 1 there is nothing to reach."""
    score = over(build_leaderboard(cell(make_record, "x", "digits", [0.9, 0.96, 0.99])))["x"].score
    interval = stats.ttest_1samp([0.9, 0.96, 0.99], 0).confidence_interval(0.95)

    assert score is not None
    assert interval.high > 1
    assert (score.low, score.high) == (pytest.approx(interval.low), 1.0)


@pytest.mark.parametrize("places", [[0.5, 0.5, 0.5], [0.5, 0.6]])
def test_no_interval_from_equal_or_too_few_seeds(places: list[float], make_record: MakeRecord) -> None:
    """Three equal scores say nothing of the spread, and two say too little."""
    score = over(build_leaderboard(cell(make_record, "x", "digits", places)))["x"].score

    assert score is not None
    assert (score.low, score.high, score.n) == (None, None, len(places))


def test_half_of_the_entrants_make_a_task_count(make_record: MakeRecord) -> None:
    """One of two is half; one that tried it with another revision only is not among them."""
    records = [record for name in "ab" for record in cell(make_record, name, "digits", [0.5] * 3)]
    records += cell(make_record, "a", "shapes", [0.5] * 3)

    assert build_leaderboard(records).overall[0].left_out == []
    newer = cell(make_record, "a", "digits", [0.5] * 3, a_revision=2)
    assert build_leaderboard([*records, *newer]).overall[0].left_out == ["shapes (0 of 2 entrants tried)"]


def test_a_margin_over_tasks_needs_that_of_each(make_record: MakeRecord) -> None:
    """The margins .09 of digits and .03 of shapes are a tenth and a twenty-fifth of their scales: .07 on average."""

    def margin(**of_task: float | None) -> float | None:
        records = []
        for task, value in of_task.items():
            for record in cell(make_record, "x", task, [0.4, 0.5, 0.6]):
                facts = msgspec.structs.replace(record.task_facts, margin=value)
                records.append(msgspec.structs.replace(record, task_facts=facts))
        return build_leaderboard(records).overall[0].comparison.margin

    assert margin(digits=0.09, shapes=0.03) == pytest.approx((0.1 + 0.04) / 2)
    assert margin(digits=0.09, shapes=None) is None


def test_tasks_with_more_seeds_are_cut_to_the_others(make_record: MakeRecord) -> None:
    """An entrant with five seeds on one task and three on another is compared on three seeds of both."""
    records = [
        record
        for name, level in (("x", 0.8), ("y", 0.5))
        for task, count in (("digits", 5), ("shapes", 3))
        for record in cell(make_record, name, task, [level + seed / 100 for seed in range(count)])
    ]
    board = build_leaderboard(records)

    assert [len(item.seeds) for item in board.boards] == [5, 3]
    assert [row.score.n for row in over(board).values() if row.score] == [3, 3]
    assert board.overall[0].comparison.told_apart == 1


def test_seconds_over_tasks_are_those_of_ranked_entrants(make_record: MakeRecord) -> None:
    """The seconds of the tasks add up; where a task is missing, their sum would be of something else."""
    records = [
        msgspec.structs.replace(r, resources=msgspec.structs.replace(r.resources, train_seconds=seconds))
        for name, seconds in (("whole", 2.0), ("part", 3.0))
        for task in ("digits", "shapes")
        for r in cell(make_record, name, task, [0.5] * 3)
        if (name, task) != ("part", "shapes")
    ]
    found = over(build_leaderboard(records))

    assert {name: row.train_seconds for name, row in found.items()} == {"whole": 4.0, "part": None}


def test_the_matrix_has_everybody(make_record: MakeRecord) -> None:
    """Also who fits no task; superseded entrants come last, and each cell is that of its own entrant."""
    names = [f"n{number}" for number in range(8)]
    records = [record for name in names for record in cell(make_record, name, "digits", [0.5])]
    records += cell(make_record, "n0", "digits", [0.5], a_revision=2)
    records += [make_record(name, "shapes", status="skipped", message="too small") for name in ("n3", "never")]
    board = build_leaderboard(records)
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    texts = {labels[row.entrant]: [found.text for found in row.cells] for row in board.matrices[0].rows}

    assert list(texts) == [*names, "never", "n0 (revision 1)"]
    assert texts.pop("n3") == ["1 ok", "not compatible"]
    assert texts.pop("never") == ["not run", "not compatible"]
    assert set(map(tuple, texts.values())) == {("1 ok", "not run")}
