"""The multiplication problem: remember two numbers of a long sequence and return their product.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, sec. 5.5: a check that
the cell does more than integrate. It differs from `adding-1997` in that values are uniform in [0, 1) and the target is
X1 * X2; `_marked_pairs` has the law of the markers and two deviations.

Always answering the mean, 1/4, gives the variance of a product of two uniforms, 1/9 - 1/16 = 7/144; `chance` is that
number, `oracle` is 0. Published: LSTM at T = 100 ends at 0.0223 after 482,000 sequences, and at 0.0139 after
1,273,000.

Splits: 20,000 training and 500 validation sequences, new for every seed; 2,000 test sequences, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import archbench
from archbench_tasks._generated import draw_splits
from archbench_tasks._marked_pairs import SHORTEST, marked_pairs, steps

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class MultiplicationOptions:
    """Settings of the multiplication problem."""

    length: Annotated[int, archbench.Meta(ge=SHORTEST, description="shortest sequence, T")] = (
        30  # as in `adding-1997`; 100 in the paper
    )


def info(options: MultiplicationOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: sequences of (value, marker), one number to predict."""
    return archbench.TaskInfo(kind="sequence", input_shape=(steps(options.length), 2), outputs=1)


def load(options: MultiplicationOptions, seed: int) -> archbench.Splits:
    """Return inputs (N, T + T/10, 2) and targets (N, 1), float32."""
    return draw_splits(partial(generate, length=options.length), seed)


def generate(count: int, draw: np.random.Generator, *, length: int) -> archbench.Examples:
    """Draw `count` sequences of `length` to 1.1 `length` steps, padded in front."""
    inputs, marked = marked_pairs(count, length, draw, low=0.0)
    return archbench.Examples(inputs, marked.prod(axis=1, keepdims=True))


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the multiplication problem at any length."""
    yield archbench.Task(
        name="multiplication",
        info=info,
        load=load,
        loss="mean_squared_error",
        metric="mean_squared_error",
        chance=7 / 144,
        oracle=0.0,
        margin=0.04**2,  # an error of 0.04, below which the paper counts an answer as right
        factor=1.25,  # networks that multiply differ by orders of magnitude from those that do not
        by_default=False,
        options=MultiplicationOptions,
        summary="Product of two marked numbers in a long sequence",
        source="Hochreiter & Schmidhuber 1997, sec. 5.5",
    )
