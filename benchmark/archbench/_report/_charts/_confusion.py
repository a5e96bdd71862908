"""The classes that an entrant takes for one another, as numbers with shades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MOST_CLASSES = 20
"""A matrix of more classes cannot be read; the most frequent confusions are listed in its place."""

SHADE_LIMITS = (5, 10, 20, 50, 100, 200)
"""Parts in a thousand of a row at which a cell has the next shade.

Steps of about twice each tell rare errors from frequent ones; they are the same for every matrix, so that the shades of
two entrants can be compared.
"""

MOST_PAIRS = 12


class ClassRow(NamedTuple):
    """The test examples of one true class.

    Args:
        name: of the class.
        cells: how many examples got each class, with the shade of the cell: 0 for none, then 1 to 7.
        recall: share of them that got their own class; None without examples.
        total: number of them.
    """

    name: str
    cells: list[tuple[int, int]]
    recall: float | None
    total: int


def confusion_rows(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> list[ClassRow]:
    """Return a confusion matrix row by row; the shade of a cell says how large its share of the row is.

    Args:
        matrix: examples by true class (row) and predicted class (column).
        classes: their names; numbers stand for names that are missing.
    """
    rows = []
    for place, counts in enumerate(matrix):
        total = sum(counts)
        cells = [(number, _shade(number, total)) for number in counts]
        rows.append(ClassRow(class_name(place, classes), cells, counts[place] / total if total else None, total))
    return rows


def confused_pairs(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> list[tuple[str, str, int]]:
    """Return the most frequent confusions: true class, predicted class and number of examples."""
    pairs = [
        (number, true, taken)
        for true, counts in enumerate(matrix)
        for taken, number in enumerate(counts)
        if number and taken != true
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    return [(class_name(true, classes), class_name(taken, classes), n) for n, true, taken in pairs[:MOST_PAIRS]]


def class_name(label: int, classes: Sequence[str]) -> str:
    """Return the name of a class; its number if nothing names it."""
    return classes[label] if label < len(classes) else str(label)


def _shade(number: int, total: int) -> int:
    """Return the shade of a cell; that of a single example is never 0."""
    return 1 + sum(1000 * number >= limit * total for limit in SHADE_LIMITS) if number else 0


def shade_words() -> str:
    """Return the shares of a row at which its cells get the next shade, such as `0.5, 1 and 2%`."""
    *others, last = (f"{limit / 10:g}" for limit in SHADE_LIMITS)
    return f"{', '.join(others)} and {last}%"
