"""Ratios of errors that lie orders of magnitude apart, against scipy and against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from archbench._statistics import Scale, floor_of, judge

RATIOS = Scale(higher_is_better=False, margin=0.01, factor=1.25, floor=1e-6)


def test_direction_and_logarithms() -> None:
    """An error is turned round; where ratios are compared, its logarithm is."""
    assert Scale(higher_is_better=False).oriented([1.0, 2.0]).tolist() == [-1.0, -2.0]
    assert Scale().oriented([1.0, 2.0]).tolist() == [1.0, 2.0]
    np.testing.assert_allclose(RATIOS.oriented([1.0, np.e, np.nan, 0.1]), [0, -1, np.nan, np.log(10)], atol=1e-15)


def test_error_next_to_nothing_counts_as_the_floor() -> None:
    """An error of 0 and one below the floor count as the floor."""
    np.testing.assert_allclose(RATIOS.oriented([0.0, 1e-9, 1e-6]), np.full(3, 6 * np.log(10)))


def test_means_come_back_in_the_unit_of_the_metric() -> None:
    """The mean of oriented scores is turned back, and that of logarithms is the geometric mean."""
    errors = [0.001, 0.01, 0.4]

    assert RATIOS.restored(RATIOS.oriented(errors).mean()) == pytest.approx(stats.gmean(errors))
    assert Scale(higher_is_better=False).restored(-0.25) == 0.25
    assert Scale().restored(0.25) == 0.25


def test_threshold_is_the_margin_or_the_logarithm_of_the_factor() -> None:
    """Differences matter from the margin on, ratios from the factor on; the step is a tenth of that of ratios."""
    assert (RATIOS.threshold, RATIOS.step) == (pytest.approx(np.log(1.25)), pytest.approx(np.log(1.25) / 10))
    assert (Scale(margin=0.01).threshold, Scale(margin=0.01).step, Scale().threshold) == (0.01, None, 0.0)
    assert Scale(higher_is_better=False, factor=1.0, floor=1.0).step is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"higher_is_better": True, "factor": 1.25, "floor": 1e-6},
        {"higher_is_better": False, "factor": 0.8, "floor": 1e-6},
        {"higher_is_better": False, "factor": 1.25},
    ],
)
def test_ratios_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    """Ratios are of errors, the larger over the smaller, and need a floor."""
    with pytest.raises(ValueError, match="ratios need an error, a factor of 1 or more and a floor above 0"):
        Scale(**wrong)


def test_refusal_says_what_was_given() -> None:
    """A scale without a floor has that of 0, and the message says so."""
    with pytest.raises(ValueError, match=r"given were factor 1\.25 and floor 0$"):
        Scale(higher_is_better=False, factor=1.25)


def test_floor_is_the_target_or_a_millionth_of_chance() -> None:
    """Errors below the target are all good enough; without a target, those below a millionth of chance are."""
    assert floor_of(0.5, None) == 5e-7
    assert floor_of(0.5, 0.01) == 0.01


def test_two_errors_are_compared_by_the_paired_test_of_their_logarithms() -> None:
    """The ratio has the interval that scipy's paired t test of the logarithms gives."""
    errors = np.array([[0.001, 0.0015, 0.0012, 0.0009], [0.02, 0.05, 0.03, 0.04]])
    found = judge(RATIOS.oriented(errors), scale=RATIOS, paired=True)
    interval = stats.ttest_rel(np.log(errors[0]), np.log(errors[1])).confidence_interval(0.95)

    assert found.answers[0, 1] == "better"
    assert np.exp(-found.scores.differences[0, 1]) == pytest.approx(np.exp((interval.low + interval.high) / 2))
    assert found.half_widths[0, 1] == pytest.approx((interval.high - interval.low) / 2, rel=1e-4)


def test_noise_of_the_worst_does_not_hide_the_good() -> None:
    """Three errors a decade apart are told apart by ratios, and beside a noisy fourth not by differences."""
    errors = np.array([[1.0, 1.2, 0.9], [10.0, 12.0, 9.0], [100.0, 90.0, 120.0], [2e4, 9e4, 4e4]]) / 1e5
    linear = Scale(higher_is_better=False, margin=0.01)
    by_ratio = judge(RATIOS.oriented(errors), scale=RATIOS, paired=True).answers
    by_difference = judge(linear.oriented(errors), scale=linear, paired=True).answers

    assert [by_ratio[0, 1], by_ratio[0, 2], by_ratio[1, 2]] == ["better"] * 3
    assert "better" not in by_difference


def test_equal_errors_are_equivalent_and_not_exact() -> None:
    """Entrants at the floor with every seed are equivalent, with an interval of some hundredths and not of no width."""
    found = judge(RATIOS.oriented(np.zeros((3, 3))), scale=RATIOS, paired=True)

    assert set(found.answers[np.triu_indices(3, 1)]) == {"equivalent"}
    # A tenth of log 1.25 is the standard deviation; Tukey's interval for a common one is the least that it can be.
    least = stats.studentized_range.ppf(0.95, 3, 6) * np.log(1.25) / 10 / np.sqrt(3)
    assert least <= found.half_widths[0, 1] < 2 * least
