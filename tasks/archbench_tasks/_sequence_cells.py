"""The cells of a table: texts, numbers and times, with the place of every mistake in the file, and empty cells.

With `missing=mask` a feature may have empty cells. They become NaN here and the mean of the feature in the end, and a
feature `missing NAME` says where they were, so that a network can tell them from the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._sequence_columns import write_names
from archbench_tasks._sequence_times import Times, read_times

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


def times_of(table: Table, column: str) -> Times:
    """Return a column of times, none of them missing."""
    times = read_times(column, table.columns[column])
    expected = "a date such as 2024-03-01 or 2024-03-01T08:30" if times.dates else "a finite number"
    check_finite(table, column, times.moments, expected)
    return times


def texts_of(table: Table, column: str) -> list[str]:
    """Return a column as texts, none of them empty."""
    # NaN, the only value unequal to itself, is how some writers of parquet leave a cell empty.
    texts = ["" if value is None or value != value else str(value).strip() for value in table.columns[column]]
    if "" in texts:
        raise archbench.DataError(
            f"{table.file} {table.place(texts.index(''))}: {column!r} is missing; every row needs it"
        )
    return texts


def feature_of(table: Table, column: str, *, new: bool = False) -> Array:
    """Return a feature as finite float64; of a `new` table, options of the task can no longer leave it out."""
    if new:
        return numbers_of(table, column, advice="fill it in, since the network was trained with it")
    advice = f"fill it in, or leave the column out with drop={write_names([column])}"
    masking = "; or set missing=mask, where empty cells count as the mean and a feature says which they are"
    return numbers_of(table, column, advice=advice, advice_if_empty=advice + masking)


def numbers_of(table: Table, column: str, advice: str = "fill it in", advice_if_empty: str = "") -> Array:
    """Return a column as finite float64."""
    import numpy as np

    values = table.columns[column]
    try:
        numbers = np.array(values, np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (len(values),):  # some cells are no numbers, or each cell is a list
        numbers = np.array([_number(value) for value in values])
    check_finite(table, column, numbers, "a finite number", advice, advice_if_empty)
    return numbers


def check_finite(
    table: Table, column: str, numbers: Array, what: str, advice: str = "fill it in", advice_if_empty: str = ""
) -> None:
    """Raise unless all numbers that were read from a column are finite.

    Args:
        table, column: where they are from.
        numbers: one for each row.
        what: what a cell should be.
        advice: what to do.
        advice_if_empty: what to do where the first such cell is empty or says NaN, if that is something else.
    """
    import numpy as np

    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        cell = table.columns[column][wrong[0]]
        shown = repr(cell) if cell not in ("", None) else "an empty cell"
        advice = (_is_empty(cell) and advice_if_empty) or advice
        raise archbench.DataError(
            f"{table.file} {table.place(int(wrong[0]))}, column {column!r}: {shown} is not {what}"
            f"{f', nor are {len(wrong) - 1} more in that column' if len(wrong) > 1 else ''}; {advice}"
        )


def _is_empty(cell: Any) -> bool:
    """Return whether a cell is empty or says NaN."""
    return cell is None or str(cell).strip().lower() in ("", "nan")


def _number(value: Any) -> float:
    """Return a cell as a number, NaN if it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def mask_name(column: str) -> str:
    """Return the name of the feature that says where a column has empty cells."""
    return f"missing {column}"


def numbers_or_nothing(table: Table, column: str) -> Array:
    """Return a column as float64, NaN where a cell is empty or says NaN.

    Raises:
        DataError: a cell is something else than a finite number.
    """
    import numpy as np

    known = np.array([not _is_empty(cell) for cell in table.columns[column]])
    values = np.array([_number(cell) for cell in table.columns[column]])
    check_finite(table, column, np.where(known, values, 0.0), "a finite number or an empty cell")
    return values


def masked(table: Table, names: Sequence[str], masks: Sequence[str] | None = None) -> dict[str, Array]:
    """Return columns that may have empty cells, and after them a mask for each that has some.

    Args:
        table: the file.
        names: of the columns.
        masks: the columns that get a mask; None for those that have empty cells.
    """
    import numpy as np

    columns = {name: numbers_or_nothing(table, name) for name in names}
    empty = {name: np.isnan(values).astype(np.float64) for name, values in columns.items()}
    wanted = [name for name in names if empty[name].any()] if masks is None else masks
    return {**columns, **{mask_name(name): empty[name] for name in wanted}}


def known_or_mean(scaled: Array) -> Array:
    """Return scaled numbers with 0, the mean, where they are not known."""
    import numpy as np

    return np.nan_to_num(scaled, nan=0.0)
