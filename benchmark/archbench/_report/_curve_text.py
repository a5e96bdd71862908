"""The values of a learning curve as a short text: as exact as a chart can show, in a quarter of the bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from archbench._report._pairs import four_digits

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_PAIRS = [first + second for first in DIGITS for second in DIGITS]
LEVELS = len(_PAIRS) - 1
"""Steps from the lowest value to the highest one: twelve times as many as a chart of the page has pixels."""
MISSING = "  "
"""Stands for a value that is no number."""
WIDE = 20.0
"""From this ratio of the highest value to the lowest on, the steps are equal ratios, as on a logarithmic axis."""

Text = tuple[float | None, float | None, str]


def curve_text(values: Sequence[float]) -> Text:
    """Return the lowest and the highest value, and for each value two digits of base 64 for its place between them.

    The text begins with `~` where equal steps are equal ratios, else with `=`.

    Args:
        values: what is no number is missing.
    """
    whole = math.isfinite(sum(values))  # then all of them are
    known = values if whole else [value for value in values if math.isfinite(value)]
    if not known:
        return None, None, "=" + MISSING * len(values)
    low, high = min(known), max(known)
    ratios = low > 0 and high / low > WIDE
    span = (math.log(high / low) if ratios else high - low) or 1.0
    if ratios:
        places = [_PAIRS[round(LEVELS * (math.log(value / low) / span))] for value in known]
    else:
        places = [_PAIRS[round(LEVELS * ((value - low) / span))] for value in known]
    if len(known) < len(values):
        found = iter(places)
        places = [next(found) if math.isfinite(value) else MISSING for value in values]
    return four_digits(low), four_digits(high), ("~" if ratios else "=") + "".join(places)
