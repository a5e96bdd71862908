"""Sequences from csv and parquet files in long form, with the place of every mistake in the file.

There is one row for each step, in the order of time. A column says which sequence the row belongs to, another has the
label or the number to predict, and all others are features unless options say otherwise.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._sequence_cells import Table, feature_of, mask_name, masked, numbers_of, texts_of, times_of
from archbench_tasks._sequence_columns import find_column, find_features, spacing_name
from archbench_tasks._sequence_times import put_in_order
from archbench_tasks._sequences import SequenceOptions, Sequences, number_classes

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def read_csv(path: Path) -> Table:
    """Return the columns of a csv file as texts.

    Raises:
        DataError: it is not csv in UTF-8, a row has too few or too many cells, or the header does not name the columns.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            _check_header(header, path)
            numbered = list(_numbered_rows(reader, path, columns=len(header)))
        except (csv.Error, UnicodeDecodeError) as error:
            raise archbench.DataError(
                f"{path.name} is not readable as csv in UTF-8 near line {reader.line_num + 1} ({error}); "
                "save it as csv in UTF-8"
            ) from None
    if not numbered:
        raise archbench.DataError(f"{path.name} has no rows; the first line names the columns, the others are steps")
    lines, rows = zip(*numbered, strict=True)
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    return Table(path.name, columns, lambda row: f"line {lines[row]}")


def _numbered_rows(reader: Any, path: Path, *, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of each row that is not empty."""
    for row in reader:
        if row and len(row) != columns:
            raise archbench.DataError(
                f"{path.name} line {reader.line_num} has {len(row)} columns, the first line has {columns}; "
                "give every line as many"
            )
        if row:
            yield reader.line_num, row


def _check_header(header: list[str], path: Path) -> None:
    # pandas writes the number of each row by itself; as a feature it would give away the order, and so the label.
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


def read_parquet(path: Path) -> Table:
    """Return the columns of a parquet file.

    Raises:
        DataError: pyarrow is not installed, it is no parquet file, or the header does not name the columns.
    """
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
    return Table(path.name, columns, lambda row: f"row {row + 1}")


@dataclass(frozen=True)
class Rows:
    """The sequences that the rows of a table belong to, numbered in the order in which they begin.

    Args:
        ids: the sequence of each row by name (M,).
        sequence: its number (M,).
        first: the first row of each sequence (N,).
    """

    ids: list[str]
    sequence: Array
    first: Array


def sequences_of(table: Table, options: SequenceOptions) -> Sequences:
    """Return the sequences of a table, in the order in which they begin in the file.

    Their steps are in the order of the rows, or of time where a column has the times.

    Raises:
        DataError: a column is missing, a cell is empty or no number, or a sequence has two labels or groups.
    """
    import numpy as np

    named = _named_columns(table, options)
    wanted = find_features(table.file, table.columns, named, options)
    spacing = spacing_name(named) if spacing_name(named) in wanted else ""
    rows = _rows(texts_of(table, named["id"]))
    columns = _features(table, [name for name in wanted if name != spacing], options)
    targets, classes = _targets(table, named, rows)
    groups = _one_each(table, named["group"], rows).tolist() if "group" in named else None
    times = times_of(table, named["time"]) if "time" in named else None
    values, fields = put_in_order(table.file, columns, rows.sequence, times, spacing=spacing)
    return Sequences(values, np.bincount(rows.sequence), targets, classes, groups=groups, **fields)


def new_sequences_of(table: Table, options: SequenceOptions, features: Sequence[str]) -> tuple[Array, Array, list[str]]:
    """Return the steps (M, F) and lengths (N,) of sequences without an answer, and their names (N,).

    Args:
        table: with a column for each feature; others are left alone.
        options: of the task; `id` and `time` name columns.
        features: those of the task, in order.

    Raises:
        DataError: a column is missing, or a cell is empty or no number.
    """
    import numpy as np

    named = {
        option: find_column(table.file, [*table.columns], option, written)
        for option in ("id", "time")
        if (written := getattr(options, option))
    }
    spacing = spacing_name(named) if spacing_name(named) in features else ""
    masks = [name for name in features if options.missing and mask_name(name) in features]
    columns = _known_features(table, [name for name in features if name != spacing], masks, options)
    rows = _rows(texts_of(table, named["id"]))
    times = times_of(table, named["time"]) if "time" in named else None
    values, _ = put_in_order(table.file, columns, rows.sequence, times, spacing=spacing, even=True)
    return values, np.bincount(rows.sequence), [rows.ids[row] for row in rows.first]


def _features(table: Table, names: Sequence[str], options: SequenceOptions) -> dict[str, Array]:
    return masked(table, names) if options.missing else {name: feature_of(table, name) for name in names}


def _known_features(
    table: Table, features: Sequence[str], masks: Sequence[str], options: SequenceOptions
) -> dict[str, Array]:
    """Return the features that a task has, in their order; those of `masks` have a mask."""
    names = [name for name in features if name not in {mask_name(column) for column in masks}]
    for name in names:
        if name not in table.columns:
            raise archbench.DataError(f"{table.file} has no column {name!r}, a feature of the task; add it")
    return (
        masked(table, names, masks) if options.missing else {name: feature_of(table, name, new=True) for name in names}
    )


def _rows(ids: list[str]) -> Rows:
    import numpy as np

    _, first, sequence = np.unique(np.array(ids), return_index=True, return_inverse=True)
    order = np.argsort(first)
    return Rows(ids, np.argsort(order)[sequence], first[order])


def _named_columns(table: Table, options: SequenceOptions) -> dict[str, str]:
    """Return the column of each option that names one; raise if it is missing."""
    named = {}
    for option in ("id", "target" if options.target else "label", "group", "time"):
        if written := getattr(options, option):
            named[option] = find_column(table.file, [*table.columns], option, written)
    if options.target and options.label in table.columns:
        named["label"] = options.label  # another answer, and so no feature
    return named


def _targets(table: Table, named: dict[str, str], rows: Rows) -> tuple[Array, list[str]]:
    """Return the number of the class of each sequence and the classes, or the number to predict and no classes."""
    if "target" in named:
        return _one_each(table, named["target"], rows, numbers=True), []
    return number_classes(_one_each(table, named["label"], rows))


def _one_each(table: Table, column: str, rows: Rows, *, numbers: bool = False) -> Array:
    """Return the one cell that each sequence has in a column (N,), as texts or numbers."""
    import numpy as np

    given = numbers_of(table, column) if numbers else np.array(texts_of(table, column))
    begins = rows.first[rows.sequence]
    changed = np.flatnonzero(given != given[begins])
    if len(changed):
        row = int(changed[0])
        start = int(begins[row])
        raise archbench.DataError(
            f"{table.file}: sequence {rows.ids[row]!r} has {column} {given[start]} in {table.place(start)} and "
            f"{given[row]} in {table.place(row)}; it needs one for the whole sequence"
        )
    return given[rows.first]
