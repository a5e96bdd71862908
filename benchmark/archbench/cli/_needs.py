"""Nothing trains before its data are there: what is missing is said at once, with the command that gets it."""

from __future__ import annotations

import importlib.util
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
        DataError: a task that was named lacks its data or a package, or all lack theirs.
    """
    kept = leave_out(tasks)
    if tasks and not kept:
        names = " ".join(dict.fromkeys(task.registered.item.name for task in tasks))
        raise DataError(
            f"none of these tasks has its data in {data_folder()}; get them with `benchmark data prepare {names}`"
        )
    return kept


def leave_out(tasks: Sequence[Selected[Task]]) -> list[Selected[Task]]:
    """The same; those met through `all` or a pattern that lack something are named on standard error.

    Raises:
        DataError: a task that was named lacks its data or a package.
    """
    kept = []
    for task in tasks:
        if not (text := _describe_lack(task.registered.item)):
            kept.append(task)
            continue
        if task.named:
            raise DataError(text)
        print(f"left out: {text}", file=sys.stderr)
    return kept


def _describe_lack(task: Task) -> str:
    """What this task lacks and how to get it; empty if it lacks nothing."""
    for package, command in task.packages.items():
        if importlib.util.find_spec(package) is None:
            return f"task {task.name} needs the package {package}; get it with `{command}`"
    absent = missing(task.files)
    return describe_missing(absent, task.name) if absent else ""
