"""The adding problem: remember two numbers of a long sequence and return their sum.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, sec. 5.4.

`adding` is the modern form of Le et al., arXiv:1504.00941, sec. 4.1, and Arjovsky et al., arXiv:1511.06464, sec. 4.2.
Each step is a pair (value, marker): the value uniform in [0, 1), the marker 1 at two steps and 0 elsewhere. The first
marker lies in the first half of the sequence and the second in the second half, both uniform (Arjovsky's law).
The target is the sum of the two marked values.

Always answering 1 gives the variance of a sum of two uniforms, 1/6 (the 0.1767 printed by some papers is a slip).
`chance` is that number, `oracle` is 0.

With `test_length` the test sequences have another length than those of training and validation, which shows whether a
network has learned to add or to count. The law of the pairs does not change, nor does `chance`.

`adding-1997` is the form of the paper: values uniform in [-1, 1), lengths from T to T + T/10, both markers in the
first half, -1 at both ends; the target is 0.5 + (X1 + X2)/4. Always answering 0.5 gives (1/3 + 1/3)/16 = 1/24. It is
a task of its own because its chance score differs. `_marked_pairs` has the law of the markers and two deviations.

Splits: 20,000 training and 500 validation sequences, new for every seed; 2,000 test sequences, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import archbench
from archbench_tasks._generated import draw_splits, pad_splits
from archbench_tasks._marked_pairs import SHORTEST, marked_pairs, steps

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class AddingOptions:
    """Settings of the adding problem."""

    length: Annotated[int, archbench.Meta(ge=2, description="steps, T")] = 50  # a tanh net fails, in seconds on a CPU
    test_length: Annotated[int, archbench.Meta(ge=0, description="steps of the test sequences; 0 for as many")] = (
        0  # as in the papers
    )

    def __post_init__(self) -> None:
        if self.test_length == 1:
            raise ValueError("test_length is 1; two numbers are marked: use 2 or more, or 0 for as many as in training")


@dataclass(frozen=True)
class Adding1997Options:
    """Settings of the adding problem in its first form."""

    length: Annotated[int, archbench.Meta(ge=SHORTEST, description="shortest sequence, T")] = (
        30  # the last mark lies at least T/2 back, so this asks as much as `adding` at 50; 100 to 1000 in the paper
    )


def info(options: AddingOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: sequences of (value, marker), one number to predict."""
    asked = options.test_length or options.length
    longest = max(options.length, asked)
    return archbench.TaskInfo(
        kind="sequence", input_shape=(longest, 2), outputs=1, variable_length=asked != options.length
    )


def info_1997(options: Adding1997Options) -> archbench.TaskInfo:
    """Return the `TaskInfo`: sequences of (value, marker) of the longest length, one number to predict."""
    return archbench.TaskInfo(kind="sequence", input_shape=(steps(options.length), 2), outputs=1)


def load(options: AddingOptions, seed: int) -> archbench.Splits:
    """Return inputs (N, T, 2) and targets (N, 1), float32."""
    make = partial(generate, length=options.length)
    if options.test_length in (0, options.length):
        return draw_splits(make, seed)
    longest = max(options.length, options.test_length)
    return pad_splits(draw_splits(make, seed, test=partial(generate, length=options.test_length)), longest)


def load_1997(options: Adding1997Options, seed: int) -> archbench.Splits:
    """Return inputs (N, T + T/10, 2) and targets (N, 1), float32."""
    return draw_splits(partial(generate_1997, length=options.length), seed)


def generate(count: int, draw: np.random.Generator, *, length: int) -> archbench.Examples:
    """Draw `count` sequences of `length` steps."""
    import numpy as np

    values = draw.random((count, length), dtype=np.float32)
    half = length // 2
    rows = np.arange(count)
    first = draw.integers(0, half, count)
    second = draw.integers(half, length, count)
    inputs = np.zeros((count, length, 2), np.float32)
    inputs[:, :, 0] = values
    inputs[rows, first, 1] = 1
    inputs[rows, second, 1] = 1
    sums = values[rows, first] + values[rows, second]
    return archbench.Examples(inputs, sums[:, None])


def generate_1997(count: int, draw: np.random.Generator, *, length: int) -> archbench.Examples:
    """Draw `count` sequences of `length` to 1.1 `length` steps, padded in front."""
    inputs, marked = marked_pairs(count, length, draw, low=-1.0)
    return archbench.Examples(inputs, 0.5 + marked.sum(axis=1, keepdims=True) / 4)


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the adding problem in two forms, at any length."""
    yield archbench.Task(
        name="adding",
        info=info,
        load=load,
        loss="mean_squared_error",
        metric="mean_squared_error",
        chance=1 / 6,
        oracle=0.0,
        options=AddingOptions,
        target=0.01,  # what is usually taken as solved
        margin=0.01,  # the target: two errors below it are both those of networks that add
        factor=1.25,  # errors lie between chance and a ten-thousandth of it
        by_default=False,  # eight of ten networks solve it: it tells few pairs apart
        effort=2.5,  # the LSTM of 1997 stands still for its first 1,000 steps or so
        summary="Sum of two marked numbers in a long sequence",
        source="Hochreiter & Schmidhuber 1997, sec. 5.4; arXiv:1511.06464, sec. 4.2",
    )
    yield archbench.Task(
        name="adding-1997",
        info=info_1997,
        load=load_1997,
        loss="mean_squared_error",
        metric="mean_squared_error",
        chance=1 / 24,
        oracle=0.0,
        by_default=False,
        target=0.04**2,  # the paper counts an error below 0.04 as right
        margin=0.04**2,  # the target: two errors below it are both those of networks that add
        factor=1.25,  # as for `adding`
        effort=3.0,
        options=Adding1997Options,
        summary="The adding problem as first published: both marks in the first half, length not known ahead",
        source="Hochreiter & Schmidhuber 1997, sec. 5.4",
    )
