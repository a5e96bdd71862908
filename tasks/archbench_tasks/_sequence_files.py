"""Sequences from csv, parquet and npz files, with the place of everything that is wrong in them.

Long form (csv, parquet): one row for each step, in the order of time; a column says which sequence the row is of, one
has the label or the number to predict, and all others are features. In npz: `inputs` (N, T, F) or (N, T) with
`lengths` (N,) if they differ, or all steps one after the other as `values` (sum of lengths, F) with `lengths`; and
`targets` (N,), text or integers for classes, floats for a number to predict.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

    from archbench_tasks.own_sequences import SequenceOptions


@dataclass(frozen=True)
class Sequences:
    """What a file says.

    Args:
        values: float64 (M, F), all steps of all sequences, one sequence after the other.
        lengths: int64 (N,), their sum is M.
        targets: class numbers int64 (N,), or float64 (N,) where a number is to be predicted.
        classes: names of the classes in order; empty where a number is to be predicted.
    """

    values: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any]
    targets: np.ndarray[Any, Any]
    classes: list[str]


@dataclass(frozen=True)
class Table:
    """Columns by name, and where a row stands in the file, for messages."""

    columns: Mapping[str, Sequence[Any]]
    place: Callable[[int], str]


def read_sequences(path: Path, options: SequenceOptions) -> Sequences:
    """The sequences of a file.

    Raises:
        DataError: the file is not in one of the formats, or something in it is missing or no number.
    """
    if path.is_dir():
        raise archbench.DataError(f"{path} is a folder; sequences: needs a .csv, .parquet or .npz file")
    try:
        ending = path.suffix.lower()
        if ending == ".npz":
            return _from_npz(path, options)
        if ending == ".parquet":
            return _from_table(_read_parquet(path), path, options)
        if ending == ".csv":
            return _from_table(_read_csv(path), path, options)
    except OSError as error:
        raise archbench.DataError(f"{path} cannot be read ({error.strerror or error})") from None
    raise archbench.DataError(
        f"{path.name} ends in {path.suffix or 'nothing'}; sequences: reads .csv, .parquet and .npz"
    )


def _read_csv(path: Path) -> Table:
    rows, lines = [], []
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise archbench.DataError(
                        f"{path.name} line {reader.line_num} has {len(row)} columns, the first line has {len(header)}; "
                        "give every line as many"
                    )
                rows.append(row)
                lines.append(reader.line_num)
        except (csv.Error, UnicodeDecodeError) as error:
            raise archbench.DataError(
                f"{path.name} is not readable as csv in UTF-8 near line {reader.line_num + 1} ({error})"
            ) from None
    if not rows:
        raise archbench.DataError(f"{path.name} has no rows; the first line names the columns, the others are steps")
    _check_header(header, path)
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    return Table(columns, lambda row: f"line {lines[row]}")


def _check_header(header: list[str], path: Path) -> None:
    # The number of a row, as pandas writes it by itself: as a feature it would give away the order, and so the label.
    if any(not name or name.startswith("__index_level_") for name in header):
        raise archbench.DataError(
            f"{path.name} has a column without a name; pandas writes the number of each row so: leave it out with "
            "index=False, or name it if it is a feature"
        )
    if len(header) == 1 and (other := set(header[0]) & set(";\t|")):
        raise archbench.DataError(f"{path.name} has columns that {other.pop()!r} separates; separate them by commas")
    twice = [name for name in header if header.count(name) > 1]
    if twice:
        raise archbench.DataError(f"{path.name} has two columns {twice[0]!r}; rename one")


def _read_parquet(path: Path) -> Table:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise archbench.DataError(
            f"{path.name}: reading parquet needs pyarrow; pip install 'archbench[parquet]', or give a .csv file"
        ) from None
    try:
        _check_header(pyarrow.parquet.read_schema(path).names, path)
        table = pyarrow.parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise archbench.DataError(f"{path.name} is not readable as parquet ({error})") from None
    if not table.num_rows:
        raise archbench.DataError(f"{path.name} has no rows; each row is a step of a sequence")
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    return Table(columns, lambda row: f"row {row + 1}")


def _from_table(table: Table, path: Path, options: SequenceOptions) -> Sequences:
    import numpy as np

    asked = options.target or options.label
    features = _features(table, path, options)
    ids = _texts(table, options.id, path)
    _, first, sequence = np.unique(np.array(ids), return_index=True, return_inverse=True)
    values = np.stack([_numbers(table, name, path) for name in features], axis=1)
    given: Any = _numbers(table, asked, path) if options.target else np.array(_texts(table, asked, path))
    changed = np.flatnonzero(given != given[first[sequence]])
    if len(changed):
        row, start = int(changed[0]), int(first[sequence[changed[0]]])
        raise archbench.DataError(
            f"{path.name}: sequence {ids[row]!r} has {asked} {given[start]} in {table.place(start)} and {given[row]} "
            f"in {table.place(row)}; it needs one for the whole sequence"
        )
    order = np.argsort(first[sequence], kind="stable")  # sequences as they begin in the file, steps as they stand
    starts = np.sort(first)
    lengths = np.bincount(sequence)[sequence[starts]]
    targets, classes = (given[starts], []) if options.target else _number_classes(given[starts])
    return Sequences(values[order], lengths, targets, classes)


def _features(table: Table, path: Path, options: SequenceOptions) -> list[str]:
    """All columns but those that the options name, which must be there."""
    answer = "target" if options.target else "label"
    for option in ("id", answer):
        column = getattr(options, option)
        if column not in table.columns:
            hint = ", or target=NAME for a number to predict" if option == "label" else ""
            raise archbench.DataError(
                f"{path.name} has no column {column!r}; its columns are {', '.join(table.columns)}: set {option}=NAME"
                f"{hint}"
            )
    features = [name for name in table.columns if name not in (options.id, options.label, options.target)]
    if not features:
        raise archbench.DataError(
            f"{path.name} has no columns beside {options.id!r} and {getattr(options, answer)!r}; where are the numbers?"
        )
    return features


def _texts(table: Table, column: str, path: Path) -> list[str]:
    # NaN, which alone is unequal to itself, is how some writers of parquet leave a cell empty.
    texts = ["" if value is None or value != value else str(value).strip() for value in table.columns[column]]
    if "" in texts:
        raise archbench.DataError(
            f"{path.name} {table.place(texts.index(''))}: {column!r} is missing; every row needs it"
        )
    return texts


def _numbers(table: Table, column: str, path: Path) -> np.ndarray[Any, Any]:
    """A column as finite float64."""
    import numpy as np

    values = table.columns[column]
    try:
        numbers = np.array(values, np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (len(values),):  # some are no numbers, or each is a list
        numbers = np.array([_number(value) for value in values])
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        shown = repr(values[wrong[0]]) if values[wrong[0]] not in ("", None) else "nothing"
        raise archbench.DataError(
            f"{path.name} {table.place(int(wrong[0]))}, column {column!r}: {shown} is not a finite number"
            f"{f', nor are {len(wrong) - 1} more in that column' if len(wrong) > 1 else ''}; fill it in, or drop it"
        )
    return numbers


def _number(value: Any) -> float:
    """Not a number where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _number_classes(labels: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Labels to 0, 1, ...; whole numbers in their order, anything else in that of the alphabet."""
    import numpy as np

    names = np.unique(labels).tolist()
    if all(str(name).lstrip("-").isdecimal() for name in names):
        names.sort(key=int)
    number = {name: index for index, name in enumerate(names)}
    return np.array([number[label] for label in labels.tolist()], np.int64), [str(name) for name in names]


def _from_npz(path: Path, options: SequenceOptions) -> Sequences:
    import numpy as np

    try:
        if not zipfile.is_zipfile(path):  # numpy would take it for a pickle
            raise zipfile.BadZipFile("it is no zip archive")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except ValueError:
        raise archbench.DataError(
            f"{path.name} holds Python objects, which could run code; store sequences of different lengths as values "
            "(all steps one after the other) and lengths"
        ) from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise archbench.DataError(f"{path.name} is not readable as npz ({error})") from None
    values, lengths = _steps_of(arrays, path)
    targets = arrays.get("targets")
    if targets is None or targets.shape != lengths.shape:
        found = "no array `targets`" if targets is None else f"targets of shape {targets.shape}"
        raise archbench.DataError(f"{path.name} has {found}; give targets ({len(lengths)},), one for a sequence")
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        row, feature = wrong[0]
        sequence = int(np.searchsorted(lengths.cumsum(), row, side="right"))
        step = row - lengths[:sequence].sum()
        raise archbench.DataError(
            f"{path.name}: sequence {sequence}, step {step}, feature {feature} is {values[row, feature]}, not a finite "
            f"number (counted from 0; {len(wrong)} in all); fill them in, or drop them"
        )
    if targets.dtype.kind == "S":
        targets = np.char.decode(targets, "utf-8", "replace")
    if targets.dtype.kind != "f":
        if "" in targets.astype(str):
            raise archbench.DataError(f"{path.name}: the label of sequence {targets.tolist().index('')} is missing")
        labels, classes = _number_classes(targets)
        return Sequences(values, lengths, labels, classes)
    missing = np.flatnonzero(~np.isfinite(targets))
    if len(missing):
        raise archbench.DataError(
            f"{path.name}: the target of sequence {missing[0]} is {targets[missing[0]]}; fill it in"
        )
    return Sequences(values, lengths, targets.astype(np.float64), [])


def _steps_of(arrays: dict[str, np.ndarray[Any, Any]], path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Values (M, F) and lengths (N,) in either form."""
    import numpy as np

    name = "inputs" if "inputs" in arrays else "values"
    values, lengths = arrays.get(name), arrays.get("lengths")
    if values is None or (name == "values" and lengths is None):
        raise archbench.DataError(
            f"{path.name} has {', '.join(arrays) or 'no arrays'}; give inputs (N, T, F), or values (M, F) and lengths"
        )
    if (
        values.dtype.kind not in "fiub"
        or values.ndim not in ((2, 3) if name == "inputs" else (1, 2))
        or not values.size
    ):
        raise archbench.DataError(f"{path.name}: {name} is {values.dtype} {values.shape}; give numbers (..., F)")
    flat = values.ndim == (2 if name == "inputs" else 1)
    values = (values[..., None] if flat else values).astype(np.float64)
    steps = values.shape[1] if name == "inputs" else len(values)
    if lengths is not None and (lengths.dtype.kind not in "iuf" or (lengths % 1 != 0).any()):
        raise archbench.DataError(f"{path.name}: lengths is {lengths.dtype} {lengths.shape}; give whole numbers")
    lengths = np.full(len(values), steps) if lengths is None else lengths.astype(np.int64)
    one_each = lengths.shape == values.shape[:1]
    fits = one_each if name == "inputs" else lengths.ndim == 1 and lengths.sum() == len(values)
    if not fits or lengths.min() < 1 or lengths.max() > steps:
        rule = f"one for each sequence, 1 to {steps}" if name == "inputs" else f"1 or more each, {steps} together"
        raise archbench.DataError(f"{path.name}: lengths {lengths.shape} do not fit {name} {values.shape}; give {rule}")
    if name == "inputs":
        values = values[np.arange(steps) < lengths[:, None]]
    return values, lengths
