"""Solved or not: exact intervals of counts, and the order of entrants that solve a task."""

from __future__ import annotations

import pytest
from scipy import stats

from archbench._statistics import binomial_interval, order_by_steps, restricted_mean_steps


@pytest.mark.parametrize(("successes", "trials"), [(0, 3), (2, 3), (3, 3), (7, 10), (1, 1)])
def test_interval_of_a_count_is_exact(successes: int, trials: int) -> None:
    """The interval is that of scipy's exact binomial test."""
    expected = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")

    assert binomial_interval(successes, trials) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("successes", "trials"), [(4, 3), (-1, 3), (0, 0)])
def test_impossible_count_is_refused(successes: int, trials: int) -> None:
    """More successes than trials, or none of both, is an error that says what is allowed."""
    with pytest.raises(ValueError, match="give 0 to N successes"):
        binomial_interval(successes, trials)


def test_seed_that_does_not_solve_counts_with_the_whole_budget() -> None:
    """The restricted mean has the budget in place of a missing time."""
    assert restricted_mean_steps([100, None, 200], 600) == pytest.approx(300)
    assert restricted_mean_steps([None, None], 600) == 600


def test_more_solved_seeds_come_first_and_then_fewer_steps() -> None:
    """Reliable comes before fast, fast before slow, and solved once before never."""
    never, once, twice, slow, fast = [None] * 3, [10, None, None], [5, 5, None], [400, 500, 450], [90, 110, 100]

    assert order_by_steps([never, slow, once, fast, twice], 500) == [3, 1, 4, 2, 0]
