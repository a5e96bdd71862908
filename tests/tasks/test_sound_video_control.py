"""The tasks of sound, video and control, solved without learning and without the code of their generators."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.linalg import solve_discrete_are

from support import Load

Array = np.ndarray[Any, Any]
LOW, HIGH = np.linspace(11.4, 12.6, 5), np.linspace(5.7, 6.3, 5)  # samples a period, as far as they are detuned


def loudest(part: Array, length: int, periods: Array) -> Array:
    """Return the largest energy of a sine of one of these periods in any stretch of the sounds (N, samples)."""
    waves = np.exp(2j * np.pi * np.arange(length)[:, None] / periods)  # (length, periods)
    stretches = [part[:, begin : begin + length] @ waves for begin in range(0, part.shape[1] - length + 1, 2)]
    found: Array = np.abs(stretches).max(axis=(0, 2))
    return found


def test_matched_filters_hear_the_melody(load: Load) -> None:
    """Filters for the two pitches tell all melodies, so that 1 is the score of a perfect predictor."""
    test = load("melody").test
    sounds = test.inputs[:1_000].reshape(1_000, -1).astype(np.float64)
    part = sounds.shape[1] // 3
    heard = np.zeros(1_000, np.int64)
    for note in range(3):
        cut = sounds[:, note * part : (note + 1) * part]
        heard = 2 * heard + (loudest(cut, 64, HIGH) > loudest(cut, 64, LOW))

    assert (heard == test.targets[:1_000]).mean() >= 0.999


def test_melodies_are_equally_frequent_and_as_loud_as_described(load: Load) -> None:
    """Each of the eight melodies has its share; a third of the sound has a sine of amplitude 0.8 to 1."""
    train = load("melody").train
    counts = np.bincount(train.targets, minlength=8)
    sine = np.square(np.linspace(0.8, 1, 100_001)).mean() / 2

    assert abs(counts - 2_500).max() < 4 * math.sqrt(20_000 * 1 / 8 * 7 / 8)
    assert np.square(np.asarray(train.inputs), dtype=np.float64).mean() == pytest.approx(0.8**2 + sine / 3, rel=0.003)


@pytest.mark.slow
def test_the_square_can_be_followed(load: Load) -> None:
    """Whoever looks for the square in each frame and votes on its steps knows the direction in all films."""
    test = load("moving-shapes").test
    right = 0
    for film, direction in zip(test.inputs[:500], test.targets[:500], strict=True):
        places = [place_of_square(frame.reshape(6, 6)) for frame in film]
        steps = [((b[0] - a[0]) % 6, (b[1] - a[1]) % 6) for a, b in pairwise(places)]
        votes = [steps.count(way) for way in ((5, 0), (1, 0), (0, 5), (0, 1))]
        right += votes.index(max(votes)) == direction

    assert right >= 499


def place_of_square(frame: Array) -> tuple[int, int]:
    """Return the row and column at which a square and, anywhere, a T explain a frame best, by trying all places."""
    best, found = math.inf, (0, 0)
    for row in range(6):
        for column in range(6):
            rest = frame.copy()
            for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
                rest[(row + y) % 6, (column + x) % 6] -= 1
            fit = sum(np.roll(rest, (-y, -x), (0, 1)) for y, x in ((0, 0), (0, 1), (0, 2), (1, 1)))
            error = float((rest**2).sum() + 2 * fit.min())  # what is left after the darkest T
            if error < best:
                best, found = error, (row, column)
    return found


def test_a_single_frame_says_nothing_of_the_direction(load: Load) -> None:
    """The mean of each pixel of each frame is the same for the four directions, within five standard errors."""
    train = load("moving-shapes").train
    spread = train.inputs.std(axis=0)
    for direction in range(4):
        chosen = train.inputs[train.targets == direction]
        away = abs(chosen.mean(axis=0) - train.inputs.mean(axis=0)) / (spread / math.sqrt(len(chosen)))
        assert away.max() < 5, direction


def test_shapes_rest_half_of_the_time(load: Load) -> None:
    """From one frame to the next both shapes rest with probability 1/4, which leaves nothing but noise to change."""
    inputs = load("moving-shapes").train.inputs[:4_000]
    still = (abs(np.diff(inputs, axis=1)) < 0.75).all(axis=2)  # noise of the difference is 0.14, a step is 1

    assert still.mean() == pytest.approx(0.25, abs=4 * math.sqrt(3 / 16 / still.size))


@pytest.mark.parametrize("steps", [7, 30])
def test_kalman_filter_and_riccati_equation_give_the_pushes(steps: int, load: Load) -> None:
    """The optimal pushes follow from what is sensed alone, so that 0 is the error of a perfect predictor."""
    test = load("hidden-velocity", steps=steps).test
    cost = solve_discrete_are(MOVE, PUSH, np.diag([1.0, 0.0]), np.array([[30.0]]))
    gain = np.linalg.inv(30 + PUSH.T @ cost @ PUSH) @ PUSH.T @ cost @ MOVE
    found = np.array([pushes_of(run, gain) for run in test.inputs[:200].astype(np.float64)])
    scale = np.sqrt((found**2).sum() / (test.targets[:200].astype(np.float64) ** 2).sum())

    np.testing.assert_allclose(found / scale, test.targets[:200, :, 0], atol=2e-5)


MOVE, PUSH, SENSE = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[0.5], [1.0]]), np.array([[1.0, 0.0]])


def pushes_of(run: Array, gain: Array) -> list[float]:
    """Return minus `gain` times the expected state at each step of a run (steps, 2), by the filter of the textbooks."""
    state, spread = np.zeros((2, 1)), np.diag([1.0, 0.09])
    pushes = []
    for measured, sensed in run:
        if sensed:
            weight = spread @ SENSE.T @ np.linalg.inv(SENSE @ spread @ SENSE.T + 0.09)
            state, spread = state + weight * (measured - SENSE @ state), (np.eye(2) - weight @ SENSE) @ spread
        push = -gain @ state
        pushes.append(float(push[0, 0]))
        state, spread = MOVE @ state + PUSH @ push, MOVE @ spread @ MOVE.T + 0.0025 * PUSH @ PUSH.T
    return pushes


@pytest.mark.parametrize("steps", [6, 30, 60])
def test_pushes_have_variance_one(steps: int, load: Load) -> None:
    """Always answering 0 gives an error of 1, at any length."""
    errors = np.square(load("hidden-velocity", steps=steps).train.targets[:, :, 0], dtype=np.float64).mean(axis=1)

    assert errors.mean() == pytest.approx(1, abs=4 * errors.std() / math.sqrt(len(errors)))


def test_the_cart_is_sensed_at_every_third_step(load: Load) -> None:
    """Measurements are three steps apart, begin at any of the first three, and are 0 where there are none."""
    inputs = load("hidden-velocity").test.inputs
    sensed = inputs[:, :, 1]

    assert set(np.unique(sensed)) == {0, 1}
    assert (sensed[:, :3].sum(axis=1) == 1).all()
    assert (sensed[:, 3:] == sensed[:, :-3]).all()
    assert (inputs[:, :, 0][sensed == 0] == 0).all()
    assert sensed[:, 0].mean() == pytest.approx(1 / 3, abs=4 * math.sqrt(2 / 9 / 2_000))
