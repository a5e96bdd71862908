"""From what a user asks for to a plan."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archbench._declarations import Architecture, Size, Task
from archbench._errors import SelectionError, UnknownNameError, nearest
from archbench._planning import Plan, make_plan
from archbench._plugins import Plugins
from archbench._protocols import Protocol
from archbench._selection import (
    Selected,
    check_availability,
    choose_protocol,
    distinct,
    is_own_data,
    select,
    select_tasks,
)
from archbench._studies import names_study
from archbench._suite._observer import Observer

SHOWN = 20
"""Features of own data that are named before training; `benchmark show` names all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A wish of a user: architectures or studies to be trained.

    Args:
        names: selectors of architectures, or names of studies.
        tasks: selectors of tasks; None for those of a default run, and for studies, which name their own.
        protocol: the rules, or their name or file; None for `quick`, and for studies, which have their own.
        size: of the studies; None for `quick`, and for architectures.
        seeds: number of seeds; None for that of each protocol.
        shard: the share that is trained here, such as `1/4`; None for all.
    """

    names: Sequence[str]
    tasks: Sequence[str] | None = None
    protocol: Protocol | str | Path | None = None
    size: Size | None = None
    seeds: int | None = None
    shard: str | None = None

    def is_for_studies(self, plugins: Plugins) -> bool:
        """Return whether the names are those of studies.

        Raises:
            SelectionError: studies and architectures are mixed, or an option is given that is for the others.
        """
        studies = [name for name in self.names if names_study(name, plugins)]
        others = [name for name in self.names if name not in studies]
        if studies and others:
            raise SelectionError(
                f"{studies[0]} is a study and {others[0]} is none; a study brings its own architectures, tasks and "
                "protocols, so give them in two commands (see `benchmark study list`)"
            )
        if studies and (self.tasks or self.protocol is not None):
            raise SelectionError(
                f"{studies[0]} is a study, which brings its own tasks and protocols; leave out --task and --protocol, "
                f"and say `benchmark run {studies[0]}`"
            )
        if self.size is not None and not studies:
            raise SelectionError(f"--size is for studies; {self.names[0]} is none, see `benchmark study list`")
        return bool(studies)


def request(plugins: Plugins, wanted: Request, observer: Observer) -> Plan:
    """Return the plan of a run of architectures.

    Raises:
        ArchbenchError: as of `request_plan`, or the protocol cannot be read.
    """
    given = wanted.protocol or "quick"
    protocol = given if isinstance(given, Protocol) else choose_protocol(given, plugins.protocols)
    try:
        return request_plan(plugins, protocol, wanted.names, wanted.tasks, seeds=wanted.seeds, observer=observer)
    except UnknownNameError as error:
        raise UnknownNameError(_with_studies(str(error), wanted.names, plugins)) from None


def _with_studies(message: str, names: Sequence[str], plugins: Plugins) -> str:
    """Return the message about an unknown name; if it is one of these, the message also points to studies."""
    for name in names:
        if not message.startswith(f"no architecture {name!r};") or name.endswith(".py"):
            continue
        near = nearest(name, [study.item.name for study in plugins.studies])
        if near and "did you mean" in message:
            return f"{message.removesuffix('?')} or the study {near!r}?"
        if near:
            return f"no architecture or study {name!r}; did you mean the study {near!r}?"
        if "did you mean" not in message:
            return f"{message}; studies are listed by `benchmark study list`"
    return message


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
        observer: is told which tasks and architectures are left out, and of features and flaws of own data.

    Raises:
        SelectionError: a selector matches nothing or is malformed, or the number of seeds is not allowed.
        DataError: files of a task or an architecture that was named are missing, or own data cannot be used.
        IncompatibleError: nothing is left to train.
    """
    chosen = choose_tasks(plugins, tasks, observer) if tasks else _default_tasks(plugins)
    for task in chosen:
        _inform_of_features(task, observer)
    available = check_availability(chosen)
    entrants = check_availability(_select_architectures(architectures, plugins))
    for lack in [*available.left_out, *entrants.left_out]:
        observer.informed(f"left out: {lack}")
    return make_plan(
        entrants.chosen,
        available.chosen,
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


def _select_architectures(selectors: Sequence[str], plugins: Plugins) -> list[Selected[Architecture]]:
    """Return the architectures of these selectors, where `all` stands for those that run by default."""
    return distinct(found for selector in selectors for found in _select_by(selector, plugins))


def _select_by(selector: str, plugins: Plugins) -> list[Selected[Architecture]]:
    by_default = [registered for registered in plugins.architectures if registered.item.by_default]
    try:
        return select([selector], by_default if selector == "all" else plugins.architectures, "architecture")
    except UnknownNameError:
        if not _names_task(selector, plugins):
            raise
        message = f"{selector!r} is a task, and no architecture; give it as --task {shlex.quote(selector)}"
        raise UnknownNameError(f"{message}, beside the architectures to train, such as all") from None


def _names_task(selector: str, plugins: Plugins) -> bool:
    name = selector.partition("[")[0].strip()
    return is_own_data(selector) or any(name in (task.item.name, *task.item.variants) for task in plugins.tasks)


def _inform_of_features(task: Selected[Task], observer: Observer) -> None:
    own = task.registered.own_data
    if own is not None and own.found.features:
        names = own.found.features
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        observer.informed(f"{task.component.label}: features {', '.join(names[:SHOWN])}{more}")


def _default_tasks(plugins: Plugins) -> list[Selected[Task]]:
    return select(["all"], [registered for registered in plugins.tasks if registered.item.by_default], "task")
