"""`text:PATH`: how text is read and cut, and the messages about files that cannot be used."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import IGNORED, DataError, Examples
from archbench.testing import check_task
from archbench_tasks._text_blocks import scored_blocks, training_blocks
from archbench_tasks.own_text import BETWEEN, TextOptions, encode, inspect, load

TEN = TextOptions(length=10)


def some_text(count: int, seed: int = 0) -> str:
    """Return characters of one to four bytes, with two ways to end a line."""
    return "".join(random.Random(seed).choices(["a", "b", " ", "\n", "\r\n", "é", "€", "𝄞"], k=count))[:count]


def write(path: Path, text: str) -> Path:
    """Write a text in UTF-8, without changing the ends of its lines, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def asked(examples: Examples) -> list[int]:
    """Return the targets that are asked for, in order."""
    return examples.targets[examples.targets != IGNORED].tolist()


def test_text_is_read_to_the_last_character(tmp_path: Path) -> None:
    """The test split is the last tenth; the three splits together are the text, each character once."""
    text = some_text(2_000)
    path = write(tmp_path / "book", text)
    found = inspect(path, TEN)
    splits = load(path, TEN, found.content, 3)
    symbols = sorted(set(text))
    codes = [symbols.index(character) for character in text]
    test, validation, train = asked(splits.test), asked(splits.validation), asked(splits.train)
    (start,) = (start for start in range(1_801) if codes[start + 1 : start + 200] == validation)

    assert (found.info.outputs, found.info.vocabulary) == (len(symbols), len(symbols))
    assert test == codes[1_801:]
    assert train == codes[1:start] + codes[start + 201 : 1_800]
    assert encode(text)[1] == "".join(symbols)


@pytest.mark.parametrize("length", [2, 7, 10, 63, 64])
@pytest.mark.parametrize("symbols", [65, 66, 129, 500])
@pytest.mark.parametrize("cut", [training_blocks, scored_blocks])
def test_blocks_ask_for_each_symbol_once(cut: Callable[..., Examples], length: int, symbols: int) -> None:
    """Each step asks for the next symbol or for nothing; every symbol but the first is asked for once."""
    codes = np.arange(symbols)
    examples = cut(codes, length)
    following = examples.inputs + 1

    assert asked(examples) == codes[1:].tolist()
    assert ((examples.targets == following) | (examples.targets == IGNORED)).all()
    assert examples.inputs.shape[1] == length


def test_scored_symbols_have_half_a_block_before_them() -> None:
    """After the first block each symbol that is asked for has half a block before it."""
    examples = scored_blocks(np.arange(1_000), 20)
    first_asked = (examples.targets != IGNORED).argmax(axis=1)

    assert first_asked[0] == 0
    assert first_asked[1:].min() == 10


def test_chance_is_the_entropy_of_the_test_split(tmp_path: Path) -> None:
    """Chance is the entropy, in bits, of the characters that the test asks for."""
    text = some_text(3_000)
    counts = Counter(text[2_701:])
    entropy = -sum(n / 299 * math.log2(n / 299) for n in counts.values())

    assert inspect(write(tmp_path / "a.txt", text), TEN).chance == pytest.approx(entropy)


def test_same_text_elsewhere_is_the_same_task(tmp_path: Path) -> None:
    """A text is one task, with or without a byte order mark, in a file or a folder; a change makes another task."""
    text = some_text(1_000)
    content = inspect(write(tmp_path / "a.txt", text), TEN).content

    assert inspect(write(tmp_path / "copies/b.txt", "\ufeff" + text), TEN).content == content
    assert inspect(tmp_path / "copies", TEN).content == content
    assert inspect(write(tmp_path / "c.txt", text + "!"), TEN).content != content


def test_files_of_a_folder_are_one_text(tmp_path: Path) -> None:
    """Text files are joined in the order of their names, with a mark between two; other files are ignored."""
    first, second = some_text(900, 1), some_text(800, 2)
    write(tmp_path / "all/2.TXT", second)
    write(tmp_path / "all/1.txt", first)
    write(tmp_path / "all/readme.md", "not this")
    write(tmp_path / "all/._1.txt", "nor this, which a Mac leaves on other disks")
    whole = write(tmp_path / "whole.txt", first + BETWEEN + second)

    assert inspect(tmp_path / "all", TEN).content == inspect(whole, TEN).content
    assert inspect(tmp_path / "all", TEN).facts["text files"] == 2


def test_every_seed_has_blocks_of_both_kinds(tmp_path: Path) -> None:
    """For every seed, only the first character of each stretch of text is not asked for."""
    text = some_text(120)
    path = write(tmp_path / "short.txt", text)
    found = inspect(path, TEN)
    for seed in range(60):
        splits = load(path, TEN, found.content, seed)
        counts = [len(asked(split)) for split in (splits.train, splits.validation, splits.test)]
        assert counts in ([94, 11, 11], [95, 11, 11])


def test_conformance(tmp_path: Path, open_own: Callable[[str], list[Any]]) -> None:
    """A task made of text passes the conformance kit, even if only the test has some character."""
    write(tmp_path / "noise.txt", some_text(5_000) + "z")
    (selected,) = open_own(f"text:{tmp_path / 'noise.txt'}[length=30]")
    results = check_task(selected.registered, options=selected.options)

    assert [str(r) for r in results if r.status not in ("passed", "skipped")] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a" * 5_000 + b"\xff" + b"a", "byte 5,000 is 0xff (invalid start byte); save it as UTF-8"),
        (some_text(500).encode(), "has 500 characters; with blocks of 100 at least 1,010 are needed"),
        (some_text(500).encode(), r"text:PATH[length=49]' or less"),
        (b"ab", "has 2 characters"),
        (b"a" * 2_000, "has one character only, 'a'"),
        (some_text(900).encode() + b"a" * 300, "the test part, is one character over and over"),
    ],
)
def test_unusable_files(tmp_path: Path, content: bytes, message: str) -> None:
    """The message says which file cannot be used, and why."""
    path = tmp_path / "mine.txt"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        inspect(path, TextOptions())

    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_suggested_length_is_enough(tmp_path: Path) -> None:
    """The block length that the message about a short text suggests can be used."""
    path = write(tmp_path / "a.txt", some_text(500))

    assert inspect(path, TextOptions(length=49)).info.input_shape == (49,)
    with pytest.raises(DataError, match="500 characters"):
        inspect(path, TextOptions(length=50))


def test_folder_without_text(tmp_path: Path) -> None:
    """The message about a folder without text says which files are needed."""
    with pytest.raises(DataError, match=r"has no \.txt file"):
        inspect(tmp_path, TEN)


def test_text_that_changes_under_a_run(tmp_path: Path) -> None:
    """A trial refuses a text that was changed after the run began."""
    path = write(tmp_path / "a.txt", some_text(1_000))
    content = inspect(path, TEN).content
    write(path, some_text(1_000, seed=1))

    with pytest.raises(DataError, match="was changed after the run began"):
        load(path, TEN, content, 0)
