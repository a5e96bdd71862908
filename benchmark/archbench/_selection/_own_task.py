"""The task that a reader makes of people's own files; the worker of a trial makes it again."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from archbench._declarations import CONTENT_DIGITS, OwnData, Reader, Splits, Task, resolve


def make_task(reader: Reader, data: OwnData) -> Task:
    """Return the task of these files."""
    found = data.found
    return Task(
        name=f"{reader.scheme}-{found.content[:CONTENT_DIGITS]}",
        info=found.info,
        load=partial(_load, reader, data),
        loss=found.loss,
        metric=found.metric,
        chance=found.chance,
        oracle=found.oracle,
        margin=found.margin,
        options=reader.options,
        summary=found.summary,
        revision=reader.revision,
        libraries=reader.libraries,
        by_default=False,
        fixed_splits=found.fixed_splits,
        metrics=found.metrics,
        baseline=found.baseline,
        target_scale=found.target_scale,
        missing_targets=found.missing_targets,
    )


def _load(reader: Reader, data: OwnData, options: Any, seed: int) -> Splits:
    splits: Splits = resolve(reader.load)(Path(data.path), options, data.found.content, seed)
    return splits
