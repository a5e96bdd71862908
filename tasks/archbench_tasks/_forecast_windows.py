"""Windows of series: the steps that a forecast sees, and the number that it is asked for.

A window belongs to a split if all that it is asked for lies there. Its inputs end before: they may reach back into an
earlier split, never forward. A window whose answers lie in two splits is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archbench_tasks._forecast_series import Series, places_of, splits_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_WINDOWS = 50_000
"""Most windows that are trained on, evenly spaced over those that there are."""


@dataclass(frozen=True)
class Shape:
    """The size of a window, and where its answers are.

    Args:
        context: steps that are seen.
        horizon: steps from the last one that is seen to the number that is asked for.
        every: a number is asked for after every step, and not only after the last.
    """

    context: int
    horizon: int
    every: bool


def windows_of(series: Series, shape: Shape) -> dict[str, Array]:
    """Return the first rows of the windows of each split.

    In validation and test, windows that ask after every step do not overlap, so that each number counts once.
    """
    import numpy as np

    starts = _whole(series, shape)
    last = starts + shape.context - 1 + shape.horizon  # rows of the last and the first answer
    first = starts + shape.horizon if shape.every else last
    split = splits_of(series)  # does not fall within a series
    one = split[first] == split[last]
    asked = ~np.isnan(series.target)
    known = np.r_[0, asked.cumsum()]
    some = known[last + 1] > known[first]
    found = {name: starts[one & some & (split[first] == number)] for number, name in enumerate(SPLITS)}
    if shape.every:
        found |= {name: _apart(found[name], series, shape.context) for name in ("validation", "test")}
    found["train"] = _thinned(found["train"])
    return found


SPLITS = ("train", "validation", "test")


def _whole(series: Series, shape: Shape) -> Array:
    """Return the rows from which a window and its answers fit into their series."""
    import numpy as np

    left = np.repeat(series.lengths, series.lengths) - places_of(series)
    return np.flatnonzero(left >= shape.context + shape.horizon)


def _apart(starts: Array, series: Series, context: int) -> Array:
    """Return windows that do not overlap, counted from the last of each series."""
    import numpy as np

    which = np.searchsorted(series.lengths.cumsum(), starts, side="right")
    kept = []
    for number in np.unique(which):
        chosen, before = [], np.inf
        for start in starts[which == number][::-1]:
            if start + context <= before:
                chosen.append(start)
                before = start
        kept += chosen[::-1]
    return np.array(kept, np.int64)


def _thinned(starts: Array) -> Array:
    import numpy as np

    if len(starts) <= MOST_WINDOWS:
        return starts
    return starts[np.linspace(0, len(starts) - 1, MOST_WINDOWS).astype(np.int64)]


def rows_of(starts: Array, shape: Shape) -> tuple[Array, Array]:
    """Return the rows that windows see (W, context), and those of their answers (W, context) or (W, 1)."""
    import numpy as np

    seen = starts[:, None] + np.arange(shape.context)
    return seen, (seen if shape.every else seen[:, -1:]) + shape.horizon


def persistence(series: Series, otherwise: float) -> Array:
    """Return the last known number at each row (M,), or `otherwise` as long as none is known."""
    import numpy as np

    known = ~np.isnan(series.target)
    begins = np.repeat(series.lengths.cumsum() - series.lengths, series.lengths)
    latest = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
    return np.where(latest >= begins, series.target[np.maximum(latest, 0)], otherwise)
