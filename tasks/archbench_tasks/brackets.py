"""Nested brackets: a language of known entropy that a memory of the last few symbols does not predict.

Source: the bounded Dyck language of Hewitt, Hahn, Ganguli, Liang and Manning, "RNNs can generate bounded hierarchical
languages with optimal memory", EMNLP 2020, arXiv:2010.07515, sec. 2 and 4, with k = 4 kinds of brackets and at most
m = 8 open at a time:

    (<[]{()[({})]}...

At each step the next symbol is to be predicted. With no bracket open one opens, with eight open one closes, else a
coin decides. The kind of an opening bracket is uniform; a closing bracket has the kind of the bracket that it closes.
So a network has to remember the stack of open brackets: the distance between a closing bracket and its partner is as
long as what they enclose, and has no bound. A network that knows everything but the stack guesses one kind in four.

The metric is bits per character. The depth d is a random walk between two walls, at equilibrium pi(0) = pi(m) =
1/(2m) and pi(d) = 1/m in between, so that

    oracle = log2(k) / 2 + (m - 1) / m = 1.875 bits    the entropy rate: the coin, and the kind where one opens
    chance = log2(2k) = 3 bits                         all symbols are equally frequent

are exact. (Kit check T302 expects a perfect predictor to be certain; here nobody can be.)

Each text begins with the brackets that are open, drawn at equilibrium, and a filling symbol in front where those are
fewer than eight; nothing is asked there. Then come T = `length` symbols, each of which is asked for.

Splits: 20,000 training and 500 validation texts, new for every seed; 2,000 test texts, always the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._generated import draw_splits

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.int64]]

KINDS = 4  # k; the symbols are the openings 0 to 3 and the closings 4 to 7
DEEPEST = 8  # m
FILLING = 2 * KINDS
SYMBOLS = "([{<)]}>"


@dataclass(frozen=True)
class BracketsOptions:
    """Settings of the texts."""

    length: Annotated[int, archbench.Meta(ge=1, description="symbols that are asked for, T")] = (
        93  # 100 steps in all; most closings are next to their partner, one in twelve is more than 20 off
    )


def info(options: BracketsOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens are eight brackets and the filling; eight classes at each step."""
    steps = DEEPEST + options.length - 1
    return archbench.TaskInfo(
        kind="tokens", input_shape=(steps,), outputs=2 * KINDS, per_step=True, vocabulary=2 * KINDS + 1
    )


def load(options: BracketsOptions, seed: int) -> archbench.Splits:
    """Return inputs and targets (N, T + 7), int64; the class is the next symbol."""
    return draw_splits(partial(generate, length=options.length), seed)


def generate(count: int, draw: np.random.Generator, *, length: int) -> archbench.Examples:
    """Draw `count` texts; return them without their last symbol, and as targets the next symbol at each step."""
    import numpy as np

    depth = draw.integers(0, 2 * DEEPEST, count, endpoint=False)
    depth = (depth + 1) // 2  # at equilibrium: 1 to 7 are twice as frequent as 0 and 8
    stack = draw.integers(0, KINDS, (count, DEEPEST))
    text = np.full((count, DEEPEST + length), FILLING)
    places = np.arange(DEEPEST) - (DEEPEST - depth[:, None])  # in the stack, which ends where the text begins
    text[:, :DEEPEST] = np.where(places >= 0, np.take_along_axis(stack, places.clip(0), axis=1), FILLING)
    text[:, DEEPEST:] = _walk(depth, stack, draw, length)
    targets = text[:, 1:].copy()
    targets[:, : DEEPEST - 1] = archbench.IGNORED
    return archbench.Examples(text[:, :-1].copy(), targets)


def _walk(depth: Array, stack: Array, draw: np.random.Generator, length: int) -> Array:
    """Draw symbols (N, length), starting with `depth` (N,) open brackets on `stack` (N, m); overwrites the stack."""
    import numpy as np

    rows = np.arange(len(depth))
    symbols = np.empty((len(depth), length), np.int64)
    for step in range(length):
        opens = np.where((depth > 0) & (depth < DEEPEST), draw.integers(0, 2, len(depth)) == 1, depth == 0)
        kind = np.where(opens, draw.integers(0, KINDS, len(depth)), stack[rows, depth - 1])
        stack[rows[opens], depth[opens]] = kind[opens]
        symbols[:, step] = np.where(opens, kind, kind + KINDS)
        depth = depth + np.where(opens, 1, -1)
    return symbols


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare nested brackets, of any length."""
    yield archbench.Task(
        name="brackets",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="bits_per_character",
        chance=math.log2(2 * KINDS),
        oracle=math.log2(KINDS) / 2 + (DEEPEST - 1) / DEEPEST,
        margin=0.02,  # one closing bracket in fifty, at two bits, where half of the symbols close
        by_default=False,
        expected_failures={"T302": "nobody can be sure of the next bracket; the oracle is the entropy rate"},
        options=BracketsOptions,
        summary="Predict the next of nested brackets, which takes a memory of those that are open",
        source="arXiv:2010.07515, sec. 2",
    )
