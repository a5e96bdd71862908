"""Simulate boards of errors that lie orders of magnitude apart, compared by their ratios and by their differences.

`statistics_by_simulation.py` calls it. All entrants of a board have one distribution, so that nobody is better, or else
known geometric means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from archbench._statistics import Scale
from archbench._statistics._ranges import Floats

RATIOS = Scale(higher_is_better=False, factor=1.25, floor=1.0)
"""The scale; errors are in units of the floor."""

DIFFERENCES = Scale(higher_is_better=False)

Compare = Callable[..., tuple[Floats, Floats]]
Rng = np.random.Generator
Shape = tuple[int, int, int]


def log_normal(rng: Rng, shape: Shape) -> Floats:
    """Return errors far above the floor, whose logarithms have a standard deviation of about 0.5, not alike."""
    deviations = 0.5 * np.exp(0.4 * rng.standard_normal((*shape[:2], 1)))
    return np.asarray(1e3 * np.exp(deviations * rng.standard_normal(shape)))


def half_at_floor(rng: Rng, shape: Shape) -> Floats:
    """Return errors of which half are below the floor."""
    return np.asarray(np.exp(rng.standard_normal(shape)))


def rarely_above(rng: Rng, shape: Shape) -> Floats:
    """Return errors of which one in five is above the floor."""
    return np.asarray(np.exp(rng.standard_normal(shape) - 0.84))


def failing(rng: Rng, shape: Shape) -> Floats:
    """Return errors that are a hundred times as large for one seed in five."""
    errors = np.exp(0.5 * rng.standard_normal(shape))
    return np.asarray(1e3 * np.where(rng.random(shape) < 0.2, 100 * errors, errors))


def near_chance(rng: Rng, shape: Shape) -> Floats:
    """Return errors that hardly vary."""
    return np.asarray(1e3 * (1 + 0.002 * rng.standard_normal(shape)))


SHAPES = {
    "log-normal": log_normal,
    "half at the floor": half_at_floor,
    "a fifth above the floor": rarely_above,
    "a fifth fails": failing,
    "near chance": near_chance,
}


def errors(count: int, compare: Compare, *, entrants: Sequence[int], seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield for every cell how often somebody is separated where all are equal, and what is found where they are not.

    Args:
        count: boards of each cell.
        compare: returns differences and half widths of many boards.
        entrants, seeds: sizes of boards.
    """
    for size in entrants:
        for number in seeds:
            shape = (count, size, number)
            for index, (name, generator) in enumerate(SHAPES.items()):
                made = generator(np.random.default_rng([6, size, number, index]), shape)
                shares = {key: _separated(made, scale, compare) for key, scale in _scales()}
                yield {"entrants": size, "seeds": number, "errors": name, **shares}
            rng = np.random.default_rng([7, size, number])
            logs = np.log(10) * rng.standard_normal((count, size, 1)) + 0.3 * rng.standard_normal(shape)
            found = {key: _found(1e6 * np.exp(logs), scale, compare) for key, scale in _scales()}
            yield {"entrants": size, "seeds": number, "errors": "means over decades", **found}


def _scales() -> list[tuple[str, Scale]]:
    return [("ratios", RATIOS), ("differences", DIFFERENCES)]


def _separated(made: Floats, scale: Scale, compare: Compare) -> float:
    """Return in how many boards, in percent, somebody is called better than somebody else."""
    gaps, halves = compare(scale.oriented(made), scale.step or 0.0)
    return 100 * float((gaps > halves).any(axis=(1, 2)).mean())


def _found(made: Floats, scale: Scale, compare: Compare) -> float:
    """Return how many pairs, in percent, are told apart; no two entrants are equal."""
    gaps, halves = compare(scale.oriented(made), scale.step or 0.0)
    size = made.shape[1]
    return 100 * float((gaps > halves).sum() / (len(made) * size * (size - 1) / 2))
