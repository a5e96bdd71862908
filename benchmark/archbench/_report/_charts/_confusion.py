"""The classes that an entrant takes for one another, as numbers with shades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MOST_CLASSES = 20
"""A matrix of more classes cannot be read; the most frequent confusions are listed in its place."""

SHADES = 5
"""Number of shades of a cell; 0 is for none."""

MOST_PAIRS = 12


class ClassRow(NamedTuple):
    """The test examples of one true class.

    Args:
        name: of the class.
        cells: how many examples got each class, with the shade of the cell: 0 for none.
        recall: share of them that got their own class; None without examples.
        total: number of them.
    """

    name: str
    cells: list[tuple[int, int]]
    recall: float | None
    total: int


def confusion_rows(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> list[ClassRow]:
    """Return a confusion matrix row by row; the shade of a cell is its share of the row.

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
    """Return the shade of a cell: the next whole of five times its share, so that a single example is seen."""
    return -(-SHADES * number // total) if total else 0
