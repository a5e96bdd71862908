"""Rows of a task board: what is summed, averaged and cut, and where a row stands. Numbers are worked out by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from archbench._protocols import HOUSE_RECIPE
from archbench._records import Component, Environment, Record, TaskFacts, Training
from archbench._report import Leaderboard, build_leaderboard
from archbench._report._rows import margin_share
from archbench._report._schema import TaskRow
from support import MakeRecord


def rows(board: Leaderboard) -> dict[str, TaskRow]:
    """Return the rows of the first task board by label, in their order."""
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    return {labels[row.entrant]: row for row in board.boards[0].rows}


def aimed(make: MakeRecord, name: str, scores: list[float], steps: list[int | None], **known: Any) -> list[Record]:
    """Return records of an entrant on a task with the target .8, reached after these steps of 500."""
    target = Component(provider="archbench", name="digits", revision=1, options={}, label="digits", target=0.8)
    records = []
    for seed, (score, taken) in enumerate(zip(scores, steps, strict=True)):
        facts = {"planned_steps": 500, "steps": taken or 500, "target": 0.8, "steps_to_target": taken}
        training = Training(
            track="house recipe", recipe=HOUSE_RECIPE, batch_size=32, examples=1200, stopped="budget", **facts | known
        )
        record = make(name, seed=seed, score=score, training=training)
        records.append(msgspec.structs.replace(record, trial=msgspec.structs.replace(record.trial, task=target)))
    return records


def test_steps_to_solve_are_a_mean_with_unsolved_seeds_at_the_budget(make_record: MakeRecord) -> None:
    """100 steps and a seed that needed all 500 are 300, although the solved seed was ended early; no seed is no steps.

    Where the number of steps was not planned, the most that a seed took stands for it.
    """
    board = build_leaderboard(
        [
            *aimed(make_record, "half", [0.9, 0.7], [100, None]),
            *aimed(make_record, "none", [0.6, 0.7], [None, None]),
            *aimed(make_record, "timed", [0.9, 0.7], [100, None], planned_steps=None),
        ]
    )
    found = {name: (row.solved, row.steps_to_target) for name, row in rows(board).items()}

    assert found == {"half": (1, 300.0), "none": (0, None), "timed": (1, 300.0)}


def test_who_solves_a_task_more_often_stands_higher(make_record: MakeRecord) -> None:
    """First by solved seeds, then by steps; the mean decides only between those that missed the target somewhere."""
    board = build_leaderboard(
        [
            *aimed(make_record, "all", [0.81, 0.82], [200, 200]),
            *aimed(make_record, "also", [0.99, 0.98], [200, 200]),
            *aimed(make_record, "a low", [0.9, 0.2], [100, None]),
            *aimed(make_record, "b high", [0.9, 0.7], [100, None]),
            *aimed(make_record, "never", [0.79, 0.79], [None, None]),
        ]
    )

    assert [(name, row.rank, row.tied) for name, row in rows(board).items()] == [
        ("all", 1, True), ("also", 1, True), ("b high", 3, False), ("a low", 4, False), ("never", 5, False)
    ]  # fmt: skip


def test_a_further_seed_of_one_solver_is_left_out(make_record: MakeRecord) -> None:
    """Entrants with three and four seeds are compared on three, in steps as in scores."""
    board = build_leaderboard(
        [
            *aimed(make_record, "a", [0.81, 0.82, 0.83], [200, 210, 190]),
            *aimed(make_record, "b", [0.99, 0.98, 0.97, 0.96], [300, 310, 290, 1]),
        ]
    )

    assert [(name, row.solved, row.steps_to_target) for name, row in rows(board).items()] == [
        ("a", 3, 200.0), ("b", 3, 300.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("matrices", "total"),
    [
        ([], None),
        ([[[1, 2], [3, 4]]], [[1, 2], [3, 4]]),
        ([[[1, 2], [3, 4]], [[10, 20], [30, 40]]], [[11, 22], [33, 44]]),
        ([[[1, 2], [3, 4]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]], None),
    ],
)
def test_confusions_of_equal_classes_are_summed(
    matrices: list[list[list[int]]], total: list[list[int]] | None, make_record: MakeRecord
) -> None:
    """Entry by entry over the seeds; without any, or with other classes, there is no sum."""
    records = [make_record("a", seed=seed, confusion=matrix) for seed, matrix in enumerate(matrices)]
    records = records or [make_record("a")]

    assert rows(build_leaderboard(records))["a"].confusion == total


def test_ten_wrong_examples_of_a_seed_are_named(make_record: MakeRecord) -> None:
    """Of twelve the first ten, in the order of the record."""
    wrong = list(range(30, 18, -1))

    (seed,) = rows(build_leaderboard([make_record("a", wrong=wrong)]))["a"].seeds
    assert seed.wrong == wrong[:10]


def test_an_entrant_that_only_ran_out_of_time_has_a_row(make_record: MakeRecord) -> None:
    """It was tried; one that was skipped is named as incompatible, with the reason of its first seed."""
    records = [make_record("slow", seed=seed, status="timeout") for seed in range(3)]
    records += [make_record("odd", seed=seed, status="skipped", message=f"reason {seed}") for seed in range(2)]
    board = build_leaderboard(records)

    assert {name: row.state for name, row in rows(board).items()} == {"slow": "timeout"}
    assert [lack.reason for lack in board.boards[0].incompatible] == ["reason 0"]


def test_seconds_of_two_machines_are_not_compared(make_record: MakeRecord) -> None:
    """One environment is comparable with itself, and so is none; two are not, on the task and over tasks."""
    here = make_record("a")
    elsewhere = msgspec.structs.replace(here.environment, processor="Another")
    assert isinstance(elsewhere, Environment)

    def comparable(*environments: Environment | None) -> list[bool]:
        records = [make_record("a", seed=seed, environment=found) for seed, found in enumerate(environments)]
        board = build_leaderboard(records)
        return [board.boards[0].timings_comparable, board.overall[0].timings_comparable]

    assert comparable(None) == [True, True]
    assert comparable(here.environment, here.environment) == [True, True]
    assert comparable(here.environment, elsewhere) == [False, False]


@pytest.mark.parametrize(
    ("facts", "share"),
    [
        # .02 of the .9 between 1 in 10 and all right
        ({"metric": "accuracy", "higher_is_better": True, "chance": 0.1, "oracle": 1.0}, 0.02 / 0.9),
        # .02 of the .16 between an error of .2 and one of .04
        ({"metric": "mean_squared_error", "higher_is_better": False, "chance": 0.2, "oracle": 0.04}, 0.125),
    ],
)
def test_a_margin_in_the_normalised_scale(facts: dict[str, Any], share: float) -> None:
    """The margin is that share of the way from chance to a perfect score, whichever direction is better."""
    task = TaskFacts(kind="image", summary="", **facts)

    assert margin_share(0.02, task) == pytest.approx(share)
