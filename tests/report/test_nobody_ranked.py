"""What a board without ranks says: why there are none, and `yet` only where somebody may still be ranked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archbench._records import Curves, Record, TaskFacts
from archbench._report import build_leaderboard
from support import MakeRecord

ACCURACY = TaskFacts(
    kind="image", metric="accuracy", higher_is_better=True, chance=0.0, oracle=1.0, summary="", margin=0.02
)


def failed(make: MakeRecord, name: str) -> list[Record]:
    """Return three trials that ended in three ways, none of them ok."""
    return [make(name, seed=seed, status=status) for seed, status in enumerate(("failed", "diverged", "oom"))]


def improving(make: MakeRecord, name: str) -> list[Record]:
    """Return the trials of an entrant that became better until its training ended."""
    steps = list(range(50, 601, 50))
    rising = [0.5 + 0.04 * n for n in range(12)]
    curves = Curves(step=steps, train_loss=[1.0] * 12, validation=rising, seconds=[1.0] * 12)
    return [make(name, seed=seed, score=0.9, curves=curves, task_facts=ACCURACY) for seed in range(3)]


def partly(make: MakeRecord, name: str) -> list[Record]:
    """Return the trials of an entrant with a score for two seeds of three."""
    return [*(make(name, seed=seed) for seed in range(2)), make(name, seed=2, status="timeout")]


def skipped(make: MakeRecord, name: str) -> list[Record]:
    """Return the trial of an entrant that does not take the task."""
    return [make(name, status="skipped", message="takes tokens")]


def started(make: MakeRecord, name: str) -> list[Record]:
    """Return the first trial of an entrant that has further ones to run, and those of one that failed."""
    return [make(name, seed=0), *failed(make, f"{name}-failed")]


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        (skipped, "No entrant takes digits, so nobody is ranked."),
        (failed, "No trial on digits ended ok, so nobody is ranked."),
        (improving, "Nobody is ranked on digits: both entrants were not trained long enough to say."),
        (partly, "Nobody is ranked on digits: no entrant has a score that counts with every seed."),
        (started, "Nobody is ranked on digits yet, as trials are still to be run."),
    ],
)
def test_a_board_without_ranks_says_why(
    make_record: MakeRecord, trials: Callable[[MakeRecord, str], list[Record]], said: str
) -> None:
    """Each reason has its own words, and only trials that are still to be run make it `yet`."""
    board = build_leaderboard([*trials(make_record, "a"), *trials(make_record, "b")])

    assert board.boards[0].verdict == said
    assert board.boards[0].rows == [] or all(row.rank is None for row in board.boards[0].rows)
    assert ("yet" in board.overall[0].verdict) == ("yet" in said)


def test_one_that_improves_and_one_that_failed(make_record: MakeRecord) -> None:
    """Where both reasons are met, the sentence holds for either entrant."""
    board = build_leaderboard([*improving(make_record, "a"), *failed(make_record, "b")])

    assert board.boards[0].verdict == (
        "Nobody is ranked on digits: no entrant has a score that counts with every seed and was trained long enough."
    )


def test_superseded_entrants_are_no_hope(make_record: MakeRecord) -> None:
    """Where only an older revision was tried on a task, nobody is ranked, and nothing is still to come."""
    old: dict[str, Any] = {"a_revision": 1, "started": "2025-01-01T00:00:00+00:00"}
    new = [make_record("a", "shapes", seed=seed, a_revision=2) for seed in range(3)]
    board = build_leaderboard([*(make_record("a", seed=seed, **old) for seed in range(3)), *new])
    verdicts = {task.label: item.verdict for task, item in zip(board.tasks, board.boards, strict=True)}

    assert verdicts["digits"] == "Every entrant tried on digits is superseded, so nobody is ranked."
