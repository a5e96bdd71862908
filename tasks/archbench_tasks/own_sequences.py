"""Your own sequences: `--task sequences:FILE`, a csv, parquet or npz file; sequences may differ in length.

`_sequence_tables` and `_sequence_arrays` describe the formats, `_sequence_columns` how columns are named, `_own_splits`
how splits are drawn, `_telling_features` which features are warned of. A label makes a classification, scored by
accuracy. With `target=NAME` (in npz: targets of floats) a number is predicted, scaled to
mean 0 and standard deviation 1 of all but the test split, so that the mean squared error is the share of the variance
that is left. Features are scaled likewise, by the real steps of all but the test split. With `horizon=` the number is
a forecast: see `_forecasting`.

The content of the file identifies the task. Parsed sequences are kept in the data folder (`ARCHBENCH_DATA`). Reading
parquet needs the extra `[parquet]`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks import _forecasting as forecasting
from archbench_tasks._described_splits import describe_splits, warn_of_splits
from archbench_tasks._forecast_options import check_options
from archbench_tasks._new_sequences import prepare, scaled_inputs
from archbench_tasks._own_cache import cache_folder, fill_cache, hash_texts
from archbench_tasks._own_splits import (
    SPLITS,
    Pool,
    check_classes,
    constant_accuracy,
    known_rows,
    own_margin,
    split_rows,
)
from archbench_tasks._sequence_arrays import read_npz
from archbench_tasks._sequence_tables import read_csv, read_parquet, sequences_of
from archbench_tasks._sequences import ARRAYS, SequenceOptions, Sequences
from archbench_tasks._telling_features import describe_doubts, find_doubts

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Rows = dict[str, Array]

REVISION = 1
"""Raised when the same files give other sequences; folders of an older revision are then not read any more."""


def inspect(path: Path, options: SequenceOptions) -> archbench.Found:
    """Return the task that a file makes, after reading all of it.

    Raises:
        DataError: the file cannot be used; the message says which line, column or array.
    """
    content = content_of(path)
    check_options(path, options)
    if options.horizon is not None:
        return forecasting.inspect(path, options, content)
    sequences = _read(path, options, content)
    if len(sequences.classes) == 1:
        raise archbench.DataError(f"{path.name} has one class only, {sequences.classes[0]!r}; two or more are needed")
    pool = _pool(sequences, content)
    rows = check_classes(pool, sequences.classes or ["any"], "sequences")
    classes = len(sequences.classes)
    chance, oracle = _chance(sequences, pool, rows, path.name), 1.0 if classes else 0.0
    doubts = find_doubts(sequences, known_rows(pool))
    return archbench.Found(
        content=content,
        info=archbench.TaskInfo(
            kind="sequence",
            input_shape=(int(sequences.lengths.max()), sequences.values.shape[1]),
            outputs=classes or 1,
            variable_length=bool(sequences.lengths.min() < sequences.lengths.max()),
        ),
        loss="cross_entropy" if classes else "mean_squared_error",
        metric="accuracy" if classes else "mean_squared_error",
        chance=chance,
        oracle=oracle,
        margin=own_margin(chance, oracle),
        metrics=("balanced_accuracy", "macro_f1", "calibration_error") if classes else ("mean_absolute_error", "r2"),
        target_scale=None if classes else _target_scale(sequences, known_rows(pool)),
        summary=_summary(sequences, [doubt.feature for doubt in doubts]),
        fixed_splits=pool.times is not None,
        facts={**_class_counts(sequences), "sequences": _count(sequences), **describe_splits(sequences, pool, rows)},
        features=tuple(sequences.features),
        warnings=(*describe_doubts(doubts, options), *warn_of_splits(sequences, pool, rows)),
    )


def _summary(sequences: Sequences, doubtful: list[str]) -> str:
    classes = len(sequences.classes)
    warned = f"; warned of {', '.join(dict.fromkeys(doubtful))}" if doubtful else ""
    return f"Own sequences: {_count(sequences)}, {f'{classes} classes' if classes else 'a number to predict'}{warned}"


def _count(sequences: Sequences) -> str:
    """Return how many sequences there are, how long they are, and how many features they have, in words."""
    longest, shortest = int(sequences.lengths.max()), int(sequences.lengths.min())
    features = sequences.values.shape[1]
    steps = f"{longest}" if longest == shortest else f"{shortest} to {longest}"
    return f"{len(sequences.lengths):,} of {steps} steps, {features} feature{'s' if features > 1 else ''}"


def _class_counts(sequences: Sequences) -> dict[str, dict[str, int]]:
    import numpy as np

    if not sequences.classes:
        return {}
    counts = np.bincount(sequences.targets)
    return {"classes": {name: int(counts[label]) for label, name in enumerate(sequences.classes)}}


def _chance(sequences: Sequences, pool: Pool, rows: Rows, file: str) -> float:
    """Return the test score of the constant that is best outside the test split."""
    if sequences.classes:
        return constant_accuracy(pool, rows)
    scaled = _scaled_targets(sequences, known_rows(pool), file)  # of mean 0, so 0 is that constant
    return float((scaled[rows["test"]] ** 2).mean())


def load(path: Path, options: SequenceOptions, content: str, seed: int) -> archbench.Splits:
    """Return sequences (N, T, F) float32, zeros after their end, with lengths; labels (N,) or numbers (N, 1).

    Raises:
        DataError: the file is not the one that was inspected.
    """
    import numpy as np

    if options.horizon is not None:
        _refuse_change(path, content)
        return forecasting.load(path, options)
    sequences = _unchanged(path, options, content)
    pool = _pool(sequences, content)
    rows, known = split_rows(pool, seed), known_rows(pool)
    targets = sequences.targets
    if not sequences.classes:
        targets = _scaled_targets(sequences, known, path.name)[:, None].astype(np.float32)
    inputs = scaled_inputs(sequences.values, sequences.lengths, *_moments(sequences, known))
    lengths = sequences.lengths if sequences.lengths.min() < sequences.lengths.max() else None

    def examples(index: Array) -> archbench.Examples:
        return archbench.Examples(inputs[index], targets[index], None if lengths is None else lengths[index])

    return archbench.Splits(*(examples(rows[name]) for name in SPLITS))


def _moments(sequences: Sequences, known: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of each feature (F,), by the real steps of all but the test split."""
    import numpy as np

    sequence = np.repeat(np.arange(len(sequences.lengths)), sequences.lengths)
    steps = sequences.values[np.isin(sequence, known)]
    empty = np.isnan(steps).any()  # of cells with missing=mask
    spread = np.nanstd(steps, axis=0) if empty else steps.std(axis=0)
    spread[spread == 0] = 1
    return np.nanmean(steps, axis=0) if empty else steps.mean(axis=0), spread


def fit(path: Path, options: SequenceOptions, content: str) -> archbench.Fitted:
    """Return the classes or the number to predict, the features, how both are scaled, and the lengths.

    Raises:
        DataError: the file is not the one that was inspected.
    """
    if options.horizon is not None:
        _refuse_change(path, content)
        return forecasting.fit(path, options)
    sequences = _unchanged(path, options, content)
    known = known_rows(_pool(sequences, content))
    mean, spread = _moments(sequences, known)
    numbers = sequences.targets[known]
    values = {
        "features": sequences.features,
        "mean": mean.tolist(),
        "spread": spread.tolist(),
        "shortest": int(sequences.lengths.min()),
        "longest": int(sequences.lengths.max()),
    }
    if sequences.classes:
        return archbench.Fitted(outputs=tuple(sequences.classes), values=values)
    offset, scale = float(numbers.mean()), float(numbers.std())
    return archbench.Fitted(outputs=(options.target or "target",), offset=offset, scale=scale, values=values)


def _scaled_targets(sequences: Sequences, known: Array, file: str) -> Array:
    """Return the numbers to predict (N,), scaled by mean and standard deviation of all but the test split."""
    numbers = sequences.targets[known]
    if numbers.std() == 0:
        raise archbench.DataError(f"{file}: every number to predict is {numbers[0]:g}; there is nothing to learn")
    scaled: Array = (sequences.targets - numbers.mean()) / numbers.std()
    return scaled


def _target_scale(sequences: Sequences, known: Array) -> archbench.TargetScale:
    numbers = sequences.targets[known]
    return archbench.TargetScale(
        offset=float(numbers.mean()), scale=float(numbers.std()), of="by mean and standard deviation outside the test"
    )


def _unchanged(path: Path, options: SequenceOptions, content: str) -> Sequences:
    """Return the sequences of the file that was inspected."""
    if not cache_folder(_cache_name(content, options)).exists():
        _refuse_change(path, content)
    return _read(path, options, content)


def _refuse_change(path: Path, content: str) -> None:
    if content_of(path) != content:
        raise archbench.DataError(f"{path.name} was changed after the run began; start the run again")


def _pool(sequences: Sequences, content: str) -> Pool:
    import numpy as np

    count = len(sequences.lengths)
    ends = sequences.lengths.cumsum()
    pieces = np.split(sequences.values.astype(np.float32), ends[:-1])
    keys = [hashlib.sha256(piece.tobytes()).hexdigest()[:16] for piece in pieces]
    labels = sequences.targets if sequences.classes else np.zeros(count, np.int64)
    starts = sequences.starts
    times = None if starts is None or np.ptp(starts) == 0 else starts  # else counted from the start of each
    return Pool(labels, keys, [""] * count, content, sequences.groups, times)


def content_of(path: Path) -> str:
    """Return the hash of a file; an empty text if there is no file, which `read_sequences` then reports."""
    if not path.is_file():
        return ""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except OSError as error:
        raise archbench.DataError(f"{path} cannot be opened ({error.strerror}); check its permissions") from None


def _cache_name(content: str, options: SequenceOptions) -> str:
    return f"sequences-{REVISION}-{content}-{hash_texts(json.dumps(asdict(options), sort_keys=True))[:8]}"


def _read(path: Path, options: SequenceOptions, content: str) -> Sequences:
    """Return the sequences: parsed the first time, read from the cache afterwards."""
    import numpy as np

    def write(folder: Path) -> None:
        parsed = read_sequences(path, options)
        fields = {field: getattr(parsed, field) for field in ARRAYS if getattr(parsed, field) is not None}
        np.savez(folder / "arrays.npz", **fields)
        others = {name: value for name, value in vars(parsed).items() if name not in ARRAYS}
        (folder / "names.json").write_text(json.dumps(others))

    folder = fill_cache(_cache_name(content, options), write)
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        return Sequences(**arrays, **json.loads((folder / "names.json").read_text()))


def read_sequences(path: Path, options: SequenceOptions) -> Sequences:
    """Parse a file by its ending.

    Raises:
        DataError: the file is not in one of the formats, or something in it is missing or no number.
    """
    if path.is_dir():
        raise archbench.DataError(f"{path} is a folder; sequences: needs a .csv, .parquet or .npz file")
    try:
        ending = path.suffix.lower()
        if ending == ".npz":
            return read_npz(path, options)
        if ending == ".parquet":
            return sequences_of(read_parquet(path), options)
        if ending == ".csv":
            return sequences_of(read_csv(path), options)
    except OSError as error:
        raise archbench.DataError(f"{path} cannot be read ({error.strerror or error})") from None
    raise archbench.DataError(
        f"{path.name} ends in {path.suffix or 'nothing'}; sequences: reads .csv, .parquet and .npz"
    )


@archbench.hookimpl
def archbench_readers() -> Iterable[archbench.Reader]:
    """Declare the reader of `sequences:`."""
    yield archbench.Reader(
        scheme="sequences",
        inspect=inspect,
        load=load,
        fit=fit,
        prepare=prepare,
        sample="archbench_tasks._samples:sequences",
        options=SequenceOptions,
        summary="A csv or parquet file with a row for each step, or an npz file",
        revision=REVISION,
    )
