"""The effect of a claim in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from archbench._report._effect_words import effect_sentence, times
from support.claim_entries import claim

LOSSES = "log10 of the ratio of training losses, plain over residual"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"effect": LOSSES, "mean": 3.57, "low": 3.0, "high": 4.0, "threshold": 0.30103},
            "The ratio of training losses, plain over residual: 3,700 times (1,000 to 10,000), 3 seeds; "
            "the rule: above 2 times.",
        ),
        (
            {"effect": LOSSES, "rule": "within", "mean": -0.05, "low": -0.1, "high": 0.0, "threshold": 0.1},
            "The ratio of training losses, plain over residual: 0.89 times (0.79 to 1), 3 seeds; "
            "the rule: within 1.3 times of equal.",
        ),
        (
            {"effect": "log2 of the steps to solve", "mean": 1.0, "low": None, "high": None, "threshold": 0.0},
            "The steps to solve: 2 times, 3 seeds; the rule: above 1 times.",
        ),
        (
            {"effect": "test accuracy", "rule": "within", "mean": -0.5, "low": -0.75, "high": 0.25, "threshold": 0.125},
            "Test accuracy: \N{MINUS SIGN}0.5 (\N{MINUS SIGN}0.75 to 0.25), 3 seeds; the rule: within 0.125 of zero.",
        ),
        (
            {"effect": "test accuracy", "mean": 0.5, "low": None, "high": None, "note": "At most 1.5. Seed 3 is out."},
            "Test accuracy: 0.5, 3 seeds; the rule: above 0.3. At most 1.5.",
        ),
    ],
)
def test_the_logarithm_of_a_ratio_is_told_as_times(fields: dict[str, Any], sentence: str) -> None:
    """Mean, interval and threshold of a logarithm are ratios in the sentence; other effects stay as they are."""
    assert effect_sentence(claim("c", **fields)) == sentence


@pytest.mark.parametrize(
    ("exponent", "text"), [(400.0, "10^400"), (-7.0, "10^\N{MINUS SIGN}7"), (2.0, "100"), (None, "\N{EN DASH}")]
)
def test_a_ratio_beyond_counting_is_a_power(exponent: float | None, text: str) -> None:
    """Nothing overflows, and no row of zeros has to be counted."""
    assert times(exponent, 10.0) == text
