"""Sequences from images, and generated images."""

from __future__ import annotations

import hashlib
import math
import random

import numpy as np
import pytest

from archbench_tasks import digits, shapes
from support import Load


def test_permutation_never_changes() -> None:
    """The order of the pixels is a permutation, and has the known hash."""
    order = digits.permutation().tolist()

    assert sorted(order) == list(range(64))
    assert order[:4] == [45, 29, 43, 61]
    assert hashlib.sha256(bytes(order)).hexdigest()[:16] == "118c5acb92202ddd"


def test_permuted_digits_are_the_sequential_ones_reordered(load: Load) -> None:
    """With one seed both tasks have the same images, labels and splits; step t shows pixel order[t] of every image."""
    plain, permuted = load("sequential-digits", seed=3), load("permuted-digits", seed=3)
    for name in ("train", "validation", "test"):
        a, b = getattr(plain, name), getattr(permuted, name)
        assert (a.targets == b.targets).all()
        for step, pixel in enumerate(digits.permutation().tolist()):
            assert (b.inputs[:, step] == a.inputs[:, pixel]).all()


def inside(outline: str, u: float, v: float) -> bool:
    """Return whether a point lies in the outline, from its geometry."""
    if outline == "disc":
        return u * u + v * v < 1
    if outline == "square":
        return -0.8 < u < 0.8 and -0.8 < v < 0.8
    if outline == "triangle":
        corners = [(math.cos(a), math.sin(a)) for a in (math.pi / 2, math.pi * 7 / 6, math.pi * 11 / 6)]
        sides = zip(corners, corners[1:] + corners[:1], strict=True)
        return all((bx - ax) * (v - ay) - (by - ay) * (u - ax) > 0 for (ax, ay), (bx, by) in sides)
    if outline == "cross":
        return (abs(u) < 0.3 and abs(v) < 0.95) or (abs(v) < 0.3 and abs(u) < 0.95)
    return 0.4 < math.hypot(u, v) < 1


@pytest.mark.parametrize("outline", shapes.OUTLINES)
def test_outlines(outline: str) -> None:
    """The signed distance is positive exactly inside the figure."""
    draw = random.Random(0)
    points = [(draw.uniform(-1.2, 1.2), draw.uniform(-1.2, 1.2)) for _ in range(2_000)]
    u, v = np.array(points).T[:, None, None, :]
    which = np.array([shapes.OUTLINES.index(outline)])
    found = (shapes._outline(which, u, v) > 0).ravel().tolist()

    assert found == [inside(outline, *point) for point in points]


@pytest.mark.parametrize("size", [8, 16, 33])
def test_shapes_at_any_size(size: int, load: Load) -> None:
    """Any size gives balanced classes and finite pixels of about the same spread."""
    splits = load("shapes", size=size)

    assert splits.train.inputs.shape == (6_000, 3, size, size)
    assert np.bincount(splits.train.targets).tolist() == [600] * 10
    assert np.bincount(splits.test.targets).tolist() == [100] * 10
    assert np.isfinite(np.asarray(splits.train.inputs)).all()
    assert abs(splits.train.inputs.mean()) < 0.05
    assert 0.3 < splits.train.inputs.std() < 0.6


def test_colour_does_not_tell_the_class(load: Load) -> None:
    """The mean colour of an image, and the mean image of a class, are the same for every class."""
    train = load("shapes").train
    colours = train.inputs.mean(axis=(2, 3))
    overall = colours.mean(axis=0)
    for label in range(shapes.CLASSES):
        some = colours[train.targets == label]
        assert (abs(some.mean(axis=0) - overall) < 5 * some.std(axis=0) / math.sqrt(len(some))).all()


def test_small_size_is_the_same_scene(load: Load) -> None:
    """The size changes the sampling only: 8 pixels show the averages of 32 pixels, but for noise and soft edges."""
    small, large = (shapes.generate(50, np.random.default_rng(0), size=size) for size in (8, 32))
    averaged = large.inputs.reshape(50, 3, 8, 4, 8, 4).mean(axis=(3, 5))
    similarity = np.corrcoef(averaged.ravel(), small.inputs.ravel())[0, 1]

    assert (small.targets == large.targets).all()
    assert similarity > 0.9


def test_noisy_digits_are_test_digits_moved_by_a_pixel(load: Load) -> None:
    """Each of 60 images is nearest to a moved test digit of its own label, at the distance that the noise has."""
    clean, noisy = load("digits").test, load("noisy-digits").test
    moved, labels = [], []
    for digit, label in zip(clean.inputs[:, 0], clean.targets, strict=True):
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                picture = np.full((8, 8), -4.88 / 6.02)
                for row in range(8):
                    for column in range(8):
                        if 0 <= row + down < 8 and 0 <= column + right < 8:
                            picture[row + down, column + right] = digit[row, column]
                moved.append(picture)
                labels.append(label)
    distance = ((noisy.inputs[:60] - np.array(moved)) ** 2).mean(axis=(2, 3))  # (60, pictures)

    assert (np.array(labels)[distance.argmin(axis=1)] == noisy.targets[:60]).mean() > 0.9
    assert distance.min(axis=1).mean() == pytest.approx(0.8**2, rel=0.06)  # the nearest of many is a little nearer
    assert (np.bincount(noisy.targets) == 200).all()
