"""Simulated verdicts on claims about shares of seeds, and what a family of claims can decide; no script of its own.

`claims_by_simulation.py` writes the numbers and the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from generated_pages import markdown
from statistics_tables import table

from archbench._plugins import load_plugins
from archbench._statistics import half_widths, say_share, share_interval

SEEDS = (3, 5, 10, 12, 20)
SHARES = (0.2, 0.5, 0.65, 0.8, 0.95)
"""True shares of seeds that solve a task, each of which is the threshold too, where every verdict is wrong."""

Answers = npt.NDArray[np.str_]


def answers(seeds: int, family: int, threshold: float) -> Answers:
    """Return the verdict for every number of seeds that solve, from none to all."""
    counts = ([1] * ones + [0] * (seeds - ones) for ones in range(seeds + 1))
    intervals = (share_interval(effects, family=family) for effects in counts)
    return np.array([say_share(interval, rule="above", threshold=threshold) for interval in intervals])


def errors(count: int, family: int) -> Iterator[dict[str, Any]]:
    """Yield in how many of the families some verdict is wrong, with the seeds there are and with looks at all fewer.

    Args:
        count: of simulated families.
        family: claims of each.
    """
    for index, share in enumerate(SHARES):
        solved = np.random.default_rng([4, index]).random((count, family, max(SEEDS))) < share
        looked = np.zeros((count, family), dtype=np.bool_)
        for seeds in range(min(SEEDS), max(SEEDS) + 1):
            wrong = answers(seeds, family, share)[solved[..., :seeds].sum(axis=-1)] != "undecided"
            looked |= wrong
            if seeds in SEEDS:
                found = {"percent": 100 * float(wrong.any(axis=1).mean())}
                yield {"share": share, "seeds": seeds, **found, "looks": 100 * float(looked.any(axis=1).mean())}


def power(count: int, family: int) -> Iterator[dict[str, Any]]:
    """Yield the share of true claims about most seeds that are found, by the true share of seeds that solve."""
    for index, share in enumerate((0.65, 0.8, 0.95, 1.0)):
        solved = np.random.default_rng([5, index]).random((count, max(SEEDS))) < share
        for seeds in SEEDS:
            said = answers(seeds, family, 0.5)[solved[:, :seeds].sum(axis=-1)]
            yield {"share": share, "seeds": seeds, "percent": 100 * float((said == "supported").mean())}


def render(results: dict[str, Any]) -> list[str]:
    """Return the section on shares as Markdown."""
    return [
        "### Claims on shares of seeds",
        "Seeds of which some solve a task and others do not have effects of two values, whose spread a few seeds do "
        "not show. A claim on a share needs no spread. Some verdict of a family of "
        f"{results['claims']} is wrong, in percent, where the threshold is the true share; in brackets: if one looks "
        "after every seed from the third on, and keeps the first verdict.",
        table(
            results["shares"], lambda c: (f"{100 * c['share']:.0f} % solve",), lambda c: f"{c['seeds']} seeds",
            lambda c: f"{c['percent']:.1f} ({c['looks']:.1f})", heads=("truth and threshold",),
        ),
        "So decide on a number of seeds first: the `seeds` of a claim keep a verdict back until there are so many.",
        "A claim that most seeds solve a task is found, in percent:",
        table(
            results["shares_power"], lambda c: (f"{100 * c['share']:.0f} % solve",), lambda c: f"{c['seeds']} seeds",
            lambda c: f"{c['percent']:.0f}", heads=("truth",),
        ),
    ]  # fmt: skip


def built_in() -> int:
    """Return the number of built-in claims."""
    return sum(claim.origin.distribution == "archbench" for claim in load_plugins(only=[]).claims)


def reach(seeds: int, family: int) -> float:
    """Return how many times the declared noise an effect must be away from its threshold, if seeds vary as declared."""
    effects = np.arange(seeds) - (seeds - 1) / 2
    return float(half_widths(effects / effects.std(ddof=1), noise=1.0, family=family))


def agreeing(family: int) -> int:
    """Return the fewest seeds that, if they agree, decide whether a share is above one half."""
    return next(seeds for seeds in range(3, 200) if answers(seeds, family, 0.5)[-1] == "supported")


def table_of_families(small: int) -> str:
    """Return what a family of claims can decide, for a small one and for the built-in claims."""
    built = built_in()
    families = {f"{small} claims": small, f"the built-in claims, {built}": built}
    rows = [
        (name, *(f"{reach(seeds, family):.1f} times" for seeds in (3, 5, 10, 12)), f"{agreeing(family)} seeds")
        for name, family in families.items()
    ]
    heads = ("family", "3 seeds", "5 seeds", "10 seeds", "12 seeds", "a share: seeds that agree")
    return markdown(heads, rows)
