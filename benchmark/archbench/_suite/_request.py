"""From what a user asks for to a plan."""

from __future__ import annotations

from collections.abc import Sequence

from archbench._declarations import Task
from archbench._planning import Plan, make_plan
from archbench._plugins import Plugins
from archbench._protocols import Protocol
from archbench._selection import Selected, check_availability, is_own_data, select, select_tasks
from archbench._suite._observer import Observer

SHOWN = 20
"""Features of own data that are named before training; `benchmark show` names all."""


def request_plan(
    plugins: Plugins,
    protocol: Protocol,
    architectures: Sequence[str],
    tasks: Sequence[str] | None,
    *,
    seeds: int | None,
    observer: Observer,
) -> Plan:
    """Return the plan of a run.

    Args:
        plugins: what there is to choose from.
        protocol: the rules.
        architectures: selectors.
        tasks: selectors, own data among them; None or none at all for the tasks that run by default.
        seeds: number of seeds; None for that of the protocol.
        observer: is told which tasks are left out, and of features and flaws of own data.

    Raises:
        SelectionError: a selector matches nothing or is malformed, or the number of seeds is not allowed.
        DataError: data of a task that was named are missing, or own data cannot be used.
        IncompatibleError: an architecture that was named fits none of the tasks.
    """
    chosen = choose_tasks(plugins, tasks, observer) if tasks else _default_tasks(plugins)
    for task in chosen:
        _inform_of_features(task, observer)
    available = check_availability(chosen)
    for lack in available.left_out:
        observer.informed(f"left out: {lack}")
    return make_plan(
        select(architectures, plugins.architectures, "architecture"),
        available.tasks,
        protocol=protocol,
        seeds=protocol.seeds if seeds is None else seeds,
    )


def choose_tasks(plugins: Plugins, selectors: Sequence[str], observer: Observer) -> list[Selected[Task]]:
    """Return the tasks of these selectors, own data among them.

    Raises:
        SelectionError: a selector matches nothing or is malformed.
        DataError: own data cannot be used.
    """
    for selector in filter(is_own_data, selectors):
        observer.reading(selector)
    tasks = select_tasks(selectors, plugins.tasks, plugins.readers)
    for task in tasks:
        own = task.registered.own_data
        for warning in () if own is None else own.found.warnings:
            observer.warned(f"{task.component.label}: {warning}")
    return tasks


def _inform_of_features(task: Selected[Task], observer: Observer) -> None:
    own = task.registered.own_data
    if own is not None and own.found.features:
        names = own.found.features
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        observer.informed(f"{task.component.label}: features {', '.join(names[:SHOWN])}{more}")


def _default_tasks(plugins: Plugins) -> list[Selected[Task]]:
    return select(["all"], [registered for registered in plugins.tasks if registered.item.by_default], "task")
