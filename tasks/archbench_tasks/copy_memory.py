"""The copy memory problem: repeat ten symbols after a long pause.

Source: Hochreiter and Schmidhuber 1997 posed a similar problem; the form is that of Arjovsky, Shah and Bengio, "Unitary
Evolution Recurrent Neural Networks", arXiv:1511.06464, sec. 5.1. A sequence has T + 20 steps:

    ten symbols, uniform in 1 to 8 | T - 1 blanks, 0 | the marker, 9 | ten blanks, 0

and the ten symbols are asked for, in order, at the last ten steps.

Deviations: the paper also asks for a blank at each of the first T + 10 steps and averages the cross-entropy over all;
without memory that gives 10 ln 8 / (T + 20). Blanks are trivial and flatter the score: always answering blank
is right at (T + 10)/(T + 20) of the steps. Here nothing is asked there, and the eight symbols are the only classes.
`chance` is the recall of a constant, 1/8; without memory the cross-entropy is ln 8.

With `test_pause` the test sequences have another pause than those of training and validation.

Splits: 20,000 training and 500 validation sequences, new for every seed; 2,000 test sequences, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import archbench
from archbench_tasks._generated import draw_splits, pad_splits

if TYPE_CHECKING:
    import numpy as np

SYMBOLS = 8
COPIED = 10
BLANK = 0
MARKER = SYMBOLS + 1


@dataclass(frozen=True)
class CopyMemoryOptions:
    """Settings of the copy memory problem."""

    pause: Annotated[int, archbench.Meta(ge=1, description="steps from a symbol to its copy, less ten; T")] = (
        5  # 25 steps in all, which gated nets learn in seconds on a CPU; the papers use 100 to 2000
    )
    test_pause: Annotated[int, archbench.Meta(ge=0, description="the pause of the test sequences; 0 for the same")] = (
        0  # as in the papers
    )


def info(options: CopyMemoryOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens are blank, eight symbols and marker; eight classes at each step."""
    asked = options.test_pause or options.pause
    return archbench.TaskInfo(
        kind="tokens",
        input_shape=(_steps(max(options.pause, asked)),),
        outputs=SYMBOLS,
        per_step=True,
        vocabulary=SYMBOLS + 2,
        variable_length=asked != options.pause,
    )


def _steps(pause: int) -> int:
    return pause + 2 * COPIED


def load(options: CopyMemoryOptions, seed: int) -> archbench.Splits:
    """Return inputs and targets (N, T + 20), int64; class k is symbol k + 1."""
    make = partial(generate, pause=options.pause)
    if options.test_pause in (0, options.pause):
        return draw_splits(make, seed)
    longest = _steps(max(options.pause, options.test_pause))
    return pad_splits(draw_splits(make, seed, test=partial(generate, pause=options.test_pause)), longest)


def generate(count: int, draw: np.random.Generator, *, pause: int) -> archbench.Examples:
    """Draw `count` sequences with this pause."""
    import numpy as np

    symbols = draw.integers(1, SYMBOLS, (count, COPIED), endpoint=True)
    inputs = np.full((count, _steps(pause)), BLANK)
    inputs[:, :COPIED] = symbols
    inputs[:, COPIED + pause - 1] = MARKER
    targets = np.full_like(inputs, archbench.IGNORED)
    targets[:, -COPIED:] = symbols - 1
    return archbench.Examples(inputs, targets)


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the copy memory problem, with any pause."""
    yield archbench.Task(
        name="copy-memory",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=1 / SYMBOLS,
        oracle=1.0,
        margin=0.05,  # one symbol in twenty, those of two sequences
        effort=4.0,  # at 500 steps an LSTM has hardly begun
        options=CopyMemoryOptions,
        summary="Repeat ten symbols after a long pause; scored on the ten",
        source="arXiv:1511.06464, sec. 5.1",
    )
