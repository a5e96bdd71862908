"""New sequences for a network that was trained on a file of sequences: the features of the task, scaled as there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._sequence_arrays import read_new_npz
from archbench_tasks._sequence_cells import known_or_mean
from archbench_tasks._sequence_tables import new_sequences_of, read_csv, read_parquet
from archbench_tasks._sequences import SequenceOptions

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def prepare(files: Sequence[Path], options: SequenceOptions, fitted: archbench.Fitted) -> archbench.Prepared:
    """Return new sequences in the order in which they begin in their files; answers in the files are left alone.

    Args:
        files: csv, parquet or npz.
        options: of the task.
        fitted: what `own_sequences.fit` returned.

    Raises:
        DataError: a file cannot be used, or a sequence is longer than all of the task.
    """
    import numpy as np

    if options.horizon is not None:
        from archbench_tasks._forecasting import prepare as prepare_forecasts

        return prepare_forecasts(files, options, fitted)
    features, shortest, longest = (fitted.values[name] for name in ("features", "shortest", "longest"))
    read = [_read(file, options, features) for file in files]
    lengths = np.concatenate([of for _, of, _ in read])
    names = [(str(file), name) for file, (_, _, of) in zip(files, read, strict=True) for name in of]
    _check_lengths(names, lengths, shortest, longest)
    moments = (np.array(fitted.values[name]) for name in ("mean", "spread"))
    return archbench.Prepared(
        inputs=scaled_inputs(np.concatenate([of for of, _, _ in read]), lengths, *moments, longest=longest),
        rows={"file": [file for file, _ in names], "sequence": [name for _, name in names]},
        lengths=lengths if shortest < longest else None,
    )


def scaled_inputs(values: Array, lengths: Array, mean: Array, spread: Array, *, longest: int | None = None) -> Array:
    """Return features (N, T, F) float32, scaled, with zeros after the end of each sequence.

    Args:
        values: of all steps (M, F).
        lengths: of the sequences (N,).
        mean, spread: of each feature (F,).
        longest: T; None for the longest of these.
    """
    import numpy as np

    longest = int(lengths.max()) if longest is None else longest
    padded = np.zeros((len(lengths), longest, values.shape[1]), np.float32)
    padded[np.arange(longest) < lengths[:, None]] = known_or_mean((values - mean) / spread)
    return padded


def _read(file: Path, options: SequenceOptions, features: Sequence[str]) -> tuple[Array, Array, list[str]]:
    ending = file.suffix.lower()
    try:
        if ending == ".npz":
            return read_new_npz(file, options, features)
        if ending in (".csv", ".parquet"):
            return new_sequences_of(read_csv(file) if ending == ".csv" else read_parquet(file), options, features)
    except OSError as error:
        raise archbench.DataError(f"{file} cannot be read ({error.strerror or error})") from None
    raise archbench.DataError(f"{file.name} ends in {ending or 'nothing'}; sequences: reads .csv, .parquet and .npz")


def _check_lengths(names: Sequence[tuple[str, str]], lengths: Array, shortest: int, longest: int) -> None:
    import numpy as np

    wrong = (lengths > longest) | ((lengths != longest) & (shortest == longest))
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        file, name = names[place]
        allowed = f"exactly {longest}" if shortest == longest else f"1 to {longest}"
        raise archbench.DataError(
            f"{file}: sequence {name!r} has {lengths[place]} steps; the network was trained on {allowed}, so cut it"
        )
