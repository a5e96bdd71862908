"""The adding problem: remember two numbers of a long sequence and return their sum.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, sec. 5.4, in the modern form of Le et al.,
arXiv:1504.00941, sec. 4.1, and Arjovsky et al., arXiv:1511.06464, sec. 4.2.

Each step is a pair (value, marker): the value uniform in [0, 1), the marker 1 at two steps and 0 elsewhere. The first
marker lies in the first half of the sequence and the second in the second half, both uniform (Arjovsky's law).
The target is the sum of the two marked values.

Always answering 1 gives the variance of a sum of two uniforms, 1/6 (the 0.1767 printed by some papers is a slip).
`chance` is that number, `oracle` is 0.

Splits: 20,000 training and 1,000 validation sequences, new for every seed; 2,000 test sequences, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import archbench

if TYPE_CHECKING:
    import numpy as np

TRAINING_SEQUENCES = 20_000
VALIDATION_SEQUENCES = 1_000
TEST_SEQUENCES = 2_000
TEST_SEED = 2**32  # outside the range of the derived seeds, so that no training stream repeats the test stream


@dataclass(frozen=True)
class AddingOptions:
    """Settings of the adding problem."""

    length: Annotated[int, archbench.Meta(ge=2, description="steps, T")] = 50  # a tanh net fails, in seconds on a CPU


def info(options: AddingOptions) -> archbench.TaskInfo:
    """Sequences of (value, marker), one number out."""
    return archbench.TaskInfo(kind="sequence", input_shape=(options.length, 2), outputs=1)


def load(options: AddingOptions, seed: int) -> archbench.Splits:
    """Inputs (N, T, 2), targets (N, 1), float32."""
    import numpy as np

    draw = np.random.default_rng(seed)
    return archbench.Splits(
        train=generate(TRAINING_SEQUENCES, options.length, draw),
        validation=generate(VALIDATION_SEQUENCES, options.length, draw),
        test=generate(TEST_SEQUENCES, options.length, np.random.default_rng(TEST_SEED)),
    )


def generate(count: int, length: int, draw: np.random.Generator) -> archbench.Examples:
    """`count` sequences of `length` steps."""
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


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """The adding problem at any length."""
    yield archbench.Task(
        name="adding",
        info=info,
        load=load,
        loss="mean_squared_error",
        metric="mean_squared_error",
        chance=1 / 6,
        oracle=0.0,
        options=AddingOptions,
        summary="Sum of two marked numbers in a long sequence",
        source="Hochreiter & Schmidhuber 1997, sec. 5.4; arXiv:1511.06464, sec. 4.2",
    )
