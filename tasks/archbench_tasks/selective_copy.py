"""Selective copying: repeat the symbols that were strewn among noise, in order.

Source: Gu and Dao, "Mamba", arXiv:2312.00752, sec. 4.1.1, after Jing et al., arXiv:1706.02761; the law is that of the
authors' code. M symbols, each uniform in 1 to 14, stand at places drawn without repetition from L + M steps; the
other L steps are noise, 0. Then come M markers, 15, and at the k-th of them the k-th symbol is asked for. Sixteen
tokens in all. The distance between symbols varies, so a fixed delay cannot do it: the network has to look at what it
reads.

Published, with L = 4096, M = 16 and 400,000 steps: S4 18.3 % of the symbols right, Mamba 99.8 %. `chance` is 1/14.

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

SYMBOLS = 14
NOISE = 0
MARKER = SYMBOLS + 1


@dataclass(frozen=True)
class SelectiveCopyOptions:
    """Settings of selective copying."""

    noise: Annotated[int, archbench.Meta(ge=0, description="steps of noise, L; 4096 in the paper")] = (
        32  # 48 steps in all, about as many as `adding`
    )
    symbols: Annotated[int, archbench.Meta(ge=1, description="symbols to copy, M; 16 in the paper")] = (
        8  # half of them, so that 64 units have room
    )


def info(options: SelectiveCopyOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens are noise, 14 symbols and marker; 14 classes at each step."""
    steps = options.noise + 2 * options.symbols
    return archbench.TaskInfo(
        kind="tokens", input_shape=(steps,), outputs=SYMBOLS, per_step=True, vocabulary=SYMBOLS + 2
    )


def load(options: SelectiveCopyOptions, seed: int) -> archbench.Splits:
    """Return inputs and targets (N, L + 2M), int64; class k is symbol k + 1."""
    return draw_splits(partial(generate, noise=options.noise, symbols=options.symbols), seed)


def generate(count: int, draw: np.random.Generator, *, noise: int, symbols: int) -> archbench.Examples:
    """Draw `count` sequences with so many symbols among so much noise."""
    import numpy as np

    read = noise + symbols
    copied = draw.integers(1, SYMBOLS, (count, symbols), endpoint=True)
    # The places of the M smallest of L + M uniform numbers: every set of M places is equally likely.
    places = np.sort(draw.random((count, read)).argsort(axis=1)[:, :symbols], axis=1)
    inputs = np.full((count, read + symbols), NOISE)
    np.put_along_axis(inputs, places, copied, axis=1)
    inputs[:, read:] = MARKER
    targets = np.full_like(inputs, archbench.IGNORED)
    targets[:, read:] = copied - 1
    return archbench.Examples(inputs, targets)


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare selective copying, at any length."""
    yield archbench.Task(
        name="selective-copy",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=1 / SYMBOLS,
        oracle=1.0,
        margin=0.02,  # one symbol in fifty, those of about six sequences
        by_default=False,  # `copy-memory` tells more pairs of networks apart, at the same cost
        effort=4.0,  # at 500 steps all recurrent nets are still learning
        options=SelectiveCopyOptions,
        summary="Repeat the symbols strewn among noise, in order",
        source="arXiv:2312.00752, sec. 4.1.1",
    )
