"""Generated sequences against slow generators written from the definitions, one symbol at a time.

For each task there is a *reference*, which makes one sequence with the standard library's random numbers, and a
*solver*, which takes a sequence apart, checks every rule of the definition and works out the answers. The solver must
agree with the labels of the task and of the reference. Task and reference must follow the same law: at every step, each
token and each label is as frequent in one as in the other.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from archbench import IGNORED, Examples
from support import Load

Tokens = list[int]
Draw = random.Random
REFERENCES = 3_000
DEVIATIONS = 5.5  # thousands of frequencies are compared


def copy_memory(draw: Draw, pause: int = 5) -> tuple[Tokens, Tokens]:
    """Make ten symbols, a pause, the marker, ten blanks."""
    symbols = [draw.randint(1, 8) for _ in range(10)]
    sequence = [*symbols, *[0] * (pause - 1), 9, *[0] * 10]
    return sequence, [IGNORED] * (pause + 10) + [symbol - 1 for symbol in symbols]


def solve_copy_memory(sequence: Tokens, pause: int = 5) -> dict[int, int]:
    """Return the ten symbols at the last ten steps."""
    assert len(sequence) == pause + 20
    assert [place for place, token in enumerate(sequence) if token == 9] == [pause + 9]
    assert set(sequence[10 : pause + 9]) | set(sequence[pause + 10 :]) <= {0}
    return {pause + 10 + place: sequence[place] - 1 for place in range(10)}


def selective_copy(draw: Draw, noise: int = 32, symbols: int = 8) -> tuple[Tokens, Tokens]:
    """Make symbols at random places of the noise, then markers."""
    sequence = [0] * (noise + symbols)
    for place in draw.sample(range(noise + symbols), symbols):
        sequence[place] = draw.randint(1, 14)
    copied = [token - 1 for token in sequence if token]
    return sequence + [15] * symbols, [IGNORED] * (noise + symbols) + copied


def solve_selective_copy(sequence: Tokens, noise: int = 32, symbols: int = 8) -> dict[int, int]:
    """Return the k-th symbol at the k-th marker."""
    end = sequence.index(15)
    found = [token for token in sequence[:end] if token != 0]
    assert (end, len(found), sequence[end:]) == (noise + symbols, symbols, [15] * symbols)
    return {end + k: token - 1 for k, token in enumerate(found)}


def temporal_order(windows: list[tuple[float, float]]) -> Callable[..., tuple[Tokens, Tokens]]:
    """Return the reference for some windows: E, noise with some X or Y, B, padding."""

    def make(draw: Draw, length: int = 30) -> tuple[Tokens, Tokens]:
        size = draw.randint(length, length + length // 10)
        text = ["E", *[draw.choice("abcd") for _ in range(size - 2)], "B"]
        code = ""
        for low, high in windows:
            sign = draw.choice("XY")
            text[draw.randint(int(low * length), int(high * length))] = sign
            code += sign
        sequence = ["abcdXYEB".index(letter) for letter in text]
        rest = length + length // 10 - size
        answer = int(code.replace("X", "0").replace("Y", "1"), 2)
        return sequence + [8] * rest, [IGNORED] * (size - 1) + [answer] + [IGNORED] * rest

    return make


def solve_temporal_order(windows: list[tuple[float, float]]) -> Callable[..., dict[int, int]]:
    """Return the solver for some windows, which finds the order at the B."""

    def solve(sequence: Tokens, length: int = 30) -> dict[int, int]:
        text = "".join("abcdXYEB."[token] for token in sequence)
        body = re.fullmatch(r"E([abcdXY]*)B(\.*)", text)
        assert body
        size = len(body[1]) + 2
        assert length <= size <= length * 1.1
        places = [match.start() for match in re.finditer("[XY]", text)]
        assert len(places) == len(windows)
        windowed = zip(places, windows, strict=True)
        assert all(int(low * length) <= place <= int(high * length) for place, (low, high) in windowed)
        answer = 0
        for place in places:
            answer = answer * 2 + (text[place] == "Y")
        return {size - 1: answer}

    return solve


TWO = [(0.1, 0.2), (0.5, 0.6)]
THREE = [(0.1, 0.2), (0.33, 0.43), (0.66, 0.76)]


def parity(draw: Draw, length: int = 10, test_length: int = 20, ask: str = "last") -> tuple[Tokens, Tokens]:
    """Make random bits, then padding."""
    bits = [draw.getrandbits(1) for _ in range(draw.randint(1, length))]
    labels = [sum(bits[: i + 1]) % 2 if ask == "every" or i == len(bits) - 1 else IGNORED for i in range(len(bits))]
    rest = test_length - len(bits)
    return bits + [2] * rest, labels + [IGNORED] * rest


def solve_parity(sequence: Tokens, length: int = 10, test_length: int = 20, ask: str = "last") -> dict[int, int]:
    """Return even or odd at the last bit, or at every bit."""
    bits = re.fullmatch("([01]+)(2*)", "".join(map(str, sequence)))
    assert bits
    assert len(bits[1]) <= length
    assert len(sequence) == test_length
    state, answers = False, {}
    for place, bit in enumerate(bits[1]):
        state ^= bit == "1"
        answers[place] = int(state)
    return answers if ask == "every" else {place: answers[place]}


def long_lag(draw: Draw, form: str = "2b", lag: int = 30, symbols: int = 0) -> tuple[Tokens, Tokens]:
    """Make x or y, then the filler; in 2c between b and e."""
    about = draw.randint(0, 1)
    if form != "2c":
        filler = [draw.randrange(lag - 1) if form == "2b" else place for place in range(lag - 1)]
        return [lag - 1 + about, *filler], [IGNORED] * (lag - 1) + [about]
    p = symbols or lag
    extra = 45
    while extra > 44:
        extra = 0
        while draw.random() < 0.9:
            extra += 1
    rest = 44 - extra
    sequence = [p + 3, p + about, *[draw.randrange(p) for _ in range(lag + extra)], p + 2, *[p + 4] * rest]
    return sequence, [IGNORED] * (lag + extra + 2) + [about] + [IGNORED] * rest


def solve_long_lag(sequence: Tokens, form: str = "2b", lag: int = 30, symbols: int = 0) -> dict[int, int]:
    """Return x or y at the end."""
    if form != "2c":
        assert len(sequence) == lag
        assert all(token < lag - 1 for token in sequence[1:])
        assert form == "2b" or sequence[1:] == list(range(lag - 1))
        return {lag - 1: sequence[0] - (lag - 1)}
    p = symbols or lag
    end = sequence.index(p + 2)
    assert sequence[0] == p + 3
    assert all(token < p for token in sequence[2:end])
    assert set(sequence[end + 1 :]) <= {p + 4}
    assert lag + 2 <= end
    return {end: sequence[1] - p}


GRAPH = {
    "start": {"B": "0"},
    "0": {"T": "1", "P": "2"},
    "1": {"S": "1", "X": "3"},
    "2": {"T": "2", "V": "4"},
    "3": {"X": "2", "S": "5"},
    "4": {"P": "3", "V": "5"},
    "5": {"E": "end"},
}
# The grammar as a pattern, without states: X T* V P leads from 3 back to 3; S and X T* V V leave it.
LOOP = "(?:XT*VP)*(?:S|XT*VV)"
REBER = f"B(?:TS*X{LOOP}|PT*V(?:V|P{LOOP}))E"
EMBEDDED = f"B(?:T{REBER}T|P{REBER}P)E"


def embedded_string(draw: Draw, longest: int = 32) -> str:
    """Draw a string of the embedded grammar."""
    while True:
        state, inner = "start", ""
        while state != "end":
            symbol = draw.choice(list(GRAPH[state]))
            inner += symbol
            state = GRAPH[state][symbol]
        outer = draw.choice("TP")
        if len(inner) + 4 <= longest:
            return f"B{outer}{inner}{outer}E"


def embedded_reber(draw: Draw, longest: int = 32) -> tuple[Tokens, Tokens]:
    """Make a string, and at each symbol the next one."""
    codes = ["BTPSXVE".index(symbol) for symbol in embedded_string(draw, longest)]
    rest = longest - len(codes)
    return codes[:-1] + [7] * rest, codes[1:] + [IGNORED] * rest


def solve_embedded_reber(sequence: Tokens, longest: int = 32) -> dict[int, int]:
    """Return the next symbol at every step of the string."""
    body = re.fullmatch(r"([BTPSXVE]+)(\.*)", "".join("BTPSXVE."[token] for token in sequence))
    assert body
    text = body[1] + "E"
    assert len(sequence) == longest - 1
    assert re.fullmatch(EMBEDDED, text)
    assert text[-2] == text[1]
    return {place: "BTPSXVE".index(text[place + 1]) for place in range(len(text) - 1)}


def continual_reber(draw: Draw, length: int = 100) -> tuple[Tokens, Tokens]:
    """Make strings without a break, and at each symbol the next one."""
    text = ""
    while len(text) <= length:
        text += embedded_string(draw)
    codes = ["BTPSXVE".index(symbol) for symbol in text[: length + 1]]
    return codes[:-1], codes[1:]


def solve_continual_reber(sequence: Tokens, length: int = 100) -> dict[int, int]:
    """Return the next symbol at every step but the last."""
    text = "".join("BTPSXVE"[token] for token in sequence)
    whole = re.match(f"(?:{EMBEDDED})*", text)
    assert len(text) == length
    assert whole
    assert 0 < length - whole.end() <= 32 or whole.end() == length
    return dict(enumerate(sequence[1:]))


def brackets(draw: Draw, length: int = 93) -> tuple[Tokens, Tokens]:
    """Make the open brackets, then one bracket after another, by a coin where both ways are possible."""
    stack = [draw.choice("([{<") for _ in range(draw.choice([0, *[d for d in range(1, 8) for _ in "12"], 8]))]
    text = "." * (8 - len(stack)) + "".join(stack)
    while len(text) < 8 + length:
        if len(stack) < 8 and (not stack or draw.random() < 0.5):
            stack.append(draw.choice("([{<"))
            text += stack[-1]
        else:
            text += CLOSING[stack.pop()]
    codes = ["([{<)]}>.".index(symbol) for symbol in text]
    return codes[:-1], [IGNORED] * 7 + codes[8:]


CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}


def solve_brackets(sequence: Tokens, length: int = 93) -> dict[int, int]:
    """Return the next symbol at every step but the last, after those that name the open brackets."""
    text = "".join("([{<)]}>."[token] for token in sequence)
    stack: list[str] = []
    assert len(text) == length + 7
    assert re.fullmatch(r"\.*[(\[{<]*", text[:8])
    for symbol in text.replace(".", ""):
        if symbol in CLOSING:
            stack.append(symbol)
        else:
            assert CLOSING[stack.pop()] == symbol
        assert len(stack) <= 8
    return {place: sequence[place + 1] for place in range(7, length + 6)}


@dataclass(frozen=True)
class Case:
    """A task under some options, with its reference and its solver."""

    task: str
    make: Callable[..., tuple[Tokens, Tokens]]
    solve: Callable[..., dict[int, int]]
    options: dict[str, Any]

    def __str__(self) -> str:
        return self.task + "".join(f",{key}={value}" for key, value in self.options.items())


CASES = [
    Case(task, make, solve, options)  # type: ignore[arg-type]
    for task, make, solve, every in (
        ("copy-memory", copy_memory, solve_copy_memory, [{}, {"pause": 1}]),
        ("selective-copy", selective_copy, solve_selective_copy, [{}, {"noise": 0, "symbols": 1}]),
        ("temporal-order", temporal_order(TWO), solve_temporal_order(TWO), [{}, {"length": 10}, {"length": 100}]),
        ("temporal-order-6b", temporal_order(THREE), solve_temporal_order(THREE), [{}, {"length": 10}]),
        ("parity", parity, solve_parity, [{}, {"ask": "every"}, {"length": 1, "test_length": 1}]),
        (
            "long-lag",
            long_lag,
            solve_long_lag,
            [{}, {"form": "2a"}, {"form": "2c"}, {"form": "2c", "symbols": 7}, {"lag": 2}],
        ),
        ("embedded-reber", embedded_reber, solve_embedded_reber, [{}, {"longest": 9}]),
        ("continual-reber", continual_reber, solve_continual_reber, [{}, {"length": 64}]),
        ("brackets", brackets, solve_brackets, [{}, {"length": 2}]),
    )
    for options in every
]
per_case = pytest.mark.parametrize("case", CASES, ids=str)


def reference(case: Case, count: int = REFERENCES) -> Examples:
    """Return so many sequences of the slow generator."""
    draw = random.Random(0)
    inputs, targets = zip(*[case.make(draw, **case.options) for _ in range(count)], strict=True)
    return Examples(np.array(inputs), np.array(targets))


def disagreements(case: Case, examples: Examples, *, every_label: bool) -> list[int]:
    """Return the rows of the sequences whose labels are not the answers of the solver."""
    found = []
    for row, (sequence, labels) in enumerate(zip(examples.inputs.tolist(), examples.targets.tolist(), strict=True)):
        answers = case.solve(sequence, **case.options)
        given = {place: label for place, label in enumerate(labels) if label != IGNORED}
        if case.task in ("continual-reber", "brackets"):
            given.pop(len(labels) - 1, None)  # the next symbol is not in the sequence
        expected = answers if every_label else {place: answers.get(place) for place in given}
        if given != expected:
            found.append(row)
    return found


@per_case
def test_solver_agrees_with_the_labels(case: Case, load: Load) -> None:
    """Every sequence of the task and of the reference follows the rules, and has the labels that the solver finds."""
    splits = load(case.task, **case.options)
    some = Examples(splits.train.inputs[:2_000], splits.train.targets[:2_000])

    assert disagreements(case, reference(case, 300), every_label=True) == []
    assert disagreements(case, some, every_label=True) == []
    assert disagreements(case, splits.validation, every_label="reber" not in case.task) == []


def frequencies(examples: Examples, tokens: int) -> tuple[np.ndarray[Any, Any], int]:
    """Return the share of each token and of each label at each step, and the number of sequences."""
    kinds = np.arange(tokens)
    inputs = np.stack([(examples.inputs == kind).mean(axis=0) for kind in kinds])
    labels = np.stack([(examples.targets == kind).mean(axis=0) for kind in [IGNORED, *kinds]])
    return np.concatenate([inputs, labels]), len(examples.inputs)


def farthest(first: tuple[np.ndarray[Any, Any], int], second: tuple[np.ndarray[Any, Any], int]) -> float:
    """Return the largest difference of two frequencies, in standard deviations of such a difference."""
    (a, n), (b, m) = first, second
    pooled = (a * n + b * m) / (n + m)
    spread = np.sqrt(np.maximum(pooled * (1 - pooled), 1 / (n + m)) * (1 / n + 1 / m))
    return float((abs(a - b) / spread).max())


@per_case
def test_same_law_as_the_reference(case: Case, load: Load) -> None:
    """At every step each token and each label is as frequent in the task as in the reference."""
    slow = reference(case)
    tokens = int(slow.inputs.max()) + 1

    assert farthest(frequencies(load(case.task, **case.options).train, tokens), frequencies(slow, tokens)) < DEVIATIONS


def test_a_wrong_law_is_noticed(load: Load) -> None:
    """The comparison notices a law that is a little off: an eighth symbol that never comes."""
    case = CASES[0]
    slow = reference(case)
    slow.inputs[slow.inputs == 8] = 7

    assert farthest(frequencies(load(case.task).train, 10), frequencies(slow, 10)) > 2 * DEVIATIONS


def adding(draw: Draw, length: int) -> tuple[list[tuple[float, float]], float]:
    """Make a sequence in the modern form: one mark in each half."""
    pairs = [(draw.random(), 0.0) for _ in range(length)]
    total = 0.0
    for place in (draw.randint(0, length // 2 - 1), draw.randint(length // 2, length - 1)):
        pairs[place] = (pairs[place][0], 1.0)
        total += pairs[place][0]
    return pairs, total


def marked_1997(draw: Draw, length: int, low: float) -> tuple[list[tuple[float, float]], list[float]]:
    """Make pairs in the form of 1997, drawn again if the first pair is marked, and the two marked values."""
    size = draw.randint(length, length + length // 10)
    while True:
        first = draw.choice(range(10))
        second = draw.choice([place for place in range(size) if place != first][: length // 2 - 1])
        if 0 not in (first, second):
            break
    values = [draw.uniform(low, 1) for _ in range(size)]
    marks = [-1.0 if place in (0, size - 1) else float(place in (first, second)) for place in range(size)]
    padding = [(0.0, 0.0)] * (length + length // 10 - size)
    return padding + list(zip(values, marks, strict=True)), [values[first], values[second]]


def adding_1997(draw: Draw, length: int) -> tuple[list[tuple[float, float]], float]:
    """Make a sequence with the target 0.5 + (X1 + X2) / 4."""
    pairs, (a, b) = marked_1997(draw, length, -1)
    return pairs, 0.5 + (a + b) / 4.0


def multiplication(draw: Draw, length: int) -> tuple[list[tuple[float, float]], float]:
    """Make a sequence with the target X1 * X2."""
    pairs, (a, b) = marked_1997(draw, length, 0)
    return pairs, a * b


per_pairs = pytest.mark.parametrize(
    ("task", "make", "length"),
    [
        ("adding", adding, 50),
        ("adding", adding, 3),
        ("adding-1997", adding_1997, 50),
        ("adding-1997", adding_1997, 20),
        ("adding-1997", adding_1997, 101),
        ("multiplication", multiplication, 50),
    ],
)


@per_pairs
def test_targets_follow_from_the_marked_values(task: str, make: Any, length: int, load: Load) -> None:
    """In each sequence the markers are as defined, and the target follows from the marked values."""
    examples = load(task, length=length).validation
    for sequence, (target,) in zip(examples.inputs.tolist(), examples.targets.tolist(), strict=True):
        marked = [value for value, mark in sequence if mark == 1]
        ends = [place for place, (_, mark) in enumerate(sequence) if mark == -1]
        a, b = marked
        result = {"adding": a + b, "adding-1997": 0.5 + (a + b) / 4, "multiplication": a * b}[task]
        assert target == pytest.approx(result, abs=1e-6)
        if task != "adding":
            assert ends[1] == len(sequence) - 1
            assert length <= len(sequence) - ends[0] <= length * 1.1
            assert all(pair == [0, 0] for pair in sequence[: ends[0]])


@per_pairs
def test_pairs_have_the_law_of_the_reference(task: str, make: Any, length: int, load: Load) -> None:
    """At every step, and for the target, mean and spread of values and markers are those of the reference."""
    draw = random.Random(0)
    slow_inputs, slow_targets = zip(*[make(draw, length) for _ in range(REFERENCES)], strict=True)
    ours = load(task, length=length).train

    def features(inputs: Any, targets: Any) -> np.ndarray[Any, Any]:
        x, y = np.asarray(inputs, np.float64), np.asarray(targets, np.float64).reshape(len(targets), 1)
        flat = np.concatenate([x[:, :, 0], x[:, :, 1] == 1, x[:, :, 1] == -1, x[:, :, 0] * x[:, :, 1], y], axis=1)
        return np.concatenate([flat, flat**2], axis=1)

    a, b = features(ours.inputs, ours.targets), features(slow_inputs, slow_targets)
    spread = np.sqrt(np.maximum(b.var(axis=0), 1 / REFERENCES) * (1 / len(a) + 1 / len(b)))

    assert (abs(a.mean(axis=0) - b.mean(axis=0)) / spread).max() < DEVIATIONS
