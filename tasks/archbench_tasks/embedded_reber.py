"""The embedded Reber grammar: read a string, and predict the symbol that only its beginning determines.

Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, sec. 5.1, after Fahlman,
"The recurrent cascade-correlation architecture", NIPS 3, 1991; the stream is that of Gers, Schmidhuber and Cummins,
"Learning to forget", Neural Computation 12(10), 2000, sec. 4. Reber's grammar (1967), each choice with probability
1/2:

    start: B -> 0     0: T -> 1, P -> 2     1: S -> 1, X -> 3     2: T -> 2, V -> 4
                      3: X -> 2, S -> 5     4: P -> 3, V -> 5     5: E, end

An embedded string is B T (a Reber string) T E or B P (a Reber string) P E: its second-last symbol is its second. At
each step the next symbol is to be predicted.

`embedded-reber` gives one string at a time. Training asks for the next symbol at every step, as in the paper;
validation and test score only the prediction of the second-last symbol, since the others need no long memory or cannot
be known. `continual-reber` joins strings into a stream of T symbols without marking where one ends, and scores each
second-last symbol. `chance` is 1/2.

Published: LSTM of 276 weights makes every prediction right after 8,440 strings, an Elman net never (Table 2). On
streams LSTM needs forget gates.

Deviations: strings longer than `longest` are drawn again, so that there is a longest one (at 32, one in 1,500). The
paper has 256 strings for training and 256 for test, ours are below; a string may occur in several splits, since there
are few short ones. Gers's streams have up to a million symbols, ours as many as `length` says.

Splits: 20,000 training and 500 validation strings or 5,000 and 500 streams, new for every seed; 2,000 test strings
or 1,000 streams, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._generated import draw_splits

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.int64]]

ALPHABET = "BTPSXVE"
PADDING = len(ALPHABET)
SHORTEST = 9
LONGEST_IN_STREAM = 32
STREAMS = (5_000, 500, 1_000)

END = 6
# state -> two equally likely moves, (symbol, next state). A Reber string ends in state 6.
MOVES = (
    (("T", 1), ("P", 2)),
    (("S", 1), ("X", 3)),
    (("T", 2), ("V", 4)),
    (("X", 2), ("S", 5)),
    (("P", 3), ("V", 5)),
    (("E", END), ("E", END)),
)


@dataclass(frozen=True)
class EmbeddedReberOptions:
    """Settings of the strings."""

    longest: Annotated[int, archbench.Meta(ge=SHORTEST, description="longest string")] = 32  # leaves out one in 1,500


@dataclass(frozen=True)
class ContinualReberOptions:
    """Settings of the stream."""

    length: Annotated[int, archbench.Meta(ge=2 * LONGEST_IN_STREAM, description="symbols of a stream, T")] = (
        100  # eight strings, on the average
    )


def info(options: EmbeddedReberOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens are seven symbols and padding; seven classes at every symbol but the last."""
    return _info(options.longest - 1)


def info_continual(options: ContinualReberOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: tokens and classes of `embedded-reber`, at every symbol of a stream."""
    return _info(options.length)


def _info(steps: int) -> archbench.TaskInfo:
    return archbench.TaskInfo(
        kind="tokens", input_shape=(steps,), outputs=len(ALPHABET), per_step=True, vocabulary=len(ALPHABET) + 1
    )


def load(options: EmbeddedReberOptions, seed: int) -> archbench.Splits:
    """Return inputs and targets (N, longest - 1), int64; the class is the next symbol."""
    return _scored_at_second_last(draw_splits(partial(generate, longest=options.longest), seed))


def load_continual(options: ContinualReberOptions, seed: int) -> archbench.Splits:
    """Return inputs and targets (N, T), int64; the class is the next symbol."""
    return _scored_at_second_last(draw_splits(partial(generate_stream, length=options.length), seed, sizes=STREAMS))


def _scored_at_second_last(splits: archbench.Splits) -> archbench.Splits:
    """Return the splits with all labels of validation and test ignored but those of the second-last symbols."""
    import numpy as np

    def scored(examples: archbench.Examples) -> archbench.Examples:
        # An E followed by T or P ends an inner string, so the second-last symbol is next; the last E is followed by B.
        inner_end = (examples.inputs == ALPHABET.index("E")) & np.isin(
            examples.targets, [ALPHABET.index("T"), ALPHABET.index("P")]
        )
        return archbench.Examples(examples.inputs, np.where(inner_end, examples.targets, archbench.IGNORED))

    return archbench.Splits(splits.train, scored(splits.validation), scored(splits.test))


def generate(count: int, draw: np.random.Generator, *, longest: int) -> archbench.Examples:
    """Draw `count` strings; return them without their last symbol, and as targets the next symbol at each step."""
    import numpy as np

    text, _ = strings(count, draw, longest=longest)
    inputs, targets = text[:, :-1].copy(), text[:, 1:]
    inputs[targets == PADDING] = PADDING  # the E that ends a string has no next
    return archbench.Examples(inputs, np.where(targets == PADDING, archbench.IGNORED, targets))


def generate_stream(count: int, draw: np.random.Generator, *, length: int) -> archbench.Examples:
    """Draw `count` streams of `length` symbols, with the next symbol at each step as the target."""
    import numpy as np

    each = length // SHORTEST + 1  # enough even if all are short
    text, lengths = strings(count * each, draw, longest=LONGEST_IN_STREAM)
    lengths = lengths.reshape(count, each)
    starts = lengths.cumsum(axis=1) - lengths
    places = starts.reshape(-1, 1) + np.arange(LONGEST_IN_STREAM)
    rows = np.broadcast_to(np.repeat(np.arange(count), each)[:, None], places.shape)
    kept = (text != PADDING) & (places <= length)
    stream = np.empty((count, length + 1), np.int64)
    stream[rows[kept], places[kept]] = text[kept]
    return archbench.Examples(stream[:, :-1].copy(), stream[:, 1:].copy())


def strings(count: int, draw: np.random.Generator, *, longest: int) -> tuple[Array, Array]:
    """Draw embedded strings (count, longest), padded at the end; return them and their lengths (count,)."""
    import numpy as np

    found: list[Array] = []
    missing = count
    while missing > 0:
        inner, lengths = _reber_strings(missing + missing // 8 + 8, draw, longest=longest - 4)
        text = np.full((len(inner), longest), PADDING)
        text[:, 2:-2] = inner
        outer = draw.choice([ALPHABET.index("T"), ALPHABET.index("P")], len(inner))
        rows = np.arange(len(inner))
        text[:, 0], text[:, 1] = ALPHABET.index("B"), outer
        text[rows, lengths + 2], text[rows, lengths + 3] = outer, ALPHABET.index("E")
        found.append(text[:missing])
        missing -= len(text)
    joined = np.concatenate(found)
    return joined, (joined != PADDING).sum(axis=1)


def _reber_strings(count: int, draw: np.random.Generator, *, longest: int) -> tuple[Array, Array]:
    """Walk through the grammar `count` times; return the walks that end within `longest` symbols, and their lengths."""
    import numpy as np

    symbols = np.array([[ALPHABET.index(symbol) for symbol, _ in moves] for moves in MOVES])
    following = np.array([[state for _, state in moves] for moves in MOVES])
    text = np.full((count, longest), PADDING)
    text[:, 0] = ALPHABET.index("B")
    state = np.zeros(count, np.int64)
    for step in range(1, longest):
        walking = np.flatnonzero(state != END)
        choice = draw.integers(0, 2, len(walking))
        text[walking, step] = symbols[state[walking], choice]
        state[walking] = following[state[walking], choice]
    text = text[state == END]
    return text, (text != PADDING).sum(axis=1)


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the task with single strings, and the one with streams of them."""
    yield archbench.Task(
        name="embedded-reber",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=0.5,
        oracle=1.0,
        margin=0.01,  # one string in a hundred: the paper asks for none
        by_default=False,  # ten of ten networks solve it; those of 1997, with fewer units, did not
        target=1.0,  # the paper's: every prediction right
        expected_failures={"T201": "the grammar has few short strings, which come up in every split"},
        options=EmbeddedReberOptions,
        summary="Predict the second-last symbol of a string, which its second symbol determines",
        source="Hochreiter & Schmidhuber 1997, sec. 5.1",
    )
    yield archbench.Task(
        name="continual-reber",
        info=info_continual,
        load=load_continual,
        loss="cross_entropy",
        metric="accuracy",
        chance=0.5,
        oracle=1.0,
        margin=0.01,  # one string in a hundred: the paper asks for none
        by_default=False,
        options=ContinualReberOptions,
        summary="The same in a stream of strings that never says where one ends",
        source="Gers, Schmidhuber & Cummins 2000, sec. 4",
    )
