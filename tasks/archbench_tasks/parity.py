"""Parity: is the number of ones odd? Learned on short strings of bits, asked on longer ones.

Source: the oldest of the toy problems (Minsky and Papert, "Perceptrons", 1969); as a test of state tracking at
lengths not seen in training as in Beck et al., "xLSTM", arXiv:2405.04517, sec. 4.1, and Merrill et al.,
arXiv:2404.08819. One bit of state is enough, but it must flip at every 1: a linear recurrence with positive real
decay cannot, nor can a Transformer of fixed depth at every length.

Bits are uniform. The parity is asked for at the last bit, or with `ask=every` at every bit; padding tokens follow.
Training and validation strings have lengths uniform in 1 to N, test strings in N + 1 to M; with M = N the test
strings are like the others. `chance` is 1/2.

Splits: 20,000 training and 500 validation strings, new for every seed; 2,000 test strings, always the same. Short
strings occur in training and in validation, because there are few of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import archbench
from archbench_tasks._generated import draw_splits

if TYPE_CHECKING:
    import numpy as np

PADDING = 2


@dataclass(frozen=True)
class ParityOptions:
    """Settings of parity."""

    length: Annotated[int, archbench.Meta(ge=1, description="longest training string, N")] = 10  # solved in 2000 steps
    test_length: Annotated[int, archbench.Meta(ge=1, description="longest test string, M; N for no longer ones")] = (
        20  # twice as long: short enough to train padded to it
    )
    ask: Annotated[Literal["last", "every"], archbench.Meta(description="at which bits the parity is asked for")] = (
        "last"  # one bit of supervision for a string
    )

    def __post_init__(self) -> None:
        if self.test_length < self.length:
            raise ValueError(
                f"test_length is {self.test_length}, length is {self.length}; test strings are at least as long: "
                f"set test_length={self.length} or more"
            )


def info(options: ParityOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens are 0, 1 and padding; the classes are even and odd."""
    return archbench.TaskInfo(
        kind="tokens", input_shape=(options.test_length,), outputs=2, per_step=True, vocabulary=PADDING + 1
    )


def load(options: ParityOptions, seed: int) -> archbench.Splits:
    """Return inputs and targets (N, M), int64."""
    shortest = options.length + 1 if options.test_length > options.length else 1
    make = partial(generate, steps=options.test_length, every=options.ask == "every")
    return draw_splits(
        partial(make, lengths=(1, options.length)), seed, test=partial(make, lengths=(shortest, options.test_length))
    )


def generate(
    count: int, draw: np.random.Generator, *, lengths: tuple[int, int], steps: int, every: bool
) -> archbench.Examples:
    """Draw `count` strings with lengths from the first to the second of `lengths`, padded to `steps`."""
    import numpy as np

    last = draw.integers(*lengths, count, endpoint=True)[:, None] - 1
    inputs = draw.integers(0, 2, (count, steps))
    parity = inputs.cumsum(axis=1) % 2
    step = np.arange(steps)
    asked = step <= last if every else step == last
    inputs[step > last] = PADDING
    return archbench.Examples(inputs, np.where(asked, parity, archbench.IGNORED))


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare parity, with longer strings in the test."""
    yield archbench.Task(
        name="parity",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=0.5,
        oracle=1.0,
        margin=0.01,  # one answer in a hundred
        effort=4.0,  # nothing points the way to the parity: networks that find it do so suddenly, and some late
        expected_failures={"T201": "there are few short strings of bits; the test strings are all longer than these"},
        options=ParityOptions,
        summary="Is the number of ones odd? Tested on longer strings than trained on",
        source="Minsky & Papert 1969; arXiv:2405.04517, sec. 4.1",
    )
