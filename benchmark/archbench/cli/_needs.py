"""Nothing trains before its data are there: what is missing is said at once, with the command that gets it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from archbench._data import data_folder, missing
from archbench._declarations import Task
from archbench._errors import DataError
from archbench._selectors import Selected
from archbench.cli._data import describe_missing


def with_data(tasks: Sequence[Selected[Task]]) -> list[Selected[Task]]:
    """The tasks that can be loaded; those met through `all` or a pattern that cannot are named on standard error.

    Raises:
        DataError: a task that was named lacks its data, or all lack theirs.
    """
    kept = []
    lacking = {}
    for task in tasks:
        absent = missing(task.registered.item.files)
        if not absent:
            kept.append(task)
            continue
        name = task.registered.item.name
        lacking[name] = f"task {name}: {describe_missing(absent)}; get them with `benchmark data prepare {name}`"
        if task.named:
            raise DataError(lacking[name])
    if lacking and not kept:
        raise DataError(
            f"none of these tasks has its data in {data_folder()}: {', '.join(lacking)}; "
            f"get them with `benchmark data prepare {' '.join(lacking)}`"
        )
    for text in lacking.values():
        print(f"left out: {text}", file=sys.stderr)
    return kept
