"""Sequences of (value, marker) pairs in the form of 1997, for `adding-1997` and `multiplication`.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, sec. 5.4. The length is
uniform in T to T + T/10. Markers: 1 at two pairs, -1 at the first and the last pair, 0 elsewhere. One marked pair is
one of the first ten, the other one of the first T/2 - 1 pairs that are still unmarked, so that at least T/2 steps lie
between the last marked pair and the end.

Deviations: the paper lets the first pair be marked and then replaces its value by 0 (adding) or 1 (multiplication),
so that the best constant error depends on T and lies a few per cent below the variance that is quoted, 1/24. Here the
first pair is never marked, and the variance is exact at every length. Sequences shorter than T + T/10 are padded in
front with (0, 0), so that the last pair is at the last step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

FIRST_PAIRS = 10
SHORTEST = 2 * FIRST_PAIRS  # below it the first ten pairs would reach past T/2


def steps(length: int) -> int:
    """Return the steps of the longest sequence, T + T/10."""
    return length + length // 10


def marked_pairs(
    count: int, length: int, draw: np.random.Generator, *, low: float
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Draw inputs (count, T + T/10, 2), values uniform in [low, 1); return them and the marked values (count, 2)."""
    import numpy as np

    end = steps(length)
    rows = np.arange(count)
    start = end - draw.integers(length, end, count, endpoint=True)
    values = draw.random((count, end), dtype=np.float32)
    values *= np.float32(1 - low)
    values += np.float32(low)
    first = draw.integers(1, FIRST_PAIRS, count)  # counted from the first pair, which is pair 0
    second = draw.integers(1, length // 2 - 1, count)
    second += second >= first  # uniform over the pairs 1 to T/2 - 1 without the one that is marked
    inputs = np.zeros((count, end, 2), np.float32)
    inputs[:, :, 0] = np.where(np.arange(end) < start[:, None], np.float32(0), values)
    inputs[rows, start, 1] = inputs[:, -1, 1] = -1
    inputs[rows, start + first, 1] = inputs[rows, start + second, 1] = 1
    marked = np.stack([values[rows, start + first], values[rows, start + second]], axis=1)
    return inputs, marked
