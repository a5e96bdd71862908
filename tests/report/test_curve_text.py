"""The short text of a learning curve: decoded here by a plain loop, it gives the values back."""

from __future__ import annotations

import math

import numpy as np
import pytest

from archbench._report._curve_text import DIGITS, curve_text
from archbench._report._pairs import all_four_digits, four_digits


def decoded(low: float | None, high: float | None, text: str) -> list[float | None]:
    """Return the values that a text stands for."""
    found: list[float | None] = []
    for place in range(1, len(text), 2):
        if text[place] == " ":
            found.append(None)
            continue
        assert low is not None
        assert high is not None
        share = (64 * DIGITS.index(text[place]) + DIGITS.index(text[place + 1])) / 4095
        found.append(low * (high / low) ** share if text[0] == "~" else low + (high - low) * share)
    return found


@pytest.mark.parametrize("values", [[0.1, 0.5, 0.98], [-3.0, 2.0, 0.0], [7.0, 7.0], [0.0], [1e-9, 0.0, 1e9]])
def test_values_are_as_exact_as_a_chart(values: list[float]) -> None:
    """No value is further from its own than a four-thousandth of the range; the ends are exact."""
    found = decoded(*curve_text(values))

    assert found == pytest.approx(values, abs=(max(values) - min(values)) / 8000 + 1e-12)


def test_wide_ranges_keep_their_ratios() -> None:
    """A loss that falls by orders of magnitude is right to a part in five hundred of itself everywhere."""
    values = [float(value) for value in np.geomspace(2.3, 0.0004, 23)]
    found = decoded(*curve_text(values))

    assert [math.log(value or 0.0) for value in found] == pytest.approx(list(map(math.log, values)), abs=0.002)


def test_what_is_no_number_stays_missing() -> None:
    """A gap keeps its place, and a curve of gaps alone is one of gaps alone."""
    assert decoded(*curve_text([1.0, math.nan, 3.0])) == [1.0, None, 3.0]
    assert decoded(*curve_text([math.nan, math.inf])) == [None, None]


@pytest.mark.parametrize("values", [[], [0.1234567], [-1234567.0, 0.0, -0.0, 1e-12, 5e300, 0.99995, 3]])
def test_numbers_are_rounded_together_as_each_by_itself(values: list[float]) -> None:
    """Every number of a list has four significant digits, its sign too."""
    assert list(map(repr, all_four_digits(values))) == [repr(four_digits(value)) for value in values]
