"""Sequences from csv and parquet files in long form, with the place of every mistake in the file.

There is one row for each step, in the order of time. A column says which sequence the row belongs to, another has the
label or the number to predict, and all others are features.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._sequences import SequenceOptions, Sequences, number_classes

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Table:
    """A file as columns by name.

    Args:
        file: its name, for messages.
        columns: the cells of each column; all columns are equally long.
        place: `place(row)` says where a row stands in the file, for messages.
    """

    file: str
    columns: Mapping[str, Sequence[Any]]
    place: Callable[[int], str]


def read_csv(path: Path) -> Table:
    """Return the columns of a csv file as texts.

    Raises:
        DataError: it is not csv in UTF-8, a row has too few or too many cells, or the header does not name the columns.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            numbered = list(_numbered_rows(reader, path, columns=len(header)))
        except (csv.Error, UnicodeDecodeError) as error:
            raise archbench.DataError(
                f"{path.name} is not readable as csv in UTF-8 near line {reader.line_num + 1} ({error})"
            ) from None
    if not numbered:
        raise archbench.DataError(f"{path.name} has no rows; the first line names the columns, the others are steps")
    _check_header(header, path)
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


def sequences_of(table: Table, options: SequenceOptions) -> Sequences:
    """Return the sequences of a table, in the order in which they begin, with their steps in the order of the rows.

    Raises:
        DataError: a column is missing, a cell is empty or no number, or a sequence has two labels.
    """
    import numpy as np

    features = _features(table, options)
    ids = _texts(table, options.id)
    _, first, sequence = np.unique(np.array(ids), return_index=True, return_inverse=True)
    values = np.stack([_numbers(table, name) for name in features], axis=1)  # (M, F)
    given = _answers(table, options, ids, first[sequence])
    order = np.argsort(first[sequence], kind="stable")
    starts = np.sort(first)
    lengths = np.bincount(sequence)[sequence[starts]]
    targets, classes = (given[starts], []) if options.target else number_classes(given[starts])
    return Sequences(values[order], lengths, targets, classes)


def _features(table: Table, options: SequenceOptions) -> list[str]:
    """Return the names of the columns that the options do not name; raise if one that they name is missing."""
    answer = "target" if options.target else "label"
    for option in ("id", answer):
        column = getattr(options, option)
        if column not in table.columns:
            hint = ", or target=NAME for a number to predict" if option == "label" else ""
            raise archbench.DataError(
                f"{table.file} has no column {column!r}; its columns are {', '.join(table.columns)}: set {option}=NAME"
                f"{hint}"
            )
    features = [name for name in table.columns if name not in (options.id, options.label, options.target)]
    if not features:
        raise archbench.DataError(
            f"{table.file} has no columns beside {options.id!r} and {getattr(options, answer)!r}; "
            "where are the numbers?"
        )
    return features


def _answers(table: Table, options: SequenceOptions, ids: list[str], begins: Array) -> Array:
    """Return the label or the number to predict of each row (M,), which must be one for each sequence.

    Args:
        table, options: the table, and which column to read.
        ids: the sequence that each row belongs to.
        begins: the first row of that sequence (M,).
    """
    import numpy as np

    asked = options.target or options.label
    given = _numbers(table, asked) if options.target else np.array(_texts(table, asked))
    changed = np.flatnonzero(given != given[begins])
    if len(changed):
        row = int(changed[0])
        start = int(begins[row])
        raise archbench.DataError(
            f"{table.file}: sequence {ids[row]!r} has {asked} {given[start]} in {table.place(start)} and {given[row]} "
            f"in {table.place(row)}; it needs one for the whole sequence"
        )
    return given


def _texts(table: Table, column: str) -> list[str]:
    """Return a column as texts, none of them empty."""
    # NaN, the only value unequal to itself, is how some writers of parquet leave a cell empty.
    texts = ["" if value is None or value != value else str(value).strip() for value in table.columns[column]]
    if "" in texts:
        raise archbench.DataError(
            f"{table.file} {table.place(texts.index(''))}: {column!r} is missing; every row needs it"
        )
    return texts


def _numbers(table: Table, column: str) -> Array:
    """Return a column as finite float64."""
    import numpy as np

    values = table.columns[column]
    try:
        numbers = np.array(values, np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (len(values),):  # some cells are no numbers, or each cell is a list
        numbers = np.array([_number(value) for value in values])
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        shown = repr(values[wrong[0]]) if values[wrong[0]] not in ("", None) else "nothing"
        raise archbench.DataError(
            f"{table.file} {table.place(int(wrong[0]))}, column {column!r}: {shown} is not a finite number"
            f"{f', nor are {len(wrong) - 1} more in that column' if len(wrong) > 1 else ''}; fill it in, or drop it"
        )
    return numbers


def _number(value: Any) -> float:
    """Return a cell as a number, NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
