"""One training example of a task, cut to a size that a record can hold and a page can draw."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from archbench._declarations import IGNORED, Task, TaskInfo
from archbench._downloads import LocalFolder
from archbench._records import MOST_CHANNELS, MOST_FEATURES, MOST_PIXELS, MOST_STEPS, Example
from archbench._training._splits import Split

DIGITS = 3
"""Significant digits of real values."""


def make_example(split: Split, task: Task, info: TaskInfo) -> Example | None:
    """Return the first example of a split.

    Returns:
        None if it may be a file of the user, which no record holds, or is not finite, which no record can hold.
    """
    if any(isinstance(file, LocalFolder) for file in task.files):
        return None
    (inputs, *lengths), target = split.arguments(slice(1)), split.targets[0]
    steps = int(lengths[0][0]) if lengths else info.input_shape[0]
    values = _shrink(inputs[0]) if info.kind == "image" else inputs[0][: min(steps, MOST_STEPS)]
    if info.kind == "sequence":
        values = values[:, :MOST_FEATURES]
    if not torch.isfinite(values).all():
        return None
    return Example(
        kind=info.kind,
        whole=list(info.input_shape if info.kind == "image" else (steps, *info.input_shape[1:])),
        shape=list(values.shape),
        values=_grey_levels(values) if info.kind == "image" else _rounded(values),
        target=_describe(target[: len(values)] if info.per_step else target),
    )


def _shrink(image: Tensor) -> Tensor:
    """Return (C, H, W) with at most 3 channels and 32 pixels a side, each the mean of the pixels that it stands for."""
    height, width = image.shape[1:]
    factor = -(-max(height, width) // MOST_PIXELS)
    size = (-(-height // factor), -(-width // factor))
    return functional.adaptive_avg_pool2d(image[:MOST_CHANNELS], size)


def _grey_levels(image: Tensor) -> list[int | float]:
    """Return the pixels from 0 for the lowest value to 255 for the highest: inputs are scaled in a way of each task."""
    low, high = float(image.min()), float(image.max())
    return [round((value - low) / (high - low or 1.0) * 255) for value in image.flatten().tolist()]


def _rounded(values: Tensor) -> list[int | float]:
    numbers: list[int | float] = values.flatten().tolist()
    return [float(f"{number:.{DIGITS}g}") for number in numbers] if values.is_floating_point() else numbers


def _describe(target: Tensor) -> str:
    """Return labels or numbers as words, with `-` where nothing is asked."""
    words = [f"{value:.{DIGITS}g}" if target.is_floating_point() else str(value) for value in target.flatten().tolist()]
    return " ".join("-" if word == str(IGNORED) else word for word in words[:MOST_STEPS])
