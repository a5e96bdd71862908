"""Sequences from npz files, with the place of every mistake in the arrays.

A file has `inputs` (N, T, F) or (N, T), with `lengths` (N,) if they differ; or `values` (sum of lengths, F), all steps
one after the other, with `lengths`. In both forms `targets` (N,) are text or integers for classes, floats for a number
to predict. `group` names an array (N,), `time` an array (N, T) or (sum of lengths,).
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._sequence_columns import find_column, find_features, spacing_name
from archbench_tasks._sequence_times import Times, put_in_order, read_times
from archbench_tasks._sequences import SequenceOptions, Sequences, number_classes

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def read_npz(path: Path, options: SequenceOptions) -> Sequences:
    """Return the sequences of an npz file.

    Args:
        path: of the file.
        options: `group` and `time` name arrays, `features` and `drop` give numbers of features.

    Raises:
        DataError: an option is for tables only, or an array is missing, does not fit the others, or has something in it
            that is no number.
    """
    import numpy as np

    _refuse_columns(path, options)
    arrays = _arrays(path)
    form = _steps(arrays, path)
    targets = _one_each(arrays, "targets", form.lengths, path)
    _check_finite(form.values, form.lengths, path)
    named = {
        option: find_column(path.name, [*arrays], option, written)
        for option in ("group", "time")
        if (written := getattr(options, option))
    }
    groups = times = None
    if "group" in named:
        groups = [*map(str, _labels(_one_each(arrays, named["group"], form.lengths, path), named["group"], path))]
    if "time" in named:
        times = _times(arrays, named["time"], form, path)
    wanted = find_features(path.name, [*map(str, range(form.values.shape[1]))], named, options)
    spacing = spacing_name(named) if spacing_name(named) in wanted else ""
    columns = {name: form.values[:, int(name)] for name in wanted if name != spacing}
    sequence = np.repeat(np.arange(len(form.lengths)), form.lengths)
    values, fields = put_in_order(path.name, columns, sequence, times, spacing=spacing)
    answers = _answers(targets, path)
    return Sequences(values, form.lengths, *answers, groups=groups, **fields)


def read_new_npz(path: Path, options: SequenceOptions, features: Sequence[str]) -> tuple[Array, Array, list[str]]:
    """Return the steps (M, F) and lengths (N,) of sequences without an answer, and their numbers as names (N,).

    Args:
        path: of the file; its targets are left alone.
        options: of the task; `time` names an array.
        features: those of the task, in order.

    Raises:
        DataError: an array is missing, does not fit the others, or has something in it that is no number.
    """
    import numpy as np

    arrays = _arrays(path)
    form = _steps(arrays, path)
    _check_finite(form.values, form.lengths, path)
    named = {"time": find_column(path.name, [*arrays], "time", options.time)} if options.time else {}
    spacing = spacing_name(named) if spacing_name(named) in features else ""
    numbered = [name for name in features if name != spacing]
    if not all(name.isdecimal() for name in numbered):
        raise archbench.DataError(
            f"{path.name} has no names of columns, and the network was trained on {', '.join(numbered)}; "
            "give a .csv or .parquet file with these"
        )
    wanted = [int(name) for name in numbered]
    if max(wanted, default=0) >= form.values.shape[1]:
        raise archbench.DataError(f"{path.name} has {form.values.shape[1]} features, and no {max(wanted)}")
    sequence = np.repeat(np.arange(len(form.lengths)), form.lengths)
    times = _times(arrays, named["time"], form, path) if named else None
    columns = {str(number): form.values[:, number] for number in wanted}
    values, _ = put_in_order(path.name, columns, sequence, times, spacing=spacing, even=True)
    return values, form.lengths, [*map(str, range(len(form.lengths)))]


def _refuse_columns(path: Path, options: SequenceOptions) -> None:
    """Raise `DataError` if an option names a column, of which an npz file has none."""
    usual = SequenceOptions()
    for option in ("id", "label", "target"):
        written = getattr(options, option)
        if written != getattr(usual, option):
            raise archbench.DataError(
                f"{path.name}: {option}={written} names a column, and an npz file has none; leave {option}= out: the "
                "sequences are told by the shape of `inputs` or by `lengths`, and their answers are the array `targets`"
            )


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


@dataclass(frozen=True)
class Form:
    """The steps of a file in one of the two forms.

    Args:
        values: of all steps, one sequence after the other (M, F).
        lengths: of the sequences (N,).
        real: which steps of `inputs` are no padding (N, T); None in the other form.
    """

    values: Array
    lengths: Array
    real: Array | None = None


def _steps(arrays: dict[str, Array], path: Path) -> Form:
    """Return the steps of either form."""
    import numpy as np

    name = "inputs" if "inputs" in arrays else "values"
    if name not in arrays or (name == "values" and "lengths" not in arrays):
        raise archbench.DataError(
            f"{path.name} has {', '.join(arrays) or 'no arrays'}; give inputs (N, T, F), or values (M, F) and lengths"
        )
    values = _values(arrays[name], name, path)
    lengths = _lengths(arrays.get("lengths"), values, name, path)
    if name == "values":
        return Form(values, lengths)
    real = np.arange(values.shape[1]) < lengths[:, None]
    return Form(values[real], lengths, real)


def _one_each(arrays: dict[str, Array], name: str, lengths: Array, path: Path) -> Array:
    """Return an array that has one value for each sequence (N,)."""
    array = arrays.get(name)
    if array is None or array.shape != lengths.shape:
        found = f"no array `{name}`" if array is None else f"{name} of shape {array.shape}"
        raise archbench.DataError(f"{path.name} has {found}; give {name} ({len(lengths)},), one for a sequence")
    return array


def _times(arrays: dict[str, Array], name: str, form: Form, path: Path) -> Times:
    """Return the times of all steps: numbers, dates of numpy, or texts."""
    import numpy as np

    array = arrays[name]
    shape = form.values.shape[:1] if form.real is None else form.real.shape
    if array.shape != shape:
        raise archbench.DataError(f"{path.name} has {name} of shape {array.shape}; give {shape}, a time for each step")
    array = array if form.real is None else array[form.real]
    times = read_times(name, array.astype("datetime64[us]" if array.dtype.kind == "M" else array.dtype).tolist())
    wrong = (~np.isfinite(times.moments)).nonzero()[0]
    if len(wrong):
        sequence, step = _place(int(wrong[0]), form.lengths)
        raise archbench.DataError(
            f"{path.name}: sequence {sequence}, step {step} has the time {array[wrong[0]]!s}, which is neither a "
            f"finite number nor a date such as 2024-03-01T08:30 (counted from 0; {len(wrong)} in all)"
        )
    return times


def _answers(targets: Array, path: Path) -> tuple[Array, list[str]]:
    """Return class numbers and the names of the classes, or numbers to predict and no names."""
    import numpy as np

    if targets.dtype.kind == "f":
        _check_numbers(targets, path)
        return targets.astype(np.float64), []
    return number_classes(_labels(targets, "label", path))


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
        sequence, step = _place(int(row), lengths)
        raise archbench.DataError(
            f"{path.name}: sequence {sequence}, step {step}, feature {feature} is {values[row, feature]}, not a finite "
            f"number (counted from 0; {len(wrong)} in all); fill them in, or drop them"
        )


def _place(row: int, lengths: Array) -> tuple[int, int]:
    """Return the sequence that a row of all steps belongs to, and its step there, both counted from 0."""
    import numpy as np

    sequence = int(np.searchsorted(lengths.cumsum(), row, side="right"))
    return sequence, row - int(lengths[:sequence].sum())


def _check_numbers(targets: Array, path: Path) -> None:
    import numpy as np

    missing = np.flatnonzero(~np.isfinite(targets))
    if len(missing):
        raise archbench.DataError(
            f"{path.name}: the target of sequence {missing[0]} is {targets[missing[0]]}; fill it in"
        )


def _labels(targets: Array, what: str, path: Path) -> Array:
    """Return labels or groups, bytes decoded, none of them empty."""
    import numpy as np

    if targets.dtype.kind == "S":
        targets = np.char.decode(targets, "utf-8", "replace")
    if "" in targets.astype(str):
        raise archbench.DataError(f"{path.name}: the {what} of sequence {targets.tolist().index('')} is missing")
    return targets
