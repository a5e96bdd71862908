"""Verdicts on claims about the share of seeds of which something is true, such as that they solve a task.

Student's t needs a spread, and seeds that all succeed show none however often others would fail. The binomial law
needs none: the interval of Clopper and Pearson holds whatever the share is.
"""

from __future__ import annotations

from collections.abc import Sequence

from archbench._statistics._comparison import MIN_SEEDS
from archbench._statistics._counts import Interval, binomial_interval
from archbench._statistics._effort import MOST_SEEDS

SHARE_ERROR = 0.05
"""Error of all intervals of a family together. All of it is spent: an exact interval needs no reserve for effects that
are not normal."""


def share_interval(effects: Sequence[float], *, family: int) -> Interval:
    """Return the simultaneous interval of the share of seeds whose effect is 1.

    Args:
        effects: 0 or 1 of each seed, at least one.
        family: number of claims that the intervals hold for together; the error is split over them (Bonferroni).
    """
    return binomial_interval(int(sum(effects)), len(effects), level=1 - SHARE_ERROR / family)


def say_share(interval: Interval, *, rule: str, threshold: float) -> str:
    """Return `supported` if the whole interval lies where the rule says, `contradicted` if it lies elsewhere.

    Args:
        interval: of the share.
        rule: `above` or `below` the threshold.
        threshold: of the rule.

    Returns:
        `undecided` if the interval lies on both sides.
    """
    if interval.low > threshold:
        return "supported" if rule == "above" else "contradicted"
    if interval.high < threshold:
        return "supported" if rule == "below" else "contradicted"
    return "undecided"


def seeds_for_share(effects: Sequence[float], *, family: int, rule: str, threshold: float) -> int | None:
    """Return with how many seeds the claim would be decided, if the share that was seen is the truth.

    Args:
        effects: 0 or 1 of each seed, at least one.
        family, rule, threshold: as of `share_interval` and `say_share`.

    Returns:
        None if not even `MOST_SEEDS` would do.
    """
    share = sum(effects) / len(effects)
    for seeds in range(max(len(effects) + 1, MIN_SEEDS), MOST_SEEDS + 1):
        ones = round(share * seeds)
        interval = share_interval([1] * ones + [0] * (seeds - ones), family=family)
        if say_share(interval, rule=rule, threshold=threshold) != "undecided":
            return seeds
    return None
