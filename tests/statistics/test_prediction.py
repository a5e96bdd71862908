"""The interval of one further observation, against figures by hand and its coverage in a plain simulation."""

from __future__ import annotations

import numpy as np
import pytest

from archbench._statistics import prediction_interval


def test_interval_by_hand() -> None:
    """Of 0.70, 0.74, 0.78 and 0.72 it is 0.735 ± 3.182446 * 0.034157 * sqrt(1.25), with t at 3 degrees from a table."""
    found = prediction_interval([0.70, 0.74, 0.78, 0.72])

    assert found is not None
    assert found.low == pytest.approx(0.735 - 0.121532, abs=1e-5)
    assert found.high == pytest.approx(0.735 + 0.121532, abs=1e-5)


@pytest.mark.parametrize("values", [[], [0.5], [0.4, 0.6], [0.5, 0.5, 0.5, 0.5]])
def test_what_says_nothing_about_the_spread_gives_no_interval(values: list[float]) -> None:
    """Fewer than three values, or equal ones, give no interval: it would be endless, or of no width."""
    assert prediction_interval(values) is None


def test_one_further_value_lies_within_as_often_as_promised() -> None:
    """At three and at six values, 95% of further ones lie within: 4,000 repetitions, three standard errors apart."""
    rng = np.random.default_rng(0)
    for number in (3, 6):
        inside = 0
        for *before, further in rng.normal(2.0, 0.3, (4000, number + 1)).tolist():
            found = prediction_interval(before)
            inside += found is not None and found.low <= further <= found.high

        assert inside / 4000 == pytest.approx(0.95, abs=0.0104)
