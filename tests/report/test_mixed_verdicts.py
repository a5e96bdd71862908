"""What a board says where some pairs are compared by their steps to solve the task and others by their scores.

Sooner than one, which scores better than a third, does not say how an entrant stands against the third. In all boards
here, `a` and `c` solve the task with every seed and `b` misses the target with seed 1.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from msgspec.structs import replace
from scipy import stats

from archbench._records import Component, Record, TaskFacts, Training
from archbench._report import build_leaderboard
from archbench._report._schema import TaskBoard
from archbench._report._text import solved_line
from support import MakeRecord

ACCURACY = TaskFacts(kind="image", metric="accuracy", higher_is_better=True, chance=0.0, oracle=1.0, summary="")
STEPS = {"a": [50, 51, 50, 52, 50], "b": [50, None, 51, 50, 52], "c": [400, 401, 400, 399, 402]}


AIMED = Component(provider="archbench", name="digits", revision=1, options={}, label="digits", target=0.9)


def trials(make: MakeRecord, scores: dict[str, list[float]], **changes: Any) -> list[Record]:
    """Return the records of entrants with these scores and with `STEPS`."""
    records: list[Record] = []
    for name, row in scores.items():
        for seed, score in enumerate(row):
            record = make(name, seed=seed, score=score, task_facts=ACCURACY, **changes)
            training = Training(
                track="house recipe", recipe=record.trial.settings, batch_size=32, examples=1200, planned_steps=500,
                steps=500, stopped="budget", target=0.9, steps_to_target=STEPS[name][seed],
            )  # fmt: skip
            trial = replace(record.trial, task=AIMED)
            records.append(replace(record, trial=trial, training=training))
    return records


def board(make: MakeRecord, scores: dict[str, list[float]]) -> TaskBoard:
    """Return the board of entrants with these scores and with `STEPS`."""
    return build_leaderboard(trials(make, scores)).boards[0]


def apart(scores: dict[str, list[float]]) -> set[str]:
    """Return the pairs whose scores scipy's paired t test tells apart, at 2.5 % over three pairs."""
    pairs = combinations(scores, 2)
    return {f"{one}{other}" for one, other in pairs if stats.ttest_rel(scores[one], scores[other]).pvalue < 0.025 / 3}


def test_nobody_is_best_where_everybody_is_worse_than_another(make_record: MakeRecord) -> None:
    """`a` is sooner than `c`, which scores better than `b`, which scores better than `a`: no entrant is unbeaten."""
    scores = {"a": [0.900, 0.902, 0.901], "b": [0.930, 0.931, 0.932], "c": [0.970, 0.972, 0.973]}
    assert apart(scores) == {"ab", "ac", "bc"}

    assert board(make_record, scores).verdict == (
        "All 3 entrants on digits are worse than another one, by steps to solve it or by scores; 3 of 3 pairs can be "
        "told apart."
    )


def test_the_only_unbeaten_one_need_not_be_better_than_all(make_record: MakeRecord) -> None:
    """`a` is sooner than `c`, which scores better than `b`; the scores of `a` vary too much to tell it from `b`."""
    scores = {
        "a": [0.3, 0.96, 0.2, 0.9, 0.7],
        "b": [0.60, 0.61, 0.62, 0.60, 0.61],
        "c": [0.96, 0.97, 0.95, 0.96, 0.97],
    }
    assert apart(scores) == {"bc"}

    found = board(make_record, scores)

    assert [(row.could_be_best, len(row.better_than)) for row in found.rows] == [(True, 1), (False, 1), (False, 0)]
    assert found.verdict == (
        "Only a of the 3 entrants could be the best on digits, but is not better than all others; 2 of 3 pairs can be "
        "told apart."
    )


def test_two_that_score_the_same(make_record: MakeRecord) -> None:
    """Two entrants are called both, not all two."""
    records = [make_record(name, seed=seed, score=0.9) for name in ("a", "c") for seed in range(3)]

    assert (
        build_leaderboard(records).boards[0].verdict == "Both entrants have the same score on digits with every seed."
    )


def test_an_older_revision_is_not_among_those_that_solve(make_record: MakeRecord) -> None:
    """The line counts the entrants that the verdict counts: of `a` the newer revision alone."""
    scores = {"a": [0.9, 0.91, 0.92], "b": [0.9, 0.91, 0.92]}
    newer = trials(make_record, scores, a_revision=2)
    found = build_leaderboard([*trials(make_record, {"a": scores["a"]}), *newer])

    assert len(found.boards[0].rows) == 3
    assert solved_line(found.boards[0], found.tasks[0]) == "1 of 2 entrants solves it with every seed, 1 with some."
