"""Published constants of the generated tasks, computed from generated examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec import ValidationError

from archbench import IGNORED, Splits, Task
from archbench._declarations import convert_options
from support import Load


@pytest.mark.parametrize(
    ("task", "variance", "constant"),
    [("adding", 1 / 6, 1.0), ("adding-1997", 1 / 24, 0.5), ("multiplication", 7 / 144, 0.25)],
)
@pytest.mark.parametrize("length", [20, 50, 100])
def test_variance_of_the_target(task: str, variance: float, constant: float, length: int, load: Load) -> None:
    """Always answering the mean gives 1/6, 1/24 and 7/144, at every length."""
    errors = (load(task, length=length).train.targets.astype(np.float64) - constant) ** 2

    assert errors.mean() == pytest.approx(variance, abs=4 * errors.std() / math.sqrt(len(errors)))


@pytest.mark.parametrize("pause", [50, 100, 200])
def test_copy_memory_without_memory(pause: int, load: Load) -> None:
    """Without memory the cross-entropy over all steps is 10 ln 8 / (T + 20), as published."""
    targets = load("copy-memory", pause=pause).test.targets
    asked = targets != IGNORED
    frequencies = np.bincount(targets[asked]) / asked.sum()  # all that a network without memory can know
    entropy = -(frequencies * np.log(frequencies)).sum() * asked.sum(axis=1).mean() / targets.shape[1]

    assert entropy == pytest.approx(10 * math.log(8) / (pause + 20), rel=1e-3)
    assert 10 * math.log(8) / 120 == pytest.approx(0.1733, abs=5e-5)


def test_reber_strings_have_the_published_lag(load: Load) -> None:
    """The shortest string has nine symbols; the answer to the second symbol is asked for at the last but two."""
    splits = load("embedded-reber")
    lengths = (splits.train.inputs != 7).sum(axis=1) + 1
    rows, asked = np.nonzero(splits.test.targets != IGNORED)

    assert lengths.min() == 9
    assert lengths.mean() == pytest.approx(12, abs=0.1)
    assert (splits.train.inputs[:, 1] == 1).mean() == pytest.approx(0.5, abs=0.014)  # T or P; four standard errors
    assert rows.tolist() == list(range(len(splits.test.targets)))
    assert ((splits.test.inputs != 7).sum(axis=1) - 2 == asked).all()
    assert (splits.test.targets[rows, asked] == splits.test.inputs[:, 1]).all()


def test_stream_asks_for_every_second_last_symbol(load: Load) -> None:
    """In the stream each answer is the second symbol of its own string, and every string that ends is asked for."""
    test = load("continual-reber").test
    for stream, labels in zip(test.inputs[:200].tolist(), test.targets[:200].tolist(), strict=True):
        text = "".join("BTPSXVE"[token] for token in stream)
        start = 0
        asked = {}
        while (inner_end := text.find("E", start)) != -1:
            asked[inner_end] = "BTPSXVE".index(text[start + 1])
            start = inner_end + 3  # T or P, E
        assert {place: label for place, label in enumerate(labels) if label != IGNORED} == asked


def test_expected_length_of_2c(load: Load) -> None:
    """In experiment 2c the mean number of symbols beyond the lag is that of a geometric law cut at 44."""
    inputs = load("long-lag", form="2c", lag=20).train.inputs
    extra = (inputs < 20).sum(axis=1) - 20
    weights = 0.9 ** np.arange(45)

    assert extra.mean() == pytest.approx((weights * np.arange(45)).sum() / weights.sum(), abs=0.25)


def test_parity_is_tested_on_longer_strings(load: Load) -> None:
    """Test strings are longer than every training string, unless both lengths are equal."""
    longer, equal = load("parity", length=10, test_length=25), load("parity", length=10, test_length=10)

    def lengths(split: str, splits: Splits) -> set[int]:
        return set((getattr(splits, split).inputs != 2).sum(axis=1).tolist())

    assert lengths("train", longer) == lengths("validation", longer) == set(range(1, 11))
    assert lengths("test", longer) == set(range(11, 26))
    assert lengths("test", equal) == set(range(1, 11))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("parity", {"length": 10, "test_length": 5}, "set test_length=10 or more"),
        ("adding-1997", {"length": 19}, "Expected `int` >= 20"),
        ("embedded-reber", {"longest": 8}, "Expected `int` >= 9"),
        ("long-lag", {"form": "2d"}, "Invalid enum value '2d'"),
    ],
)
def test_wrong_options_are_refused(name: str, values: dict[str, object], message: str, tasks: dict[str, Task]) -> None:
    """A setting without a meaning is refused; the message says what is allowed."""
    with pytest.raises(ValidationError, match=message):
        convert_options(tasks[name], values)
