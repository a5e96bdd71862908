"""Targets of `benchmark check`: the architectures and tasks that names and plugin files stand for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archbench._declarations import Architecture
from archbench._errors import DataError, SelectionError, UnknownNameError
from archbench._plugins import Plugins, Registered
from archbench._selection import describe_lack, is_own_data, leave_out_unavailable
from archbench.cli._names import select_any
from archbench.cli._options import tasks_of


@dataclass(frozen=True, slots=True)
class Target:
    """One architecture or task to check.

    Args:
        registered: the declaration.
        options: an instance of its options class; None for the defaults.
        selector: how commands name it.
    """

    registered: Registered[Any]
    options: Any
    selector: str

    @property
    def kind(self) -> str:
        """`architecture` or `task`."""
        return "architecture" if isinstance(self.registered.item, Architecture) else "task"


def plugin_files(names: Sequence[str]) -> list[Path]:
    """Return the one-file plugins among names."""
    return [Path(name) for name in names if _is_file(name)]


def find_targets(names: Sequence[str], plugins: Plugins) -> list[Target]:
    """Return the targets of names and plugin files, in their order.

    Raises:
        SelectionError: there is no name, or one of them names nothing.
        DataError: files of a task or an architecture that was named, or that a file has, are missing.
    """
    if not names:
        raise SelectionError("nothing to check; give NAME, ./file.py or --all (see `benchmark list`)")
    return [target for name in names for target in _find(name, plugins)]


def _is_file(name: str) -> bool:
    return name.endswith(".py")


def _find(name: str, plugins: Plugins) -> list[Target]:
    found = list(_of_file(name, plugins) if _is_file(name) else _of_name(name, plugins))
    if not found:
        raise SelectionError(f"{name} registers neither an architecture nor a task; there is nothing to check")
    return found


def _of_file(name: str, plugins: Plugins) -> Iterator[Target]:
    path = Path(name).absolute()
    everything: list[Registered[Any]] = [*plugins.architectures, *plugins.tasks]
    for registered in everything:
        if Path(registered.source.path or "/").absolute() == path:
            if lack := describe_lack(registered.item, registered.source.option):
                raise DataError(lack)
            yield Target(registered, None, name)


def _of_name(name: str, plugins: Plugins) -> Iterator[Target]:
    if is_own_data(name):
        for opened in tasks_of([name], plugins):
            yield Target(opened.registered, opened.options, name)
        return
    try:
        found = select_any(name, plugins)
    except UnknownNameError as error:
        raise UnknownNameError(f"{error}; it is no task either, see `benchmark list`") from None
    available = leave_out_unavailable(found)
    for lack in available.left_out:
        print(f"left out: {lack}", file=sys.stderr)
    for selected in available.chosen:
        yield Target(selected.registered, selected.options, selected.component.label)
