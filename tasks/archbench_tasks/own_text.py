"""`text:PATH`: character language modelling on any text.

PATH is a text file in UTF-8, or a folder whose `.txt` files, in the order of their names and with a mark between any
two, are one text. At each step the next character is to be predicted, and the score is bits per character. Lines end as
they do in the file, a byte order mark is left out, and nothing else is changed.

The vocabulary is every character of the whole text: one that only the test part has costs a network what it gives it,
where an unknown symbol in its place would come for free. And it may not depend on the seed, as the parts do.

Splits. Text is not shuffled, for neighbours say much of each other. The last tenth of the characters is the test part,
the same for all seeds. Among the others the seed draws a stretch of a tenth of the whole for validation; what lies
before and after it is for training. So seeds differ in what they train on, and the spread between them tells.

Blocks. Parts are cut into blocks of `length` characters without padding; each character is asked for once. In training
they lie end to end. In validation and test they overlap by half, so that behind the first block each character has at
least `length / 2` before it; scores of other lengths differ for that reason as well, and are other tasks.

`chance` is the entropy of the characters of the test part; `oracle` is 0, which no one can reach: what a text costs at
least nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._language import entropy, scored_blocks, training_blocks

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.int64]]

BETWEEN = "\N{END OF TEXT}"  # between two files; it is a character like the others
TENTHS = 10


@dataclass(frozen=True)
class TextOptions:
    """Settings of the blocks."""

    length: Annotated[int, archbench.Meta(ge=2, description="characters of a block")] = (
        100  # of which the second half is scored with 50 or more before it
    )


def inspect(path: Path, options: TextOptions) -> archbench.Found:
    """What there is to learn from.

    Raises:
        DataError: no text, not UTF-8, too short, or one character only.
    """
    text, names = read(path)
    needed = TENTHS * (options.length + 1)
    if len(text) < needed:
        largest = len(text) // TENTHS - 1
        shorter = f" or a shorter block, 'text:PATH[length={largest}]' or less" if largest >= 2 else ""
        raise archbench.DataError(
            f"{path} has {len(text):,} characters; with blocks of {options.length} at least {needed:,} are needed, so "
            f"that the test part, a tenth, has one block: give more text{shorter}"
        )
    codes, symbols = encode(text)
    if len(symbols) < 2:
        raise archbench.DataError(f"{path} has one character only, {symbols!r}; there is nothing to learn")
    begin = _test_begin(len(codes))
    return archbench.Found(
        content=content_of(text),
        info=archbench.TaskInfo(
            kind="tokens",
            input_shape=(options.length,),
            outputs=len(symbols),
            per_step=True,
            vocabulary=len(symbols),
        ),
        loss="cross_entropy",
        metric="bits_per_character",
        chance=_chance(path, codes[begin + 1 :]),
        oracle=0.0,
        summary=f"Predict the next of {len(text):,} characters of text, {len(symbols)} of them distinct",
        facts={
            "characters": len(text),
            "distinct characters": len(symbols),
            "text files": len(names),
            "split": f"the last {len(codes) - begin:,} characters are the test; the seed draws a stretch of "
            f"{len(codes) // TENTHS:,} among the others for validation",
        },
    )


def load(path: Path, options: TextOptions, content: str, seed: int) -> archbench.Splits:
    """Inputs and targets (N, length), int64; the class is the next character.

    Raises:
        DataError: the text is another than the one that was inspected.
    """
    import numpy as np

    text, _ = read(path)
    if content_of(text) != content:
        raise archbench.DataError(f"{path} was changed after the run began; start the run again")
    codes, _ = encode(text)
    begin, size = _test_begin(len(codes)), len(codes) // TENTHS
    shortest = options.length + 1
    start = int(np.random.default_rng(seed).integers(0, begin - size, endpoint=True))
    # A rest too short for a block goes to validation's other side.
    start = 0 if start < shortest else begin - size if begin - size - start < shortest else start
    rest = [codes[:start], codes[start + size : begin]]
    train = [training_blocks(stretch, options.length) for stretch in rest if len(stretch) >= shortest]
    return archbench.Splits(
        train=archbench.Examples(
            np.concatenate([part.inputs for part in train]), np.concatenate([part.targets for part in train])
        ),
        validation=scored_blocks(codes[start : start + size], options.length),
        test=scored_blocks(codes[begin:], options.length),
    )


def read(path: Path) -> tuple[str, list[str]]:
    """The text, and the names of the files that it is from.

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
    """The number of each character (n,) among the distinct ones in the order of their code points, and these."""
    import numpy as np

    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    distinct, codes = np.unique(points, return_inverse=True)
    return codes.astype(np.int64), "".join(map(chr, distinct.tolist()))


def content_of(text: str) -> str:
    """Hash of the text, whatever files it is in and wherever they lie."""
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def _test_begin(characters: int) -> int:
    return characters - characters // TENTHS


def _chance(path: Path, asked: Array) -> float:
    bits = entropy(asked)
    if bits == 0:
        raise archbench.DataError(
            f"the last tenth of {path}, the test part, is one character over and over; there is nothing to predict"
        )
    return bits


@archbench.hookimpl
def archbench_readers() -> Iterable[archbench.Reader]:
    """Text files and folders of them."""
    yield archbench.Reader(
        scheme="text",
        inspect=inspect,
        load=load,
        options=TextOptions,
        summary="Predict the next character of a UTF-8 text file, or of a folder of .txt files",
    )
