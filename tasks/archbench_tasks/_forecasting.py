"""Forecasts from your own csv: `--task 'sequences:load.csv[target=load,horizon=24,time=when]'`.

A network sees `context=` steps, the past of the number to forecast among the features, and answers with that number
`horizon=` steps after the last one, or with `answers=every` after each one. Splits follow one another in time: the
first 70 % of the rows train, the next 10 % validate, and the last 20 % test; `_forecast_windows` says why no window
sees the future. Features and numbers are scaled by mean and standard deviation of the training rows alone.

Chance is persistence, the score of the last known number as the forecast. With `missing=mask` cells may be empty; a
number that is not known is neither trained on nor scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import archbench
from archbench_tasks._forecast_options import context_of
from archbench_tasks._forecast_series import Series, moments_of, places_of, read_series, splits_of
from archbench_tasks._forecast_windows import MOST_WINDOWS, SPLITS, Shape, persistence, rows_of, windows_of
from archbench_tasks._own_splits import own_margin
from archbench_tasks._sequence_cells import known_or_mean
from archbench_tasks._sequence_times import write_time
from archbench_tasks._sequences import SequenceOptions

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

SCALED_BY = "by mean and standard deviation of the training rows"


def inspect(path: Path, options: SequenceOptions, content: str) -> archbench.Found:
    """Return the task of forecasts that a file makes.

    Raises:
        DataError: the file cannot be used, or a split has no window.
    """
    series, shape = read_series(path, options), _shape(options)
    windows = _checked_windows(series, shape, path.name)
    offset, scale = _target_moments(series, path.name)
    chance = _persistence_error(series, shape, windows["test"], offset, scale)
    if chance == 0:
        raise archbench.DataError(
            f"{path.name}: {series.target_name} does not change within the test split, so that the last number is a "
            "perfect forecast; there is nothing to learn"
        )
    return archbench.Found(
        content=content,
        info=archbench.TaskInfo(
            kind="sequence", input_shape=(shape.context, len(series.features)), outputs=1, per_step=shape.every
        ),
        loss="mean_squared_error",
        metric="mean_squared_error",
        chance=chance,
        oracle=0.0,
        margin=own_margin(chance, 0.0),
        metrics=("mean_absolute_error", "r2"),
        baseline="persistence",
        target_scale=archbench.TargetScale(offset=offset, scale=scale, of=SCALED_BY),
        missing_targets=_has_unknown(series, shape, windows),
        summary=_summary(series, shape),
        fixed_splits=True,
        facts=_facts(series, shape, windows),
        features=tuple(series.features),
        warnings=tuple(_warnings(series, shape, windows)),
    )


def _shape(options: SequenceOptions) -> Shape:
    assert options.horizon is not None
    return Shape(context_of(options), options.horizon, options.answers == "every")


def _checked_windows(series: Series, shape: Shape, file: str) -> dict[str, Array]:
    windows = windows_of(series, shape)
    empty = [name for name in SPLITS if not len(windows[name])]
    if empty:
        raise archbench.DataError(
            f"{file}: the {empty[0]} split has no window of {shape.context} steps with an answer {shape.horizon} steps "
            f"later; its longest series has {series.lengths.max()} rows: give more rows, a smaller context= or a "
            "smaller horizon="
        )
    return windows


def _target_moments(series: Series, file: str) -> tuple[float, float]:
    """Return mean and standard deviation of the known numbers of the training rows."""
    import numpy as np

    numbers = series.target[splits_of(series) == 0]
    known = numbers[~np.isnan(numbers)]
    if not len(known) or known.std() == 0:
        raise archbench.DataError(
            f"{file}: {series.target_name} is the same in all training rows, or never known there; nothing can be "
            "learnt from them"
        )
    return moments_of(numbers)


def _persistence_error(series: Series, shape: Shape, starts: Array, offset: float, scale: float) -> float:
    """Return the mean squared error of the last known number as the forecast, in scaled numbers."""
    import numpy as np

    seen, asked = rows_of(starts, shape)
    last = persistence(series, offset)[seen if shape.every else seen[:, -1:]]
    return float(np.nanmean(((series.target[asked] - last) / scale) ** 2))


def _has_unknown(series: Series, shape: Shape, windows: dict[str, Array]) -> bool:
    import numpy as np

    return any(bool(np.isnan(series.target[rows_of(starts, shape)[1]]).any()) for starts in windows.values())


def _summary(series: Series, shape: Shape) -> str:
    steps = f"{shape.horizon} step{'s' if shape.horizon > 1 else ''} ahead"
    seen = f"{shape.context} steps of {len(series.features)} features"
    return f"Own series: forecast {series.target_name} {steps} from {seen}"


def _facts(series: Series, shape: Shape, windows: dict[str, Array]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "series": len(series.lengths),
        "rows": len(series.target),
        "splits": {name: len(windows[name]) for name in SPLITS},
    }
    if series.moments is not None:
        answers = {name: series.moments[rows_of(windows[name], shape)[1]] for name in SPLITS}
        facts["answers"] = {
            name: f"{write_time(at.min(), dates=series.dates)} to {write_time(at.max(), dates=series.dates)}"
            for name, at in answers.items()
        }
    return facts


def _warnings(series: Series, shape: Shape, windows: dict[str, Array]) -> list[str]:
    import numpy as np

    said = []
    short = int((series.lengths < shape.context + shape.horizon).sum())
    if short:
        said.append(f"{short} series are shorter than context and horizon together, and are left out")
    if len(windows["train"]) == MOST_WINDOWS:
        said.append(f"{MOST_WINDOWS:,} windows are trained on, evenly spaced over those that there are")
    unknown = int(np.isnan(series.target).sum())
    if unknown:
        said.append(f"{unknown} of {len(series.target)} numbers to forecast are not known, and are not asked for")
    return said


def load(path: Path, options: SequenceOptions) -> archbench.Splits:
    """Return windows (W, context, F) float32 and numbers (W, 1), or (W, context, 1) after every step, both scaled."""
    series, shape = read_series(path, options), _shape(options)
    windows = _checked_windows(series, shape, path.name)
    values, target = _scaled(series, path.name)

    def examples(starts: Array) -> archbench.Examples:
        seen, asked = rows_of(starts, shape)
        answers = target[asked]  # (W, context) or (W, 1)
        return archbench.Examples(values[seen], answers[..., None] if shape.every else answers)

    return archbench.Splits(*(examples(windows[name]) for name in SPLITS))


def _scaled(series: Series, file: str) -> tuple[Array, Array]:
    """Return features (M, F) and numbers (M,) in float32, scaled by the training rows; unknown numbers stay NaN."""
    import numpy as np

    training = splits_of(series) == 0
    moments = [moments_of(column[training]) for column in series.values.T]
    offset, scale = _target_moments(series, file)
    return _scale(series.values, moments), ((series.target - offset) / scale).astype(np.float32)


def _scale(values: Array, moments: Sequence[Sequence[float]]) -> Array:
    import numpy as np

    mean, spread = np.array(moments).T
    return known_or_mean((values - mean) / spread).astype(np.float32)


def fit(path: Path, options: SequenceOptions) -> archbench.Fitted:
    """Return the name of the number, the features, and how both are scaled."""
    series = read_series(path, options)
    training = splits_of(series) == 0
    offset, scale = _target_moments(series, path.name)
    moments = [list(moments_of(column[training])) for column in series.values.T]
    values = {"features": series.features, "moments": moments}
    return archbench.Fitted(outputs=(series.target_name,), offset=offset, scale=scale, values=values)


def prepare(files: Sequence[Path], options: SequenceOptions, fitted: archbench.Fitted) -> archbench.Prepared:
    """Return a window that ends at each step with enough steps before it: the forecast is `horizon=` steps later.

    Raises:
        DataError: a file cannot be used, or has no window.
    """
    import numpy as np

    shape, features = _shape(options), fitted.values["features"]
    inputs, rows = [], {"file": [], "series": [], "step": []}  # type: ignore[var-annotated]
    for file in files:
        series = read_series(file, options, features)
        ends = np.flatnonzero(places_of(series) >= shape.context - 1)
        if not len(ends):
            raise archbench.DataError(f"{file} has no series of {shape.context} steps, which a forecast sees")
        which = np.searchsorted(series.lengths.cumsum(), ends, side="right")
        seen = ends[:, None] - np.arange(shape.context)[::-1]
        inputs.append(_scale(series.values, fitted.values["moments"])[seen])
        rows["file"] += [str(file)] * len(ends)
        rows["series"] += [series.names[number] for number in which]
        rows["step"] += _steps(series, ends)
    windows = np.concatenate(inputs)
    last = np.arange(len(windows)) * shape.context + shape.context - 1
    return archbench.Prepared(inputs=windows, rows=rows, steps=last if shape.every else None)


def _steps(series: Series, ends: Array) -> list[Any]:
    """Return the times of the last steps that are seen, or their places in their series from 1."""
    if series.moments is None:
        return [int(place) + 1 for place in places_of(series)[ends]]
    return [write_time(moment, dates=series.dates) for moment in series.moments[ends]]
