"""Long time lags: the last symbol of a sequence is its first one.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, sec. 5.2. A sequence is
about x or about y, with probability 1/2 each, and says so once. At the end it is asked which:

| form | a sequence; `?` is where the answer is asked for | steps |
|---|---|---|
| `2a` | x a1 a2 ... a(p-1) ? or y a1 a2 ... a(p-1) ?: the filler never changes, so only two sequences exist | p |
| `2b` | as 2a, with each filler symbol uniform in a1 to a(p-1), so that no neighbour helps | p |
| `2c` | b x (q + k symbols) e ? or b y (q + k symbols) e ?: each symbol uniform in a1 to ap, k random | q + k + 3 |

In 2c the probability of k is (9/10)^k / 10, so that counting does not find the end; p is `symbols`, q is `lag`, and
padding tokens follow the e. In 2a and 2b p is `lag`.

Deviations: in 2a and 2b the paper has the net predict the filler too; here, as in its 2c, only the end is asked for,
and x and y are the only classes. Sequences with k > 44 (one in a hundred) are drawn again, so that there is a longest
one.

Published: LSTM solves 2a and 2b with p = 100 in all trials, after 5,040 and 5,680 sequences, where back-propagation
through time fails; 2c after 30,000 (q = p = 50) to 49,000 (q = p = 1000). `chance` is 1/2.

Splits: 20,000 training and 500 validation sequences, new for every seed; 2,000 test sequences, always the same. In
2a each of them is one of two.
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

Form = Literal["2a", "2b", "2c"]

STOP = 0.1
MOST_EXTRA = 44  # 0.9 ** 45 is below one in a hundred


@dataclass(frozen=True)
class LongLagOptions:
    """Settings of the long time lag problems."""

    form: Annotated[Form, archbench.Meta(description="which of the three")] = (
        "2b"  # in 2a there is nothing to learn but two sequences, in 2c a third of the steps is padding
    )
    lag: Annotated[int, archbench.Meta(ge=2, description="p in 2a and 2b, q in 2c; 100 in the paper")] = (
        30  # an LSTM solves 2b in the 2000 steps of the quick protocol, and did not at 50
    )
    symbols: Annotated[int, archbench.Meta(ge=0, description="p in 2c; 0: as many as the lag")] = 0  # as in Table 3


def info(options: LongLagOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens are the filler, x and y, in 2c also e, b and padding; the classes are x and y."""
    filler, steps = _sizes(options)
    return archbench.TaskInfo(
        kind="tokens",
        input_shape=(steps,),
        outputs=2,
        per_step=True,
        vocabulary=filler + (5 if options.form == "2c" else 2),
    )


def _sizes(options: LongLagOptions) -> tuple[int, int]:
    """Return the number of filler symbols and the number of steps."""
    if options.form == "2c":
        return options.symbols or options.lag, options.lag + MOST_EXTRA + 3
    return options.lag - 1, options.lag


def load(options: LongLagOptions, seed: int) -> archbench.Splits:
    """Return inputs and targets (N, steps), int64; x is class 0."""
    filler, _ = _sizes(options)
    if options.form == "2c":
        return draw_splits(partial(generate_2c, lag=options.lag, filler=filler), seed)
    return draw_splits(partial(generate_2ab, lag=options.lag, noisy=options.form == "2b"), seed)


def generate_2ab(count: int, draw: np.random.Generator, *, lag: int, noisy: bool) -> archbench.Examples:
    """Draw `count` sequences of `lag` steps: x or y, then the filler, random if `noisy`."""
    import numpy as np

    filler = lag - 1
    about = draw.integers(0, 2, count)
    inputs = np.empty((count, lag), np.int64)
    inputs[:, 0] = filler + about
    inputs[:, 1:] = draw.integers(0, filler, (count, filler)) if noisy else np.arange(filler)
    targets = np.full_like(inputs, archbench.IGNORED)
    targets[:, -1] = about
    return archbench.Examples(inputs, targets)


def generate_2c(count: int, draw: np.random.Generator, *, lag: int, filler: int) -> archbench.Examples:
    """Draw `count` sequences: b, x or y, the filler, e, padding."""
    import numpy as np

    x, e, b, padding = filler, filler + 2, filler + 3, filler + 4
    rows = np.arange(count)
    about = draw.integers(0, 2, count)
    last = 2 + lag + _extra(count, draw)
    steps = lag + MOST_EXTRA + 3
    inputs = draw.integers(0, filler, (count, steps))
    inputs[:, 0] = b
    inputs[:, 1] = x + about
    inputs[rows, last] = e
    inputs[np.arange(steps) > last[:, None]] = padding
    targets = np.full_like(inputs, archbench.IGNORED)
    targets[rows, last] = about
    return archbench.Examples(inputs, targets)


def _extra(count: int, draw: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Draw k for each sequence (count,)."""
    k = draw.geometric(STOP, count) - 1
    while (long := k > MOST_EXTRA).any():
        k[long] = draw.geometric(STOP, int(long.sum())) - 1
    return k


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the three long time lag problems, as variants of one task."""
    yield archbench.Task(
        name="long-lag",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=0.5,
        oracle=1.0,
        margin=0.01,  # one sequence in a hundred
        by_default=False,
        options=LongLagOptions,
        variants={
            "long-lag-2a": {"form": "2a"},
            "long-lag-2b": {"form": "2b"},
            "long-lag-2c": {"form": "2c"},
        },
        summary="Which of two symbols began the sequence?",
        source="Hochreiter & Schmidhuber 1997, sec. 5.2",
    )
