"""The statistics agree with scipy and with values computed by hand, and cover what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from archbench._report._explanations import HOW_TO_READ
from archbench._report._statistics import (
    average_ranks,
    competition_ranks,
    mean_interval,
    mean_over_tasks,
    normalise,
    pareto_front,
)


def test_one_cell_has_the_interval_of_scipy() -> None:
    """The interval of a cell is that of `scipy.stats.ttest_1samp`."""
    values = np.random.default_rng(0).normal(size=7)

    estimate = mean_interval(values)

    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (expected.low, expected.high) == pytest.approx((estimate.low, estimate.high))
    assert (7, pytest.approx(values.mean())) == (estimate.n, estimate.mean)


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_give_no_interval(seeds: int) -> None:
    """With fewer than three seeds there is a mean and no interval."""
    estimate = mean_interval([0.5] * seeds)

    assert (estimate.mean, estimate.low, estimate.high) == (0.5, None, None)


def test_mean_over_tasks_by_hand() -> None:
    """Two cells with variances 1 and 4 over three seeds have se = sqrt(5/3)/2 and df = 25/8.5."""
    estimate = mean_over_tasks([[1, 2, 3], [0, 2, 4]])

    half = stats.t.ppf(0.975, 25 / 8.5) * np.sqrt(5 / 3) / 2
    assert (2.0, pytest.approx(2 - half), pytest.approx(2 + half)) == (estimate.mean, estimate.low, estimate.high)


def test_tasks_weigh_the_same_whatever_their_seeds() -> None:
    """The mean over tasks is the mean of task means, not of runs."""
    assert mean_over_tasks([[0.0] * 9, [1.0] * 3]).mean == 0.5


def test_without_variance_the_interval_has_no_width() -> None:
    """Equal seeds give an interval of width 0 and no division by 0."""
    estimate = mean_interval([2.0, 2.0, 2.0])

    assert (estimate.low, estimate.high) == (2.0, 2.0)


def test_intervals_cover_what_they_promise() -> None:
    """With three seeds, intervals of t and of Welch-Satterthwaite cover about 95% of simulated studies."""
    draw = np.random.default_rng(3)
    spread = draw.uniform(0.5, 2, size=(10, 1))
    studies = [draw.normal(size=(10, 3)) * spread for _ in range(600)]

    cell = np.mean([(e := mean_interval(s[0])).low <= 0 <= e.high for s in studies])
    over = np.mean([(e := mean_over_tasks(list(s))).low <= 0 <= e.high for s in studies])

    assert 0.92 <= cell <= 0.98
    assert 0.92 <= over <= 0.99


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_intervals_of_crowded_scores_cover_what_the_page_says(seeds: int) -> None:
    """Where half of the scores are 1, intervals of seeds that are not all equal cover about 90%, as the page says."""
    draws = np.minimum(1, 1 + 0.01 * np.random.default_rng(4).standard_normal((5000, seeds)))
    true = 1 - 0.01 / np.sqrt(2 * np.pi)
    found = [(e := mean_interval(scores)).low <= true <= e.high for scores in draws if np.ptp(scores) > 0]

    assert "about 90%" in " ".join(HOW_TO_READ)
    assert 0.87 < np.mean(found) < 0.93


def test_normalise_turns_every_metric_upwards() -> None:
    """Chance becomes 0 and the oracle 1, also where lower is better; worse than chance becomes negative."""
    assert pytest.approx(list(normalise([0.2, 0.0, 0.3], chance=0.2, oracle=0.0))) == [0, 1, -0.5]


def test_normalise_counts_a_perplexity_in_bits() -> None:
    """Between a perplexity of 512 as chance and 1 as oracle lie 9 bits: 64 is a third of the way, 2 eight ninths."""
    scores = normalise([512.0, 64.0, 2.0, 1.0], chance=512.0, oracle=1.0, logarithmic=True)

    assert list(scores) == pytest.approx([0, 1 / 3, 8 / 9, 1])


def test_equal_scores_share_a_place() -> None:
    """Competition ranks are 1, 2, 2, 4; average ranks are 1, 2.5, 2.5, 4; rounding noise does not break a tie."""
    scores = [0.9, 0.1 + 0.2, 0.3, 0.1]

    assert competition_ranks(scores) == [1, 2, 2, 4]
    assert competition_ranks(scores, higher_is_better=False) == [4, 2, 2, 1]
    assert list(average_ranks(scores)) == [1, 2.5, 2.5, 4]
    assert competition_ranks([0.0, 0.0, -1.0]) == [1, 1, 3]


def test_each_task_has_ranks_of_its_own() -> None:
    """Scores of three entrants on two tasks are ranked down the entrants, where equal ones share their mean place."""
    assert average_ranks([[0.9, 1.0], [0.7, 3.0], [0.7, 2.0]]).tolist() == [[1, 3], [2.5, 1], [2.5, 2]]


@pytest.mark.parametrize("unit", [1.0, -1.0, 1e-20, -1e-9, 1e9])
def test_twelve_digits_make_a_difference(unit: float) -> None:
    """Scores that differ in their twelfth digit have different ranks, and those that differ in the next one tie."""
    further, nearer = sorted([0.123456789012 * unit, 0.123456789013 * unit])

    assert competition_ranks([further, nearer]) == [2, 1]
    assert competition_ranks([0.1234567890121 * unit, 0.1234567890123 * unit]) == [1, 1]


def test_pareto_front_is_strict() -> None:
    """Only strict domination removes an entrant; exact ties stay; an unknown cost neither dominates nor is marked."""
    scores = [0.9, 0.8, 0.9, 0.7, 1.0]
    costs = [10, 5, 10, 6, np.nan]

    assert list(pareto_front(scores, costs)) == [True, True, True, False, False]
    assert list(pareto_front([0.9, 0.9, 0.8], [10, 12, 10])) == [True, False, False]
