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
    """The tasks that can be loaded; those met through `all` or a pattern that cannot are named on standard error.

    Raises:
        DataError: a task that was named lacks its data or a package, or all lack theirs.
    """
    kept = []
    lacking = {}
    for task in tasks:
        if not (lack := _describe_lack(task.registered.item)):
            kept.append(task)
            continue
        name = task.registered.item.name
        lacking[name] = lack
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


def _describe_lack(task: Task) -> str:
    """What this task lacks and how to get it; empty if it lacks nothing."""
    for package, command in task.packages.items():
        if importlib.util.find_spec(package) is None:
            return f"task {task.name} needs the package {package}; get it with `{command}`"
    absent = missing(task.files)
    if not absent:
        return ""
    return f"task {task.name}: {describe_missing(absent)}; get them with `benchmark data prepare {task.name}`"
