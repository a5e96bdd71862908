"""A row: one measured quantity with its spread and, where there is one, its target.

A row has `name`, `unit` (`ratio`, `s` or `MB`), `found` (a median), `lower` and `upper` (quartiles), `n`, and either
`at_most` or `at_least`, the target. A ratio is ours over theirs, or theirs over ours where more is better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]
Pairs = Sequence[tuple[float, float]]
"""Seconds of ours and of theirs, measured one right after the other, so that other load slows both."""


def in_pairs(ours: Callable[[], float], theirs: Callable[[], float], count: int, *, warm_up: int = 0) -> Pairs:
    """Return `count` pairs after those of the warm-up; who comes first alternates."""
    pairs = []
    for number in range(warm_up + count):
        if number % 2:
            second = theirs()
            pairs.append((ours(), second))
        else:
            first = ours()
            pairs.append((first, theirs()))
    return pairs[warm_up:]


def values(name: str, found: Iterable[float], unit: str, **more: Any) -> Row:
    """Return a row of a quantity that was measured several times."""
    numbers = list(found)
    lower, median, upper = (float(value) for value in np.quantile(numbers, [0.25, 0.5, 0.75]))
    return {"name": name, "unit": unit, "found": median, "lower": lower, "upper": upper, "n": len(numbers), **more}


def ratio(name: str, pairs: Pairs, **more: Any) -> Row:
    """Return a row of ours over theirs, with the median seconds of both."""
    ours, theirs = (float(np.median(column)) for column in zip(*pairs, strict=True))
    return values(name, [a / b for a, b in pairs], "ratio", ours=ours, theirs=theirs, **more)


def describe(row: Row) -> str:
    """Return a line for the terminal."""
    unit = "" if row["unit"] == "ratio" else f" {row['unit']}"
    seconds = f"; {row['ours']:.4g} s against {row['theirs']:.4g} s" if "ours" in row else ""
    target = "".join(
        f"; target {word.replace('_', ' ')} {row[word]}" for word in ("at_most", "at_least") if word in row
    )
    spread = f"quartiles {row['lower']:.3g} and {row['upper']:.3g}, n={row['n']}"
    return f"{row['name']}: {row['found']:.3g}{unit} ({spread}{seconds}{target})"
