"""Find what can be loaded now of what was chosen, because its files and packages are there."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from archbench._declarations import Architecture, Task
from archbench._downloads import LocalFolder, RemoteFile, data_folder, missing, state
from archbench._errors import DataError
from archbench._selection._selectors import Selected

Item = TypeVar("Item", Architecture, Task)


@dataclass(frozen=True, slots=True)
class Availability(Generic[Item]):
    """The tasks or architectures that can be loaded, and a line for each that was left out with what it lacks."""

    chosen: list[Selected[Item]]
    left_out: list[str]


def check_availability(chosen: Sequence[Selected[Item]]) -> Availability[Item]:
    """Leave out tasks or architectures that lack files or a package; raise if none remains.

    Raises:
        DataError: one that the user named lacks something, or all do.
    """
    found = leave_out_unavailable(chosen)
    if chosen and not found.chosen:
        items = [selected.registered.item for selected in chosen]
        names = " ".join(dict.fromkeys(item.name for item in items))
        names += "".join(dict.fromkeys(selected.registered.source.option for selected in chosen))
        kind = "architectures" if isinstance(items[0], Architecture) else "tasks"
        raise DataError(
            f"none of these {kind} has its data in {data_folder()}; get them with `benchmark data prepare {names}`"
        )
    return found


def leave_out_unavailable(chosen: Sequence[Selected[Item]]) -> Availability[Item]:
    """Leave out tasks or architectures that lack files or a package, even if none remains.

    Raises:
        DataError: one that the user named lacks something.
    """
    found: Availability[Item] = Availability([], [])
    for selected in chosen:
        lack = describe_lack(selected.registered.item, selected.registered.source.option)
        if not lack:
            found.chosen.append(selected)
        elif selected.named:
            raise DataError(lack)
        elif lack not in found.left_out:
            found.left_out.append(lack)
    return found


def data_state(item: Task | Architecture) -> str:
    """Return the state of the files of a task or an architecture in one word, the worst; empty if it needs none."""
    states = {state(file) for file in item.files}
    return next((word for word in ("missing", "unchecked", "ready") if word in states), "")


def describe_missing(files: Sequence[RemoteFile | LocalFolder], item: Task | Architecture, option: str = "") -> str:
    """Return one line that says which of these files of a task or an architecture are missing, and what to do.

    Args:
        files: those that are missing.
        item: the task or architecture.
        option: what the command needs to find it, as in `PluginSource.option`.
    """
    name = item.name
    texts = []
    remote = [file for file in files if isinstance(file, RemoteFile)]
    if remote:
        size = format_bytes(sum(file.size for file in remote))
        count = "1 file" if len(remote) == 1 else f"{len(remote)} files"
        text = f"{count} ({size}) must be downloaded into {data_folder()}, or checked, first"
        texts.append(f"{text}; `benchmark data prepare {name}{option}` does it")
    local = [file for file in files if isinstance(file, LocalFolder)]
    for advice in dict.fromkeys(folder.advice for folder in local):
        paths = " and ".join(str(data_folder() / folder.path) for folder in local if folder.advice == advice)
        texts.append(f"there is nothing in {paths}: {advice}")
    kind = "architecture" if isinstance(item, Architecture) else "task"
    return f"{kind} {name}: {'; '.join(texts)}"


def format_bytes(count: int) -> str:
    """Return a size in words, in powers of 1,000."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def describe_lack(item: Task | Architecture, option: str = "") -> str:
    """Return what a task or an architecture lacks and how to get it; empty if it lacks nothing.

    Args:
        item: the task or architecture.
        option: as for `describe_missing`.
    """
    for package, command in item.packages.items() if isinstance(item, Task) else ():
        if importlib.util.find_spec(package) is None:
            return f"task {item.name} needs the package {package}; get it with `{command}`"
    absent = missing(item.files)
    return describe_missing(absent, item, option) if absent else ""
