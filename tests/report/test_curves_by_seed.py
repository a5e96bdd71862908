"""Learning curves by seed: what is kept of them, and when a mean describes them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from archbench._protocols import HOUSE_RECIPE
from archbench._records import Curves, Record, TaskFacts, Training
from archbench._report import build_leaderboard
from archbench._report._charts import multiples
from archbench._report._charts._multiples import PANEL, _bends
from archbench._report._html import render_html
from archbench._report._schema import Curve, Leaderboard
from support import MakeRecord

FACTS = TaskFacts(kind="image", metric="accuracy", higher_is_better=True, chance=0.0, oracle=1.0, summary="Made up")
"""A task on which 0.05 is seen in a chart."""


def trial(make: MakeRecord, seed: int, validation: list[float], **changes: Any) -> Record:
    """A record whose curve has these scores at steps 10, 20, ..."""
    steps = [10 * (n + 1) for n in range(len(validation))]
    curves = Curves(step=steps, validation=validation, train_loss=[1.0] * len(steps), seconds=[1.0] * len(steps))
    return make("a", seed=seed, **{"task_facts": FACTS, "curves": curves, **changes})


def training(target: float | None, solved: int | None) -> Training:
    """The facts about a training of 30 steps."""
    return Training(
        track="house recipe",
        recipe=HOUSE_RECIPE,
        batch_size=1,
        examples=1,
        planned_steps=30,
        steps=30,
        stopped="budget",
        target=target,
        steps_to_target=solved,
    )


def only_curve(board: Leaderboard) -> Curve:
    """The curve of the only entrant."""
    (found,) = board.boards
    (curve,) = found.curves
    return curve


def panel(board: Leaderboard) -> str:
    """The panel of the validation metric of the only entrant."""
    drawn = multiples(board.boards[0], board.tasks[0], "f", validation=True)
    assert drawn is not None
    return str(drawn.panels[0].figure)


def test_seeds_keep_four_digits(make_record: MakeRecord) -> None:
    """Each seed has its values at the steps of the curve, rounded to four digits."""
    board = build_leaderboard([trial(make_record, n, [0.123456, 0.5, 0.98765]) for n in range(3)])

    curve = only_curve(board)
    assert curve.step == [10, 20, 30]
    assert [seed.validation for seed in curve.seeds] == [[0.1235, 0.5, 0.9877]] * 3
    assert [seed.seed for seed in curve.seeds] == [0, 1, 2]


@pytest.mark.parametrize(
    ("ends", "split"),
    [
        ([0.50, 0.52, 0.60], False),  # the mean .54 is .02 from the second
        ([0.20, 0.21, 0.90], True),  # the mean .437 is .227 from the nearest
        ([0.44, 0.56, 0.50], False),
        ([0.40, 0.60, 0.61], True),  # the mean .537 is .063 from the nearest
    ],
)
def test_a_mean_far_from_all_seeds_is_not_drawn(make_record: MakeRecord, ends: list[float], split: bool) -> None:
    """The mean is drawn where at every step a seed lies within a twentieth of the scale of it; else only seeds are."""
    board = build_leaderboard([trial(make_record, n, [0.1, end, 0.95]) for n, end in enumerate(ends)])

    assert only_curve(board).split is split
    assert ('class="mean"' in panel(board)) is not split
    assert ('class="seeds"' in panel(board)) is split


def test_a_trial_that_ended_early_is_dashed(make_record: MakeRecord) -> None:
    """A seed with another status splits the outcomes; its part of the curve ends where it stopped, and is dashed."""
    late = {"status": "timeout", "message": "too slow"}
    records = [trial(make_record, n, [0.1, 0.2, 0.3]) for n in range(2)]
    board = build_leaderboard([*records, trial(make_record, 2, [0.1, 0.2], **late)])

    curve = only_curve(board)
    assert (curve.n, curve.split) == (2, True)
    assert [(seed.status, len(seed.validation)) for seed in curve.seeds] == [("ok", 3), ("ok", 3), ("timeout", 2)]
    (dashed,) = re.findall(r'<path d="([^"]*)" class="bad seeds"', panel(board))
    assert dashed.count("M") == 1


def test_partial_curves_without_a_finished_seed(make_record: MakeRecord) -> None:
    """Where every seed diverged or ran out of time, its part of the curve is drawn dashed, and there is no mean."""
    ends = [("timeout", [0.1, 0.2, 0.3]), ("diverged", [0.1]), ("timeout", [0.2, 0.3])]
    records = [trial(make_record, n, curve, status=status) for n, (status, curve) in enumerate(ends)]
    board = build_leaderboard(records)

    curve = only_curve(board)
    assert (curve.n, curve.step, curve.validation, curve.split) == (0, [10, 20, 30], [], True)
    assert [seed.validation for seed in curve.seeds] == [values for _, values in ends]
    (dashed,) = re.findall(r'<path d="([^"]*)" class="bad seeds"', panel(board))
    assert re.fullmatch(r"(M\d+ \d+(l[-\d ]+|h2)){3}", dashed)
    assert "mean" not in panel(board)
    assert "diverged 1 of 3, timeout 2 of 3" in render_html(board)


def test_solved_and_unsolved_seeds_split(make_record: MakeRecord) -> None:
    """Where some seeds solve the task no mean is drawn, however near it is, and the others are dashed."""
    aimed = {"t_target": 0.9}
    records = [
        trial(make_record, n, [0.1, 0.2, 0.91], training=training(0.9, 30 if n else None), **aimed) for n in range(3)
    ]
    board = build_leaderboard(records)

    assert only_curve(board).split
    assert [seed.solved for seed in only_curve(board).seeds] == [False, True, True]
    (solid,) = re.findall(r'<path d="([^"]*)" class="seeds"', panel(board))
    (dashed,) = re.findall(r'<path d="([^"]*)" class="bad seeds"', panel(board))
    assert (solid.count("M"), dashed.count("M")) == (2, 1)


def test_steps_of_a_seed(make_record: MakeRecord) -> None:
    """A seed says how many steps it took, and after how many it solved the task."""
    records = [trial(make_record, n, [0.1, 0.95], training=training(0.9, 20), t_target=0.9) for n in range(3)]

    (row,) = build_leaderboard(records).boards[0].rows
    assert [(seed.steps, seed.steps_to_target) for seed in row.seeds] == [(30, 20)] * 3


@pytest.mark.parametrize(
    ("points", "kept"),
    [
        ([(0, 0), (10, 0), (20, 0), (30, 0)], [(0, 0), (30, 0)]),
        ([(0, 0), (10, 5), (20, 10), (30, 0)], [(0, 0), (20, 10), (30, 0)]),
        ([(0, 0), (10, 1), (20, 0)], [(0, 0), (10, 1), (20, 0)]),
        ([(0, 7)], [(0, 7)]),
    ],
)
def test_points_on_a_line_are_left_out(points: list[tuple[int, int]], kept: list[tuple[int, int]]) -> None:
    """A point within half a pixel of the line between its neighbours adds bytes and nothing to see."""
    assert _bends(points) == kept


def test_all_panels_share_their_axes(make_record: MakeRecord) -> None:
    """A curve of half the steps and half the height takes half of the room: axes are those of all entrants."""
    records = [trial(make_record, n, [0.0, 0.45]) for n in (0, 1)]
    longer = trial(make_record, 0, [0.0, 0.3, 0.6, 0.9]).curves
    records += [make_record("b", seed=n, task_facts=FACTS, curves=longer) for n in (0, 1)]
    board = build_leaderboard(records)

    drawn = multiples(board.boards[0], board.tasks[0], "f", validation=True)

    assert drawn is not None
    sizes = []
    for shown in drawn.panels:
        ((left, moves),) = re.findall(r'd="M(\d+) \d+l([^"]*)" class="mean"', str(shown.figure))
        numbers = [int(number) for number in re.findall(r"-?\d+", moves)]
        sizes.append((sum(numbers[::2]), -sum(numbers[1::2])))
        assert int(left) + sizes[-1][0] <= PANEL[0]
    (small, large) = sorted(sizes)
    assert large == pytest.approx((3 * small[0], 2 * small[1]), abs=2)  # three steps between points beside one
