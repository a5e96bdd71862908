"""How many seeds would decide an open question, against a search with scipy."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from archbench._statistics import compare_all, decide, seeds_to_decide

MOST_SEEDS = 200
"""Written out, so that another limit in the code is noticed."""


def by_search(difference: float, deviation: float, *, margin: float, seen: int, level: float) -> int | None:
    """Return the first number of seeds whose t interval excludes 0, or lies within the margin."""
    for seeds in range(max(seen + 1, 3), MOST_SEEDS + 1):
        half = stats.t(df=seeds - 1).ppf(1 - level / 2) * deviation / math.sqrt(seeds)
        if half < abs(difference) or abs(difference) + half < margin:
            return seeds
    return None


@pytest.mark.parametrize("deviation", [0.01, 0.02, 0.05, 0.11])
@pytest.mark.parametrize(("difference", "margin"), [(0.02, 0.0), (0.02, 0.01), (0.001, 0.03), (-0.04, 0.05)])
@pytest.mark.parametrize("level", [0.05, 0.01, 0.002])
def test_first_number_whose_interval_is_narrow_enough(
    deviation: float, difference: float, margin: float, level: float
) -> None:
    """The number is the first that would do, one less would not, and those that there are do not count again."""
    for seen in (2, 3, 5):
        expected = by_search(difference, deviation, margin=margin, seen=seen, level=level)

        assert seeds_to_decide(difference, deviation, margin=margin, seen=seen, level=level) == expected


def test_the_largest_number_is_still_offered() -> None:
    """A question that exactly the largest number of seeds decides gets this number, and a harder one none."""
    half = stats.t(df=MOST_SEEDS - 1).ppf(0.975) / math.sqrt(MOST_SEEDS)

    assert seeds_to_decide(half * 1.000001, 1.0, margin=0.0, seen=3, level=0.05) == MOST_SEEDS
    assert seeds_to_decide(half * 0.999999, 1.0, margin=0.0, seen=3, level=0.05) is None


def test_no_number_decides_between_equals() -> None:
    """Two entrants with the same score at every seed stay undecided without a margin; with one they are equivalent."""
    assert seeds_to_decide(0.0, 0.0, margin=0.0, seen=3, level=0.05) is None
    assert seeds_to_decide(0.0, 0.0, margin=0.01, seen=3, level=0.05) == 4


def test_several_tasks_are_averaged_seed_by_seed() -> None:
    """Scores of (entrants, tasks, seeds) are compared as their means over the tasks, one for each seed."""
    scores = [
        [[0.1, 0.2, 0.4, 0.3], [0.5, 0.6, 0.9, 0.8], [0.2, 0.1, 0.2, 0.1]],
        [[0.3, 0.3, 0.5, 0.5], [0.7, 0.9, 1.0, 0.9], [0.4, 0.3, 0.6, 0.2]],
    ]
    means = [[sum(task[seed] for task in entrant) / 3 for seed in range(4)] for entrant in scores]
    three, two = compare_all(scores, paired=True), compare_all(means, paired=True)
    found, expected = (decide(table, margin=0.0, max_seeds=4, paired=True) for table in (scores, means))

    assert three.differences == pytest.approx(two.differences, nan_ok=True)
    assert three.half_widths == pytest.approx(two.half_widths, nan_ok=True)
    assert found.differences == pytest.approx(expected.differences)
    assert found.seeds == expected.seeds
