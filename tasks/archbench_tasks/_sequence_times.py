"""Times of steps, as numbers or as dates in the form of ISO 8601, and the spacing between steps.

A date without a time zone counts as UTC. Dates become seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

EVEN = 1e-6  # relative to the mean; differences below are rounding


@dataclass(frozen=True)
class Times:
    """The times of all steps.

    Args:
        name: of the column.
        moments: float64 (M,), in the order of the file; NaN for cells that are no times.
        dates: they are dates, in seconds since 1970.
    """

    name: str
    moments: Array
    dates: bool


def read_times(name: str, cells: Sequence[Any]) -> Times:
    """Return a column of times: numbers if one of its cells is a number, else dates."""
    import numpy as np

    numbers = np.array([_number(cell) for cell in cells], np.float64)
    if np.isfinite(numbers).any():
        return Times(name, numbers, dates=False)
    return Times(name, np.array([_seconds(cell) for cell in cells], np.float64), dates=True)


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")


def _seconds(cell: Any) -> float:
    try:
        moment = datetime.fromisoformat(cell.strip()) if isinstance(cell, str) else cell
        if isinstance(moment, date) and not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (AttributeError, TypeError, ValueError):
        return float("nan")


def write_time(moment: float, *, dates: bool) -> str:
    """Return a time for people: a number, or a date with as much of the clock as is not zero."""
    if not dates:
        return f"{moment:.12g}"
    return datetime.fromtimestamp(moment, UTC).isoformat(sep=" ").removesuffix("+00:00").removesuffix(" 00:00:00")


def put_in_order(
    file: str, columns: dict[str, Array], sequence: Array, times: Times | None, *, spacing: str, even: bool = False
) -> tuple[Array, dict[str, Any]]:
    """Return the features (M, F) with the steps of each sequence one after the other, and fields of `Sequences`.

    Args:
        file: its name, for messages.
        columns: of features, each (M,), in the order of the file.
        sequence: the number of the sequence of each row (M,).
        times: of each row, which order the steps of a sequence; without them they stay in the order of the file.
        spacing: the name of the feature that holds the time since the step before; empty if it is not wanted.
        even: keep that feature also where it says nothing, because steps are evenly spaced.
    """
    import numpy as np

    order = np.lexsort((sequence,) if times is None else (times.moments, sequence))
    ordered = {name: column[order] for name, column in columns.items()}
    fields: dict[str, Any] = {}
    if times is not None:
        moments = times.moments[order]
        first = np.r_[0, np.bincount(sequence).cumsum()[:-1]]
        passed = _spacing(moments, first, even=even)
        ordered |= {spacing: passed} if spacing and passed is not None else {}
        fields = {"starts": moments[first], "dates": times.dates}
    if not ordered:
        raise archbench.DataError(f"{file} has no features, and its steps are evenly spaced; where are the numbers?")
    return np.stack([*ordered.values()], axis=1), {"features": [*ordered], **fields}


def _spacing(moments: Array, first: Array, *, even: bool) -> Array | None:
    """Return the time since the step before (M,), 0 at the first of each sequence; None if all steps are even.

    Args:
        moments: of all steps.
        first: the first step of each sequence.
        even: return the times of even steps too.
    """
    import numpy as np

    passed = np.diff(moments, prepend=moments[0])
    later = np.delete(passed, first)
    if not even and (not len(later) or np.ptp(later) <= EVEN * abs(later.mean())):
        return None
    passed[first] = 0
    return passed
