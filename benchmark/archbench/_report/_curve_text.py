"""The values of a learning curve as a short text: as exact as a chart can show, in a quarter of the bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
LEVELS = len(DIGITS) ** 2 - 1
"""Steps from the lowest value to the highest one: twelve times as many as a chart of the page has pixels."""
MISSING = "  "
"""Stands for a value that is no number."""
WIDE = 20.0
"""From this ratio of the highest value to the lowest on, the steps are equal ratios, as on a logarithmic axis."""

Text = tuple[float | None, float | None, str]


def curve_text(values: Sequence[float | None]) -> Text:
    """Return the lowest and the highest value, and for each value two digits of base 64 for its place between them.

    The text begins with `~` where equal steps are equal ratios, else with `=`.

    Args:
        values: None where there is no number.
    """
    known = [value for value in values if value is not None]
    if not known:
        return None, None, "=" + MISSING * len(values)
    low, high = min(known), max(known)
    ratios = low > 0 and high / low > WIDE
    span = (math.log(high / low) if ratios else high - low) or 1.0

    def place(value: float) -> str:
        level = round(LEVELS * (math.log(value / low) if ratios else value - low) / span)
        return DIGITS[level // len(DIGITS)] + DIGITS[level % len(DIGITS)]

    return low, high, ("~" if ratios else "=") + "".join(MISSING if v is None else place(v) for v in values)
