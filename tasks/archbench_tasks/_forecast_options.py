"""Options of forecasts, and combinations of options that mean nothing."""

from __future__ import annotations

from pathlib import Path

import archbench
from archbench_tasks._sequences import SequenceOptions

CONTEXT = 32
"""Steps that a forecast sees unless `context=` says otherwise."""


def check_options(path: Path, options: SequenceOptions) -> None:
    """Raise if an option is given without the one that it belongs to, or for a file that it is not for.

    Raises:
        DataError: the message says what to change.
    """
    forecast = options.horizon is not None
    for name in ("context", "answers"):
        if getattr(options, name) is not None and not forecast:
            raise archbench.DataError(f"{path.name}: {name}= is for forecasts; add horizon=STEPS and target=COLUMN")
    if path.suffix.lower() == ".npz" and (forecast or options.missing):
        what = "horizon=" if forecast else "missing="
        raise archbench.DataError(f"{path.name}: {what} is for csv and parquet files, whose columns have names")
    if forecast and not options.target:
        raise archbench.DataError(f"{path.name}: horizon= needs target=COLUMN, the number to forecast")
    if forecast and options.group:
        raise archbench.DataError(
            f"{path.name}: group= does not go with horizon=; the splits of forecasts follow one another in time"
        )


def context_of(options: SequenceOptions) -> int:
    """Return the steps that a forecast sees."""
    return CONTEXT if options.context is None else options.context
