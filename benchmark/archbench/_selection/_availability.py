"""Find the chosen tasks that can be loaded now, because their files and packages are there."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

from archbench._declarations import Task
from archbench._downloads import LocalFolder, RemoteFile, data_folder, missing, state
from archbench._errors import DataError
from archbench._selection._selectors import Selected


@dataclass(frozen=True, slots=True)
class Availability:
    """The tasks that can be loaded, and a line for each task that was left out with what it lacks."""

    tasks: list[Selected[Task]]
    left_out: list[str]


def check_availability(tasks: Sequence[Selected[Task]]) -> Availability:
    """Leave out tasks that lack data or a package; raise if none remains.

    Raises:
        DataError: a task that the user named lacks something, or all tasks do.
    """
    found = leave_out_unavailable(tasks)
    if tasks and not found.tasks:
        names = " ".join(dict.fromkeys(task.registered.item.name for task in tasks))
        raise DataError(
            f"none of these tasks has its data in {data_folder()}; get them with `benchmark data prepare {names}`"
        )
    return found


def leave_out_unavailable(tasks: Sequence[Selected[Task]]) -> Availability:
    """Leave out tasks that lack data or a package, even if none remains.

    Raises:
        DataError: a task that the user named lacks something.
    """
    found = Availability([], [])
    for task in tasks:
        lack = _describe_lack(task.registered.item)
        if not lack:
            found.tasks.append(task)
        elif task.named:
            raise DataError(lack)
        else:
            found.left_out.append(lack)
    return found


def data_state(task: Task) -> str:
    """Return the state of a task's files in one word, the worst of them; empty if it needs no files."""
    states = {state(file) for file in task.files}
    return next((word for word in ("missing", "unchecked", "ready") if word in states), "")


def describe_missing(files: Sequence[RemoteFile | LocalFolder], name: str) -> str:
    """Return one line that says which of these files of a task are missing, and what to do."""
    texts = []
    remote = [file for file in files if isinstance(file, RemoteFile)]
    if remote:
        size = format_bytes(sum(file.size for file in remote))
        count = "1 file" if len(remote) == 1 else f"{len(remote)} files"
        text = f"{count} ({size}) must be downloaded into {data_folder()}, or checked, first"
        texts.append(f"{text}; `benchmark data prepare {name}` does it")
    local = [file for file in files if isinstance(file, LocalFolder)]
    for advice in dict.fromkeys(folder.advice for folder in local):
        paths = " and ".join(str(data_folder() / folder.path) for folder in local if folder.advice == advice)
        texts.append(f"there is nothing in {paths}: {advice}")
    return f"task {name}: {'; '.join(texts)}"


def format_bytes(count: int) -> str:
    """Return a size in words, in powers of 1,000."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _describe_lack(task: Task) -> str:
    """Return what this task lacks and how to get it; empty if it lacks nothing."""
    for package, command in task.packages.items():
        if importlib.util.find_spec(package) is None:
            return f"task {task.name} needs the package {package}; get it with `{command}`"
    absent = missing(task.files)
    return describe_missing(absent, task.name) if absent else ""
