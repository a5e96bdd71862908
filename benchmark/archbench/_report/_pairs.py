"""Pairs of entrants as the page shows them: lists in words, and the numbers that its comparison looks up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from archbench._report._schema import Comparison, Differences, OverBoard, OverRow, Row, TaskBoard, TaskRow

BETTER, WORSE, EQUIVALENT, UNDECIDED = "bweu"
"""The relation of a row to another one, in the data of the page."""
SPARE_DIGITS = 3
"""More decimals than are shown: the script rounds what it computes, which must give the text that Python writes."""


class Relations(NamedTuple):
    """The other entrants of a comparison, as seen from one of them, in the order of the board."""

    better_than: list[str]
    worse_than: list[str]
    equivalent_to: list[str]
    undecided: list[str]


def relations(row: Row, comparison: Comparison) -> Relations:
    """Return ids of the entrants that a row is better than, worse than, equivalent to and undecided from."""
    said = {row.entrant, *row.better_than, *row.worse_than, *row.equivalent_to}
    undecided = [key for key in comparison.scores.entrants if key not in said]
    return Relations(row.better_than, row.worse_than, row.equivalent_to, undecided)


def pair_data(
    board: TaskBoard | OverBoard,
    numbers: Mapping[str, int],
    reasons: Mapping[str, str],
    digits: int,
    solved: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what the page needs to answer for every pair of entrants of a board without a computation.

    Args:
        board: the board.
        numbers: the number by which the page knows each entrant.
        reasons: why entrants of this board are not ranked, by id.
        digits: decimals of the scores.
        solved: on how many seeds each entrant solved the task, to be shown in place of means; None without a target.
    """
    compared: list[TaskRow | OverRow] = [row for row in board.rows if row.could_be_best is not None]
    steps, ratios = board.comparison.steps, board.comparison.factor is not None
    return {
        "relations": "".join(_letter(row, other) for n, row in enumerate(compared) for other in compared[:n]),
        "scores": _numbers(board.comparison.scores, numbers, None if ratios else digits + SPARE_DIGITS),
        "steps": None if steps is None else _numbers(steps, numbers, 0),
        "solved": [solved[row.entrant] for row in compared] if solved else None,
        "reasons": {str(numbers[key]): reason for key, reason in reasons.items()},
    }


def four_digits(value: float | None) -> float | None:
    """Return a number with four significant digits, more than a chart shows; None for none or one that is no number."""
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None


def all_four_digits(values: Sequence[float]) -> list[float]:
    """Return finite numbers with four significant digits, written and read at once: curves have very many."""
    return list(map(float, ("%.4g " * len(values) % tuple(values)).split()))


def eight_digits(value: float) -> str:
    """Return a number with as many digits as sorting and a copy of a table need."""
    return str(value) if isinstance(value, int) else f"{value:.8g}"


def _numbers(found: Differences, numbers: Mapping[str, int], digits: int | None) -> dict[str, list[int] | list[float]]:
    """Return entrants, means and half widths; with so many decimals, or for ratios (None) with four digits."""

    def rounded(value: float) -> float:
        return float(f"{value:.4g}") if digits is None else round(value, digits)

    return {
        "entrants": [numbers[key] for key in found.entrants],
        "means": [rounded(mean) for mean in found.means],
        "halves": [rounded(half) for row in found.half_widths for half in row],
    }


def _letter(row: Row, other: Row) -> str:
    if other.entrant in row.better_than:
        return BETTER
    if other.entrant in row.worse_than:
        return WORSE
    return EQUIVALENT if other.entrant in row.equivalent_to else UNDECIDED


class Pair(NamedTuple):
    """Two entrants as a comparison has them.

    Args:
        of: `difference` of scores, `ratio` of errors, or difference of `steps` to solve the task.
        first, second: the mean of each, in the unit of the metric or in steps.
        half: half the width of the interval of their difference, or the factor to both sides of their ratio; None
            where nothing can be told apart.
    """

    of: str
    first: float
    second: float
    half: float | None


def find_pair(comparison: Comparison, one: str, other: str) -> Pair | None:
    """Return two entrants as a comparison has them, by their steps if both always solve the task; None if one is not
    in it."""
    for found, of in (
        (comparison.steps, "steps"),
        (comparison.scores, "difference" if comparison.factor is None else "ratio"),
    ):
        if found is not None and {one, other} <= set(found.entrants):
            first, second = found.entrants.index(one), found.entrants.index(other)
            half = found.half_widths[max(first, second)][min(first, second)] if found.half_widths else None
            return Pair(of, found.means[first], found.means[second], half)
    return None
