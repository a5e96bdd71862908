"""The cells of all combinations; functions that strangers declared are tried in another process before they count."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from archbench._declarations import Architecture, Task
from archbench._errors import SelectionError
from archbench._planning._cell import Cell, describe_task, make_cell
from archbench._plugins import contained, rehearse
from archbench._protocols import Protocol
from archbench._selection import Selected


def make_cells(
    architectures: Sequence[Selected[Architecture]],
    tasks: Sequence[Selected[Task]],
    protocol: Protocol,
    *,
    seeds: int,
) -> list[Cell]:
    """Return the cells, task by task.

    Raises:
        SelectionError: a task cannot describe itself under its options.
    """
    _try_tasks(tasks)
    ends = _try_architectures(architectures, tasks, protocol)
    with contained():
        return [
            make_cell(architecture, task, protocol, seeds=seeds, ended=end)
            for task in tasks
            for architecture, end in zip(architectures, ends, strict=True)
        ]


def _try_tasks(tasks: Sequence[Selected[Task]]) -> None:
    """Raise if a stranger's task ends the process that asks it to describe itself."""
    strangers = [task for task in tasks if task.registered.foreign]
    ends = rehearse([functools.partial(describe_task, task) for task in strangers])
    for task, end in zip(strangers, ends, strict=True):
        if end:
            raise SelectionError(
                f"info of task {task.component.label} {end}; choose other options or tasks, or leave out "
                f"{task.registered.origin.distribution}"
            )


def _try_architectures(
    architectures: Sequence[Selected[Architecture]], tasks: Sequence[Selected[Task]], protocol: Protocol
) -> list[str]:
    """Return for each architecture how one of its functions ended a process that tried it; empty if none did."""
    strangers = [chosen for chosen in architectures if chosen.registered.foreign]
    ends = iter(rehearse([functools.partial(_try_cells, architecture, tasks, protocol) for architecture in strangers]))
    return [next(ends) if chosen.registered.foreign else "" for chosen in architectures]


def _try_cells(architecture: Selected[Architecture], tasks: Sequence[Selected[Task]], protocol: Protocol) -> None:
    for task in tasks:
        make_cell(architecture, task, protocol, seeds=1)
