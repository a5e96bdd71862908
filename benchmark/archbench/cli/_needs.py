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
    """The tasks that can be loaded.

    Raises:
        DataError: a task that was named lacks its data, or all lack theirs.
    """
    kept = leave_out(tasks)
    if tasks and not kept:
        names = " ".join(dict.fromkeys(task.registered.item.name for task in tasks))
        raise DataError(
            f"none of these tasks has its data in {data_folder()}; get them with `benchmark data prepare {names}`"
        )
    return kept


def leave_out(tasks: Sequence[Selected[Task]]) -> list[Selected[Task]]:
    """The same; those met through `all` or a pattern that lack their data are named on standard error.

    Raises:
        DataError: a task that was named lacks its data.
    """
    kept = []
    for task in tasks:
        absent = missing(task.registered.item.files)
        if not absent:
            kept.append(task)
            continue
        text = describe_missing(absent, task.registered.item.name)
        if task.named:
            raise DataError(text)
        print(f"left out: {text}", file=sys.stderr)
    return kept
