"""Your own sequences: `--task sequences:FILE`, a csv, parquet or npz file; sequences may differ in length.

`_sequence_files` describes the formats, `_own_data` how splits are drawn. A label makes a classification, scored by
accuracy; with `target=NAME` (in npz: targets of floats) a number is predicted, scaled to mean 0 and standard deviation
1 of all but the test split, so that the mean squared error is the share of the variance that is left. Features are
scaled likewise, by the real steps of all but the test split.

The task is identified by the content of the file. What was read is kept in the data folder (`ARCHBENCH_DATA`).
Reading parquet needs the extra `[parquet]`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._own_data import (
    PARTS,
    Pool,
    cached,
    check_parts,
    constant_accuracy,
    digest,
    known_rows,
    split,
)
from archbench_tasks._sequence_files import Sequences, read_sequences

if TYPE_CHECKING:
    import numpy as np

REVISION = 1
"""Raised when the same files give other sequences; what an older one parsed is then not read any more."""


@dataclass(frozen=True)
class SequenceOptions:
    """Which columns are what; they concern csv and parquet."""

    id: Annotated[str, archbench.Meta(description="column that says which sequence a row is of")] = "id"  # obvious
    label: Annotated[str, archbench.Meta(description="column of the class")] = "label"  # obvious
    target: Annotated[str, archbench.Meta(description="column of a number to predict in place of a class")] = (
        ""  # classes are the usual case
    )


def inspect(path: Path, options: SequenceOptions) -> archbench.Found:
    """Read everything once."""
    import numpy as np

    content = content_of(path)
    read = _read(path, options, content)
    pool = _pool(read, content)
    if len(read.classes) == 1:
        raise archbench.DataError(f"{path.name} has one class only, {read.classes[0]!r}; two or more are needed")
    parts = check_parts(pool, read.classes or ["any"], "sequences")
    longest, shortest = int(read.lengths.max()), int(read.lengths.min())
    features = read.values.shape[1]
    steps = f"{longest}" if longest == shortest else f"{shortest} to {longest}"
    count = f"{len(read.lengths):,} of {steps} steps, {features} feature{'s' if features > 1 else ''}"
    facts: dict[str, Any] = {
        "sequences": count,
        "splits": {name: len(index) for name, index in parts.items()},
    }
    if read.classes:
        counts = np.bincount(read.targets)
        facts = {"classes": {name: int(counts[label]) for label, name in enumerate(read.classes)}, **facts}
        chance, summary = constant_accuracy(read.targets, parts), f"Own sequences: {count}, {len(read.classes)} classes"
    else:
        scaled = _scaled(read, parts, path.name)
        chance = float((scaled[parts["test"]] ** 2).mean())
        summary = f"Own sequences: {count}, a number to predict"
    return archbench.Found(
        content=content,
        info=archbench.TaskInfo(
            kind="sequence",
            input_shape=(longest, features),
            outputs=len(read.classes) or 1,
            variable_length=shortest < longest,
        ),
        loss="cross_entropy" if read.classes else "mean_squared_error",
        metric="accuracy" if read.classes else "mean_squared_error",
        chance=chance,
        oracle=1.0 if read.classes else 0.0,
        summary=summary,
        facts=facts,
    )


def load(path: Path, options: SequenceOptions, content: str, seed: int) -> archbench.Splits:
    """Sequences (N, T, F) float32, zeros after their end, with lengths; labels (N,) or numbers (N, 1)."""
    import numpy as np

    if not (archbench.data_folder() / "own" / _cache_name(content, options)).exists() and content_of(path) != content:
        raise archbench.DataError(f"{path.name} was changed after the run began; start the run again")
    read = _read(path, options, content)
    parts = split(_pool(read, content), seed)
    targets: Any = read.targets
    if not read.classes:
        targets = _scaled(read, parts, path.name)[:, None].astype(np.float32)
    count, longest = len(read.lengths), int(read.lengths.max())
    sequence = np.repeat(np.arange(count), read.lengths)
    known = read.values[np.isin(sequence, known_rows(parts))]
    spread = known.std(axis=0)
    spread[spread == 0] = 1
    padded = np.zeros((count, longest, read.values.shape[1]), np.float32)
    padded[np.arange(longest) < read.lengths[:, None]] = (read.values - known.mean(axis=0)) / spread
    lengths = read.lengths if read.lengths.min() < longest else None

    def examples(index: np.ndarray[Any, Any]) -> archbench.Examples:
        return archbench.Examples(padded[index], targets[index], None if lengths is None else lengths[index])

    return archbench.Splits(*(examples(parts[name]) for name in PARTS))


def content_of(path: Path) -> str:
    """The hash of a file, or nothing for what is no file: what that is, `read_sequences` says."""
    if not path.is_file():
        return ""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        raise archbench.DataError(f"{path} cannot be opened ({error.strerror}); check its permissions") from None


def _scaled(read: Sequences, parts: dict[str, np.ndarray[Any, Any]], name: str) -> np.ndarray[Any, Any]:
    """The numbers to predict, by mean and standard deviation of all but the test split, which no seed changes."""

    known = read.targets[known_rows(parts)]
    if known.std() == 0:
        raise archbench.DataError(f"{name}: every number to predict is {known[0]:g}; there is nothing to learn")
    scaled: np.ndarray[Any, Any] = (read.targets - known.mean()) / known.std()
    return scaled


def _pool(read: Sequences, content: str) -> Pool:
    import numpy as np

    count = len(read.lengths)
    ends = read.lengths.cumsum()
    pieces = np.split(read.values.astype(np.float32), ends[:-1])
    keys = [hashlib.sha256(piece.tobytes()).hexdigest()[:16] for piece in pieces]
    labels = read.targets if read.classes else np.zeros(count, np.int64)
    return Pool(labels, keys, [""] * count, content)


def _cache_name(content: str, options: SequenceOptions) -> str:
    return f"sequences-{REVISION}-{content}-{digest(json.dumps(asdict(options), sort_keys=True))[:8]}"


def _read(path: Path, options: SequenceOptions, content: str) -> Sequences:
    """The sequences: parsed the first time, read from the cache afterwards."""
    import numpy as np

    def keep(folder: Path) -> None:
        read = read_sequences(path, options)
        np.savez(folder / "arrays.npz", values=read.values, lengths=read.lengths, targets=read.targets)
        (folder / "classes.json").write_text(json.dumps(read.classes))

    folder = cached(_cache_name(content, options), keep)
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        classes = json.loads((folder / "classes.json").read_text())
        return Sequences(arrays["values"], arrays["lengths"], arrays["targets"], classes)


@archbench.hookimpl
def archbench_readers() -> Iterable[archbench.Reader]:
    """`sequences:`."""
    yield archbench.Reader(
        scheme="sequences",
        inspect=inspect,
        load=load,
        options=SequenceOptions,
        summary="A csv or parquet file with a row for each step, or an npz file",
        revision=REVISION,
    )
