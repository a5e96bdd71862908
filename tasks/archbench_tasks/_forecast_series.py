"""Series for forecasts: the rows of a table in the order of time, with the number to forecast and the split of each.

The number to forecast is a feature too, its past, unless `drop=` leaves it out. A file without a column `id` is one
series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._sequence_cells import Table, feature_of, mask_name, masked, numbers_or_nothing, texts_of, times_of
from archbench_tasks._sequence_columns import find_column, find_features, spacing_name
from archbench_tasks._sequence_tables import read_csv, read_parquet
from archbench_tasks._sequence_times import put_in_order
from archbench_tasks._sequences import SequenceOptions

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

TRAINING, KNOWN = 0.7, 0.8
"""Shares of the rows, in the order of time, that end with the training split and with the validation split."""
_TARGET, _MOMENT = "\0target", "\0moment"  # carried along while rows are put in order


@dataclass(frozen=True)
class Series:
    """The rows of a file, one series after the other, each in the order of time.

    Args:
        values: float64 (M, F), NaN where a cell is empty.
        target: the number to forecast (M,), NaN where it is not known.
        lengths: rows of each series (N,).
        names: of the series (N,).
        features: F names.
        target_name: the column of the number.
        moments: the time of each row (M,), float64; None where no times are given.
        dates: the times are dates, in seconds since 1970.
    """

    values: Array
    target: Array
    lengths: Array
    names: list[str]
    features: list[str]
    target_name: str
    moments: Array | None
    dates: bool


def read_series(path: Path, options: SequenceOptions, features: Sequence[str] | None = None) -> Series:
    """Return the series of a csv or parquet file.

    Args:
        path: of the file.
        options: which columns are what.
        features: those of a task, for new files, in order; None to find them.

    Raises:
        DataError: a column is missing, or a cell is no number.
    """
    import numpy as np

    table = _table(path)
    named = _named_columns(table, options)
    ids = texts_of(table, named["id"]) if "id" in named else [""] * len(next(iter(table.columns.values())))
    names, first, sequence = np.unique(np.array(ids), return_index=True, return_inverse=True)
    order = np.argsort(first)
    sequence = np.argsort(order)[sequence]
    spacing = spacing_name(named)
    others = {option: column for option, column in named.items() if option != "target"}
    wanted = find_features(table.file, table.columns, others, options) if features is None else features
    columns = _columns(table, [name for name in wanted if name != spacing], options, found=features is None)
    target = _target(table, named["target"], options)
    times = times_of(table, named["time"]) if "time" in named else None
    carried = {_TARGET: target, **({} if times is None else {_MOMENT: times.moments})}
    spacing = spacing if spacing in wanted else ""
    values, fields = put_in_order(
        table.file, {**columns, **carried}, sequence, times, spacing=spacing, even=features is not None
    )
    every = fields["features"]
    kept = [place for place, name in enumerate(every) if name not in carried]
    return Series(
        values=values[:, kept],
        target=values[:, every.index(_TARGET)],
        lengths=np.bincount(sequence),
        names=[str(name) for name in names[order]],
        features=[every[place] for place in kept],
        target_name=named["target"],
        moments=None if times is None else values[:, every.index(_MOMENT)],
        dates=bool(fields.get("dates")),
    )


def _table(path: Path) -> Table:
    ending = path.suffix.lower()
    if path.is_dir() or ending not in (".csv", ".parquet"):
        raise archbench.DataError(f"{path.name} is no .csv or .parquet file, which forecasts are made from")
    try:
        return read_csv(path) if ending == ".csv" else read_parquet(path)
    except OSError as error:
        raise archbench.DataError(f"{path} cannot be read ({error.strerror or error})") from None


def _named_columns(table: Table, options: SequenceOptions) -> dict[str, str]:
    """Return the column of each option that names one; the usual `id` may be missing."""
    written = {"target": options.target, "time": options.time or "", "id": options.id}
    if options.id == SequenceOptions().id and options.id not in table.columns:
        del written["id"]
    return {option: find_column(table.file, [*table.columns], option, name) for option, name in written.items() if name}


def _columns(table: Table, names: Sequence[str], options: SequenceOptions, *, found: bool) -> dict[str, Array]:
    """Return the features, the past of the target among them, and the masks of empty cells.

    Args:
        table: the file.
        names: of the features. If they are not those `found` in this file, but of a task, masks are among them.
        options: say whether cells may be empty.
        found: the names are columns of this file.
    """
    masks = None if found else [name for name in names if options.missing and mask_name(name) in names]
    columns = [name for name in names if name not in {mask_name(column) for column in masks or ()}]
    for name in columns:
        if name not in table.columns:
            raise archbench.DataError(f"{table.file} has no column {name!r}, a feature of the task; add it")
    if options.missing:
        return masked(table, columns, masks)
    return {name: feature_of(table, name, new=not found) for name in columns}


def _target(table: Table, column: str, options: SequenceOptions) -> Array:
    return numbers_or_nothing(table, column) if options.missing else feature_of(table, column)


def splits_of(series: Series) -> Array:
    """Return the split of each row (M,): 0 for training, 1 for validation, 2 for the test.

    With times, one moment divides all series; without, each is divided by its own rows.
    """
    import numpy as np

    if series.moments is not None:
        distinct = np.unique(series.moments)
        cuts = [distinct[min(int(share * len(distinct)), len(distinct) - 1)] for share in (TRAINING, KNOWN)]
        at: Array = np.add(series.moments >= cuts[0], series.moments >= cuts[1], dtype=np.int64)
        return at
    place = places_of(series)
    length = np.repeat(series.lengths, series.lengths)
    validation, test = ((share * length).astype(np.int64) for share in (TRAINING, KNOWN))
    split: Array = np.add(place >= validation, place >= test, dtype=np.int64)
    return split


def places_of(series: Series) -> Array:
    """Return the place of each row in its series (M,), from 0."""
    import numpy as np

    starts = series.lengths.cumsum() - series.lengths
    places: Array = np.arange(len(series.target)) - np.repeat(starts, series.lengths)
    return places


def moments_of(values: Array) -> tuple[float, float]:
    """Return mean and standard deviation of the known numbers of a column; a constant has 1."""
    import numpy as np

    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0, 1.0
    return float(known.mean()), float(known.std()) or 1.0
