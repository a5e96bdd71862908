"""`text:PATH`: character language modelling on any text.

PATH is a text file in UTF-8, or a folder whose `.txt` files, in the order of their names and with a mark between any
two, are one text. At each step the next character is to be predicted, and the score is bits per character. Lines end as
they do in the file, a byte order mark is left out, and nothing else is changed.

The vocabulary is every character of the whole text. A character that only the test split has then costs a network as
many bits as its prediction says; replaced by an unknown symbol it would cost nothing. Nor may the vocabulary depend on
the seed, as training and validation do.

Splits. Text is not shuffled, because neighbouring passages are alike. The last tenth of the characters is the test
split, the same for all seeds. Among the others the seed draws a stretch of a tenth of the whole for validation; the
text before and after it is for training. So each seed trains on different text, and the spread between seeds shows it.

Blocks. Splits are cut into blocks of `length` characters without padding; each character is asked for once. In training
blocks lie end to end. In validation and test they overlap by half, so that after the first block each character has at
least `length / 2` before it. Scores for other lengths differ for that reason too, so a length is a task of its own.

`chance` is the entropy of the characters of the test split. `oracle` is 0, which no network can reach: the least number
of bits that a text costs is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._own_splits import own_margin
from archbench_tasks._text_blocks import entropy, scored_blocks, training_blocks

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.int64]]

BETWEEN = "\N{END OF TEXT}"  # between two files; it is a character like the others
TENTHS = 10  # one for the test, one for validation


@dataclass(frozen=True)
class TextOptions:
    """Settings of the blocks."""

    length: Annotated[int, archbench.Meta(ge=2, description="characters of a block")] = (
        100  # of which the second half is scored with 50 or more before it
    )


def inspect(path: Path, options: TextOptions) -> archbench.Found:
    """Return the task that a text makes.

    Raises:
        DataError: there is no text, it is not UTF-8, too short, or has one character only.
    """
    text, names = read(path)
    _check_length(path, len(text), options.length)
    codes, symbols = encode(text)
    if len(symbols) < 2:
        raise archbench.DataError(f"{path} has one character only, {symbols!r}; there is nothing to learn")
    begin = _test_begin(len(codes))
    chance = _chance(path, codes[begin + 1 :])
    return archbench.Found(
        content=content_of(text),
        info=_info(options.length, len(symbols)),
        loss="cross_entropy",
        metric="bits_per_character",
        chance=chance,
        oracle=0.0,
        margin=own_margin(chance, 0.0),
        summary=f"Predict the next of {len(text):,} characters of text, {len(symbols)} of them distinct",
        facts={
            "characters": len(text),
            "distinct characters": len(symbols),
            "text files": len(names),
            "split": f"the last {len(codes) - begin:,} characters are the test; the seed draws a stretch of "
            f"{len(codes) // TENTHS:,} among the others for validation",
        },
    )


def _info(length: int, symbols: int) -> archbench.TaskInfo:
    return archbench.TaskInfo(kind="tokens", input_shape=(length,), outputs=symbols, per_step=True, vocabulary=symbols)


def _check_length(path: Path, characters: int, length: int) -> None:
    needed = TENTHS * (length + 1)
    if characters < needed:
        largest = characters // TENTHS - 1
        shorter = f" or a shorter block, 'text:PATH[length={largest}]' or less" if largest >= 2 else ""
        raise archbench.DataError(
            f"{path} has {characters:,} characters; with blocks of {length} at least {needed:,} are needed, so "
            f"that the test part, a tenth, has one block: give more text{shorter}"
        )


def load(path: Path, options: TextOptions, content: str, seed: int) -> archbench.Splits:
    """Return inputs and targets (N, length), int64; the class is the next character.

    Raises:
        DataError: the text is not the one that was inspected.
    """
    import numpy as np

    text, _ = read(path)
    if content_of(text) != content:
        raise archbench.DataError(f"{path} was changed after the run began; start the run again")
    codes, _ = encode(text)
    begin, size = _test_begin(len(codes)), len(codes) // TENTHS
    start = _validation_begin(begin - size, options.length + 1, seed)
    around = [codes[:start], codes[start + size : begin]]
    train = [training_blocks(stretch, options.length) for stretch in around if len(stretch) > options.length]
    return archbench.Splits(
        train=archbench.Examples(
            np.concatenate([blocks.inputs for blocks in train]), np.concatenate([blocks.targets for blocks in train])
        ),
        validation=scored_blocks(codes[start : start + size], options.length),
        test=scored_blocks(codes[begin:], options.length),
    )


def fit(path: Path, options: TextOptions, content: str) -> archbench.Fitted:
    """Return the characters in order.

    Raises:
        DataError: the text is not the one that was inspected.
    """
    text, _ = read(path)
    if content_of(text) != content:
        raise archbench.DataError(f"{path} was changed after the run began; start the run again")
    return archbench.Fitted(outputs=tuple(encode(text)[1]))


def prepare(files: Sequence[Path], options: TextOptions, fitted: archbench.Fitted) -> archbench.Prepared:
    """Return new texts in blocks; each character after the first of a text is predicted from those before it.

    Args:
        files: texts, each of its own.
        options: of the task.
        fitted: what `fit` returned.

    Raises:
        DataError: a text is shorter than a block, or has a character that the text of the task does not have.
    """
    import numpy as np

    texts = [(file, read(file)[0]) for file in files]
    blocks = [scored_blocks(_codes(file, text, fitted.outputs, options.length), options.length) for file, text in texts]
    asked = np.concatenate([block.targets.ravel() for block in blocks]) != archbench.IGNORED
    places = [(str(file), place, character) for file, text in texts for place, character in enumerate(text) if place]
    names = ("file", "position", "character")
    return archbench.Prepared(
        inputs=np.concatenate([block.inputs for block in blocks]),
        rows=dict(zip(names, map(list, zip(*places, strict=True)), strict=True)),
        steps=np.flatnonzero(asked),
    )


def _codes(file: Path, text: str, symbols: Sequence[str], length: int) -> Array:
    """Return the number of each character of a new text (n,)."""
    import numpy as np

    if len(text) <= length:
        raise archbench.DataError(f"{file} has {len(text)} characters; give {length + 1} or more, a block and the next")
    number = {symbol: code for code, symbol in enumerate(symbols)}
    if unknown := [place for place, symbol in enumerate(text) if symbol not in number]:
        raise archbench.DataError(
            f"{file} has {text[unknown[0]]!r} at position {unknown[0]}, which the text of the training does not have"
            f"{f' ({len(unknown)} such characters in all)' if len(unknown) > 1 else ''}; leave it out or replace it"
        )
    return np.array([number[symbol] for symbol in text], np.int64)


def _validation_begin(last: int, shortest: int, seed: int) -> int:
    """Draw the place where validation begins, at most `last`.

    Where fewer than `shortest` characters, too few for a block, would be left before or after validation, it moves to
    that end, so that they are trained on at the other side.
    """
    import numpy as np

    start = int(np.random.default_rng(seed).integers(0, last, endpoint=True))
    if start < shortest:
        return 0
    return last if last - start < shortest else start


def read(path: Path) -> tuple[str, list[str]]:
    """Return the text, and the names of its files.

    Raises:
        DataError: there is none, or it is not UTF-8.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_text(file))
        if not files:
            raise archbench.DataError(f"the folder {path} has no .txt file; give a text file, or a folder with some")
    texts = [_read(file) for file in files]
    if not any(texts):
        raise archbench.DataError(f"{path} is empty; give a file with text in it")
    return BETWEEN.join(texts), [file.name for file in files]


def _is_text(file: Path) -> bool:
    return file.suffix.lower() == ".txt" and not file.name.startswith(".") and file.is_file()


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise archbench.DataError(f"{file} cannot be read: {error.strerror}") from None
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise archbench.DataError(
            f"{file} is not UTF-8: byte {error.start:,} is 0x{data[error.start]:02x} ({error.reason}); save it as UTF-8"
        ) from None


def encode(text: str) -> tuple[Array, str]:
    """Return the number of each character (n,), and the distinct characters, numbered by their code points."""
    import numpy as np

    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    distinct, codes = np.unique(points, return_inverse=True)
    return codes.astype(np.int64), "".join(map(chr, distinct.tolist()))


def content_of(text: str) -> str:
    """Return the hash of a text, which does not depend on the names, places and number of its files."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def _test_begin(characters: int) -> int:
    return characters - characters // TENTHS


def _chance(path: Path, asked: Array) -> float:
    """Return the bits per character of the best constant prediction of the test split."""
    bits = entropy(asked)
    if bits == 0:
        raise archbench.DataError(
            f"the last tenth of {path}, the test part, is one character over and over; there is nothing to predict"
        )
    return bits


@archbench.hookimpl
def archbench_readers() -> Iterable[archbench.Reader]:
    """Declare the reader of `text:`."""
    yield archbench.Reader(
        scheme="text",
        inspect=inspect,
        load=load,
        fit=fit,
        prepare=prepare,
        sample="archbench_tasks._samples:text",
        options=TextOptions,
        summary="Predict the next character of a UTF-8 text file, or of a folder of .txt files",
    )
