"""Splits of people's own sequences in words: sizes, groups and times, and what may surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archbench_tasks._own_splits import SPLITS, Pool
from archbench_tasks._sequence_times import write_time
from archbench_tasks._sequences import Sequences

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Rows = dict[str, Array]


def describe_splits(sequences: Sequences, pool: Pool, rows: Rows) -> dict[str, Any]:
    """Return the sequences of each split, its groups where there are any, and its first and last time."""
    facts: dict[str, Any] = {"splits": {name: len(rows[name]) for name in SPLITS}}
    if pool.groups is not None:
        facts["groups"] = {name: len({pool.groups[row] for row in rows[name]}) for name in SPLITS}
    if pool.times is not None:
        facts["begin"] = {name: _span(pool.times[rows[name]], dates=sequences.dates) for name in SPLITS}
    return facts


def _span(times: Array, *, dates: bool) -> str:
    return f"{write_time(times.min(), dates=dates)} to {write_time(times.max(), dates=dates)}"


def warn_of_splits(sequences: Sequences, pool: Pool, rows: Rows) -> list[str]:
    """Return a line for all that is left out, for times that order nothing, and for classes missing from a split."""
    import numpy as np

    said = []
    left_out = len(pool.labels) - sum(map(len, rows.values()))
    if left_out:
        said.append(f"{left_out} sequences are left out, because they equal others in a later split")
    if sequences.starts is not None and pool.times is None:
        start = write_time(sequences.starts[0], dates=sequences.dates)
        said.append(f"all sequences begin at the time {start}, so that time orders their steps but not the splits")
    for label, name in enumerate(sequences.classes):
        missing = [split for split in SPLITS if not np.any(pool.labels[rows[split]] == label)]
        if missing:
            said.append(f"class {name!r} has no sequence in the {' and '.join(missing)} split")
    return said
