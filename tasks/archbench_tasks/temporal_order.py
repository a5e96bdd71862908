"""Temporal order: the order of the two or three symbols of a long sequence that matter.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, sec. 5.6, with the places
scaled to any length as in Pascanu et al., arXiv:1211.5063. A sequence begins with E and ends with B, the sign to
answer. Between them the symbols are uniform in a, b, c, d, except for two or three that are X or Y with probability 1/2
each:

| task | places of X or Y, in per cent of T | classes |
|---|---|---|
| `temporal-order` (experiment 6a) | 10 to 20, 50 to 60 | XX, XY, YX, YY |
| `temporal-order-6b` | 10 to 20, 33 to 43, 66 to 76 | XXX, XXY, ... YYY |

The length is uniform in T to T + T/10; T = 100 in the paper. The class is asked for at the B, nothing before it.
After B come padding tokens. `chance` is 1/4 and 1/8; because it differs, these are two tasks.

Published: LSTM solves 6a after 31,390 and 6b after 571,100 sequences.

Splits: 20,000 training and 500 validation sequences, new for every seed; 2,000 test sequences, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import archbench
from archbench_tasks._generated import draw_splits

if TYPE_CHECKING:
    import numpy as np

Windows = tuple[tuple[int, int], ...]

ALPHABET = "abcdXYEB"
PADDING = len(ALPHABET)
WINDOWS_6A: Windows = ((10, 20), (50, 60))
WINDOWS_6B: Windows = ((10, 20), (33, 43), (66, 76))


@dataclass(frozen=True)
class TemporalOrderOptions:
    """Settings of temporal order."""

    length: Annotated[int, archbench.Meta(ge=10, description="shortest sequence, T; 100 in the paper")] = (
        30  # a tanh net fails, in seconds on a CPU
    )


def info(options: TemporalOrderOptions, *, windows: Windows) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens are eight symbols and padding; there is a class for each order."""
    return archbench.TaskInfo(
        kind="tokens",
        input_shape=(options.length + options.length // 10,),
        outputs=2 ** len(windows),
        per_step=True,
        vocabulary=len(ALPHABET) + 1,
    )


def load(options: TemporalOrderOptions, seed: int, *, windows: Windows) -> archbench.Splits:
    """Return inputs and targets (N, T + T/10), int64; the class is the order as a binary number, X = 0, Y = 1."""
    return draw_splits(partial(generate, length=options.length, windows=windows), seed)


def generate(count: int, draw: np.random.Generator, *, length: int, windows: Windows) -> archbench.Examples:
    """Draw `count` sequences of `length` to 1.1 `length` symbols, padded at the end."""
    import numpy as np

    steps = length + length // 10
    rows = np.arange(count)
    last = draw.integers(length, steps, count, endpoint=True) - 1
    inputs = draw.integers(0, ALPHABET.index("X"), (count, steps))
    order = np.zeros(count, np.int64)
    for low, high in windows:
        place = draw.integers(length * low // 100, length * high // 100, count, endpoint=True)
        sign = draw.integers(0, 2, count)
        inputs[rows, place] = ALPHABET.index("X") + sign
        order = 2 * order + sign
    inputs[:, 0] = ALPHABET.index("E")
    inputs[rows, last] = ALPHABET.index("B")
    inputs[np.arange(steps) > last[:, None]] = PADDING
    targets = np.full_like(inputs, archbench.IGNORED)
    targets[rows, last] = order
    return archbench.Examples(inputs, targets)


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the tasks with two and with three symbols."""
    for name, windows, number in (("temporal-order", WINDOWS_6A, "two"), ("temporal-order-6b", WINDOWS_6B, "three")):
        yield archbench.Task(
            name=name,
            info=partial(info, windows=windows),
            load=partial(load, windows=windows),
            loss="cross_entropy",
            metric="accuracy",
            chance=0.5 ** len(windows),
            oracle=1.0,
            margin=0.01,  # one sequence in a hundred
            by_default=False,  # nine of ten networks solve it: it tells the tanh net from the others, and no more
            effort=2.0,  # an LSTM may need 500 steps before it sees that two symbols matter
            options=TemporalOrderOptions,
            summary=f"The order of {number} symbols in a long sequence of others",
            source="Hochreiter & Schmidhuber 1997, sec. 5.6",
        )
