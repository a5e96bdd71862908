"""Sequences from npz files, with the place of every mistake in the arrays.

A file has `inputs` (N, T, F) or (N, T), with `lengths` (N,) if they differ; or `values` (sum of lengths, F), all steps
one after the other, with `lengths`. In both forms `targets` (N,) are text or integers for classes, floats for a number
to predict.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._sequences import Sequences, number_classes

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def read_npz(path: Path) -> Sequences:
    """Return the sequences of an npz file.

    Raises:
        DataError: an array is missing, does not fit the others, or has something in it that is no number.
    """
    import numpy as np

    arrays = _arrays(path)
    values, lengths = _steps(arrays, path)
    targets = arrays.get("targets")
    if targets is None or targets.shape != lengths.shape:
        found = "no array `targets`" if targets is None else f"targets of shape {targets.shape}"
        raise archbench.DataError(f"{path.name} has {found}; give targets ({len(lengths)},), one for a sequence")
    _check_finite(values, lengths, path)
    if targets.dtype.kind == "f":
        _check_numbers(targets, path)
        return Sequences(values, lengths, targets.astype(np.float64), [])
    labels, classes = number_classes(_labels(targets, path))
    return Sequences(values, lengths, labels, classes)


def _arrays(path: Path) -> dict[str, Array]:
    """Return all arrays of a file, without running code that could be in it."""
    import numpy as np

    try:
        if not zipfile.is_zipfile(path):  # numpy would take it for a pickle
            raise zipfile.BadZipFile("it is no zip archive")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except ValueError:
        raise archbench.DataError(
            f"{path.name} holds Python objects, which could run code; store sequences of different lengths as values "
            "(all steps one after the other) and lengths"
        ) from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise archbench.DataError(f"{path.name} is not readable as npz ({error})") from None


def _steps(arrays: dict[str, Array], path: Path) -> tuple[Array, Array]:
    """Return values (M, F) and lengths (N,) from either form."""
    import numpy as np

    name = "inputs" if "inputs" in arrays else "values"
    if name not in arrays or (name == "values" and "lengths" not in arrays):
        raise archbench.DataError(
            f"{path.name} has {', '.join(arrays) or 'no arrays'}; give inputs (N, T, F), or values (M, F) and lengths"
        )
    values = _values(arrays[name], name, path)
    lengths = _lengths(arrays.get("lengths"), values, name, path)
    if name == "inputs":
        values = values[np.arange(values.shape[1]) < lengths[:, None]]
    return values, lengths


def _values(array: Array, name: str, path: Path) -> Array:
    """Return `inputs` as float64 (N, T, F), or `values` as (M, F)."""
    import numpy as np

    axes = 3 if name == "inputs" else 2
    if array.dtype.kind not in "fiub" or array.ndim not in (axes - 1, axes) or not array.size:
        raise archbench.DataError(f"{path.name}: {name} is {array.dtype} {array.shape}; give numbers (..., F)")
    one_feature = array.ndim == axes - 1
    return (array[..., None] if one_feature else array).astype(np.float64)


def _lengths(lengths: Array | None, values: Array, name: str, path: Path) -> Array:
    """Return the number of steps of each sequence, int64 (N,)."""
    import numpy as np

    steps = values.shape[1] if name == "inputs" else len(values)
    if lengths is not None and (lengths.dtype.kind not in "iuf" or (lengths % 1 != 0).any()):
        raise archbench.DataError(f"{path.name}: lengths is {lengths.dtype} {lengths.shape}; give whole numbers")
    lengths = np.full(len(values), steps) if lengths is None else lengths.astype(np.int64)
    one_each = lengths.shape == values.shape[:1]
    fits = one_each if name == "inputs" else lengths.ndim == 1 and lengths.sum() == len(values)
    if not fits or lengths.min() < 1 or lengths.max() > steps:
        rule = f"one for each sequence, 1 to {steps}" if name == "inputs" else f"1 or more each, {steps} together"
        raise archbench.DataError(f"{path.name}: lengths {lengths.shape} do not fit {name} {values.shape}; give {rule}")
    return lengths


def _check_finite(values: Array, lengths: Array, path: Path) -> None:
    import numpy as np

    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        row, feature = wrong[0]
        sequence = int(np.searchsorted(lengths.cumsum(), row, side="right"))
        step = row - lengths[:sequence].sum()
        raise archbench.DataError(
            f"{path.name}: sequence {sequence}, step {step}, feature {feature} is {values[row, feature]}, not a finite "
            f"number (counted from 0; {len(wrong)} in all); fill them in, or drop them"
        )


def _check_numbers(targets: Array, path: Path) -> None:
    import numpy as np

    missing = np.flatnonzero(~np.isfinite(targets))
    if len(missing):
        raise archbench.DataError(
            f"{path.name}: the target of sequence {missing[0]} is {targets[missing[0]]}; fill it in"
        )


def _labels(targets: Array, path: Path) -> Array:
    """Return labels, bytes decoded, none of them empty."""
    import numpy as np

    if targets.dtype.kind == "S":
        targets = np.char.decode(targets, "utf-8", "replace")
    if "" in targets.astype(str):
        raise archbench.DataError(f"{path.name}: the label of sequence {targets.tolist().index('')} is missing")
    return targets
