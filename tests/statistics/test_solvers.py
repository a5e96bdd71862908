"""Entrants that solve a task with every seed are compared by how soon they do, once or after every seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from archbench._statistics import Scale, Steps, decide, judge, nominal_level

LINEAR = Scale(margin=0.02)
SCORES = np.array([[0.99, 0.98, 0.99, 0.97], [0.95, 0.96, 0.95, 0.95], [0.5, 0.52, 0.51, 0.5]])
TAKEN = np.array([[900.0, 951.0, 820.0, 990.0], [100.0, 160.0, 111.0, 152.0], [1000.0] * 4])


def steps(*, last: bool = True) -> Steps:
    """Steps of three entrants: the first two solve the task, the second sooner; the first with its last seed if so."""
    solved = np.array([[True, True, True, last], [True] * 4, [False] * 4])
    return Steps(np.where(solved, TAKEN, 1000.0), solved)


def test_the_sooner_is_better_whatever_the_scores_say() -> None:
    """Of two solvers the sooner is better; each of the two comparisons holds with 97.5%."""
    found = judge(SCORES, scale=LINEAR, paired=True, steps=steps())
    expected = stats.ttest_rel(TAKEN[0], TAKEN[1]).confidence_interval(0.975)

    assert (found.answers[1, 0], found.answers[0, 1], found.answers[0, 2]) == ("better", "worse", "better")
    assert found.by_steps.tolist() == [[False, True, False], [True, False, False], [False] * 3]
    assert found.solvers.tolist() == [0, 1]
    assert found.half_widths[0, 1] == pytest.approx((expected.high - expected.low) / 2, rel=1e-4)
    assert found.level == 0.975


def test_without_a_target_scores_decide() -> None:
    """Without steps, the same entrants are compared by their scores, with 95%."""
    found = judge(SCORES, scale=LINEAR, paired=True)

    assert (found.answers[0, 1], found.level, found.steps) == ("better", 0.95, None)
    assert not found.by_steps.any()


def test_one_seed_that_does_not_solve_makes_scores_decide() -> None:
    """An entrant that misses the target with one seed is no solver, and its scores are compared."""
    found = judge(SCORES, scale=LINEAR, paired=True, steps=steps(last=False))

    assert (found.answers[0, 1], found.steps) == ("better", None)
    assert not found.by_steps.any()


def test_solvers_with_alike_steps_are_equivalent_or_undecided() -> None:
    """Steps that cannot be told apart leave it undecided, unless the scores are equivalent; scores never win."""
    alike = Steps(np.array([[100.0, 200.0, 150.0, 100.0], [200.0, 100.0, 150.0, 150.0]]), np.ones((2, 4), bool))
    apart = judge(SCORES[:2], scale=Scale(margin=0.001), paired=True, steps=alike)
    near = judge(SCORES[:2], scale=Scale(margin=0.2), paired=True, steps=alike)

    assert (apart.answers[0, 1], apart.by_steps[0, 1]) == ("undecided", True)
    assert (near.answers[0, 1], near.by_steps[0, 1]) == ("equivalent", False)


def test_sequential_rule_prefers_steps_too() -> None:
    """After every seed the steps of those that solved all seeds so far decide, with half of the error for each."""
    first_two = Steps(steps().taken[:2], steps().solved[:2])
    found = decide(SCORES[:2], margin=0.02, max_seeds=10, paired=True, steps=first_two)
    gaps = TAKEN[1] - TAKEN[0]
    level = nominal_level(10, 2)
    half = stats.t.ppf(1 - level / 2, found.seeds - 1) * gaps[: found.seeds].std(ddof=1) / np.sqrt(found.seeds)

    assert (found.answers[1, 0], bool(found.by_steps[1, 0])) == ("better", True)
    assert found.half_widths[0, 1] == pytest.approx(half)
    assert found.level == level < nominal_level(10, 1)
    assert decide(SCORES[:2], margin=0.0, max_seeds=10, paired=True).answers[0, 1] != "worse"


def test_sequential_rule_keeps_its_first_answer() -> None:
    """A pair that steps decided keeps its answer when a later seed does not solve the task."""
    rng = np.random.default_rng(0)
    taken = np.array([100.0, 2000.0, 2000.0])[:, None] + rng.integers(0, 9, (3, 8)).astype(np.float64)
    solved = np.ones((3, 8), dtype=np.bool_)
    solved[0, 6:] = False
    taken[0, 6:] = 5000.0
    found = decide(rng.random((3, 8)), margin=0.0, max_seeds=8, paired=True, steps=Steps(taken, solved))

    assert (found.answers[0, 1], bool(found.by_steps[0, 1])) == ("better", True)
    assert found.decided_at[0, 1] < 6
    assert found.seeds == 8  # the other two are alike, and it went on for them


@pytest.mark.parametrize("seeds", [3, 8])
def test_steps_that_are_the_same_with_every_seed_tell_solvers_apart(seeds: int) -> None:
    """Solvers are not measured by their own difference, which would make 1,250 steps equivalent to 125."""
    taken = np.repeat([[125.0], [1250.0]], seeds, axis=1)
    scale = Scale(higher_is_better=False, factor=1.25, floor=0.01)
    errors = scale.oriented(np.full(taken.shape, 0.001))
    apart = Steps(taken, np.ones(taken.shape, bool))
    one_look = judge(errors, scale=scale, paired=True, steps=apart)
    looks = decide(errors, margin=scale.threshold, max_seeds=8, paired=True, step=scale.step, steps=apart)

    assert one_look.answers[0, 1] == "better"
    assert looks.answers[0, 1] == "better"
