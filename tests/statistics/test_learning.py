"""Learning curves: which entrants were not trained long enough to say."""

from __future__ import annotations

import numpy as np
import pytest

from archbench._statistics import still_improving

STEPS = np.arange(50, 501, 50)


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_straight_improvement_counts_by_the_gain_of_a_fifth(higher_is_better: bool) -> None:
    """A line that gains 0.5 over the budget gains 0.1 in its last fifth: more than 0.09, less than 0.11."""
    curve = 0.5 * STEPS / 500 * (1 if higher_is_better else -1)

    assert still_improving(STEPS, curve, higher_is_better=higher_is_better, margin=0.09)
    assert not still_improving(STEPS, curve, higher_is_better=higher_is_better, margin=0.11)


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_getting_worse_is_no_improvement(higher_is_better: bool) -> None:
    """A curve that runs in the wrong direction is not still improving."""
    curve = STEPS / 500 * (-1 if higher_is_better else 1)

    assert not still_improving(STEPS, curve, higher_is_better=higher_is_better, margin=0.01)


def test_one_validation_in_a_part_says_nothing() -> None:
    """With a single validation before the last fifth, even a jump may be noise; with two it counts."""
    assert not still_improving([70, 85, 90, 100], [0, 1, 1, 1], higher_is_better=True, margin=0.1)
    assert still_improving([65, 70, 85, 90, 100], [0, 0, 1, 1, 1], higher_is_better=True, margin=0.1)


def test_early_progress_does_not_count() -> None:
    """A curve that has reached its plateau before the last half is done, whatever it gained before."""
    assert not still_improving(STEPS, 1 - np.exp(-STEPS / 25), higher_is_better=True, margin=0.005)
    assert still_improving(STEPS, 1 - np.exp(-STEPS / 250), higher_is_better=True, margin=0.005)


def test_noise_about_a_plateau_is_seldom_taken_for_progress() -> None:
    """Of a thousand flat curves whose noise exceeds the margin, less than a tenth are called improving."""
    rng = np.random.default_rng(0)
    flat = [
        still_improving(STEPS, 0.8 + 0.02 * rng.standard_normal((3, 10)), higher_is_better=True, margin=0.005)
        for _ in range(1000)
    ]

    assert np.mean(flat) < 0.1


def test_progress_is_found_in_noise() -> None:
    """Of a thousand noisy curves that gain ten times their noise in a fifth, nearly all are called improving."""
    rng = np.random.default_rng(0)
    rising = [
        still_improving(STEPS, 0.5 * STEPS / 500 + 0.01 * rng.standard_normal(10), higher_is_better=True, margin=0.03)
        for _ in range(1000)
    ]

    assert np.mean(rising) > 0.85


def test_twenty_validations_against_a_plain_loop() -> None:
    """The last four are compared with the four before; the noise of a mean of four is half that of one."""
    rng = np.random.default_rng(1)
    answers = []
    for _ in range(300):
        curve = 0.3 * np.arange(1, 21) / 20 + 0.05 * rng.standard_normal(20)
        gain = sum(curve[16:]) / 4 - sum(curve[12:16]) / 4
        steps = [curve[i + 1] - curve[i] for i in range(12, 19)]
        noise = (sum(step**2 for step in steps) / len(steps) / 2) ** 0.5
        expected = gain > 0.02 and gain > 2 * (noise**2 / 4 + noise**2 / 4) ** 0.5
        answers.append(expected)

        assert still_improving(range(1, 21), curve, higher_is_better=True, margin=0.02) == expected
    assert 0.2 < np.mean(answers) < 0.8


def test_too_few_validations_say_nothing() -> None:
    """With three validations nobody is said to be still improving."""
    assert not still_improving([100, 200, 300], [0.1, 0.5, 0.9], higher_is_better=True, margin=0.01)
    assert not still_improving([], [], higher_is_better=True, margin=0.01)


def test_seeds_are_averaged() -> None:
    """Noise that cancels over seeds does not hide a trend."""
    wave = 0.2 * np.tile([1, -1], 5)
    trend = 0.8 * STEPS / 500

    assert not still_improving(STEPS, trend + wave, higher_is_better=True, margin=0.01)
    assert still_improving(STEPS, [trend + wave, trend - wave], higher_is_better=True, margin=0.01)
