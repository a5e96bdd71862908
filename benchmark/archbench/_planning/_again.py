"""The trial of a record, planned again with the plugins that are installed now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from archbench._declarations import Architecture, Task, convert_options, option_names
from archbench._errors import DataError, SelectionError
from archbench._planning._cell import Cell, PlannedTrial, make_cell
from archbench._plugins import Plugins, Registered
from archbench._records import Component, Record, Trial
from archbench._selection import Selected, check_availability, describe_lack, is_own_data, make_component

Item = TypeVar("Item", Architecture, Task)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why the trial of a record is not trained again.

    Args:
        verdict: `changed` if the plugin is gone, or its revision, options, fingerprint or facts are not those of the
            record; `undecided` if files or a package are missing, or there was no training to repeat; `reproduced` if
            the record says that the trial cannot be trained, and that is so now.
        reason: one line for people.
    """

    verdict: Literal["changed", "undecided", "reproduced"]
    reason: str


def plan_again(record: Record, plugins: Plugins, own_data: Sequence[Selected[Task]]) -> PlannedTrial | Obstacle:
    """Return the trial of a record as the installed plugins give it now, or why that is not possible.

    Args:
        record: what the trial left.
        plugins: what is installed.
        own_data: tasks over people's own files; a record holds neither these files nor their paths.
    """
    trial = record.trial
    architecture = find_again(trial.architecture, plugins.architectures, plugins)
    task = _own(trial.task, own_data, plugins) if is_own_data(trial.task.label) else _declared(trial.task, plugins)
    for found in (architecture, task):
        if isinstance(found, Obstacle):
            return found
    assert isinstance(architecture, Selected)
    assert isinstance(task, Selected)
    if lack := describe_lack(architecture.registered.item, architecture.registered.source.option):
        return Obstacle("undecided", lack)
    try:
        cell = make_cell(architecture, task, trial.protocol, seeds=1)
    except SelectionError as error:
        return Obstacle("changed", str(error))
    return _planned(cell, record)


def _planned(cell: Cell, record: Record) -> PlannedTrial | Obstacle:
    if cell.refusal is not None:
        same = record.status == cell.refusal.status
        return Obstacle("reproduced" if same else "changed", f"it cannot be trained now: {cell.refusal.reason}")
    if cell.protocol.tuning is not None and record.trial.recipe is None:
        return Obstacle("undecided", f"it was never trained: {record.message}")
    trial = msgspec.structs.replace(
        record.trial,
        architecture=cell.architecture.component,
        task=cell.task.component,
        recipe=cell.recipe or record.trial.recipe,
    )
    if changes := [*_changes(record.trial, trial), *_changed_facts(cell, record)]:
        return Obstacle("changed", "; ".join(changes))
    return PlannedTrial(cell, trial, trial.id)


def _changes(before: Trial, now: Trial) -> Iterator[str]:
    """Yield in what a trial differs from that of a record."""
    for side in ("architecture", "task"):
        old, new = getattr(before, side), getattr(now, side)
        for name in Component.__struct_fields__:
            was, became = getattr(old, name), getattr(new, name)
            if name != "label" and was != became:
                yield f"the {name} of {side} {old.name} was {_word(was)}, and is {_word(became)} now"
    if before.recipe != now.recipe:
        yield f"the own recipe of {before.architecture.name} was another one"


def _changed_facts(cell: Cell, record: Record) -> Iterator[str]:
    for name in ("kind", "metric", "higher_is_better"):
        was, became = getattr(record.task_facts, name), getattr(cell.facts, name)
        if was != became:
            yield f"the {name} of task {record.trial.task.name} was {_word(was)}, and is {_word(became)} now"


def find_again(wanted: Component, available: Sequence[Registered[Item]], plugins: Plugins) -> Selected[Item] | Obstacle:
    """Return what a component names, with the options that it has, or that it is gone.

    Args:
        wanted: the component of a record.
        available: architectures or tasks.
        plugins: what is installed.
    """
    for registered in available:
        if registered.origin.distribution == wanted.provider and registered.item.name == wanted.name:
            try:
                options = _options(registered.item, wanted)
            except msgspec.ValidationError as error:
                return Obstacle("changed", f"{wanted.name} does not take the options of the record any more: {error}")
            return Selected(registered, options, make_component(registered, options), named=True)
    providers = {status.origin.distribution for status in plugins.statuses if status.status == "active"}
    if wanted.provider in providers:
        return Obstacle("changed", f"{wanted.provider} does not provide {wanted.name} any more")
    how = "give it with --plugin" if wanted.provider.endswith(".py") else "install it"
    return Obstacle("changed", f"the plugin {wanted.provider}, which provides {wanted.name}, is not there; {how}")


def _options(item: Architecture | Task, wanted: Component) -> Any:
    """Return the options of a component; those that are None are left out there, whatever their default is."""
    absent = dict.fromkeys(name for name in option_names(item) if name not in wanted.options)
    try:
        return convert_options(item, {**wanted.options, **absent})
    except msgspec.ValidationError:  # some option that is new cannot be None
        return convert_options(item, wanted.options)


def _declared(wanted: Component, plugins: Plugins) -> Selected[Task] | Obstacle:
    found = find_again(wanted, plugins.tasks, plugins)
    if isinstance(found, Selected):
        try:
            check_availability([found])
        except DataError as error:
            return Obstacle("undecided", str(error))
    return found


def _own(wanted: Component, own_data: Sequence[Selected[Task]], plugins: Plugins) -> Selected[Task] | Obstacle:
    """Return the task over the files of a component, if somebody gave them."""
    for task in own_data:
        if (task.component.name, task.component.options) == (wanted.name, wanted.options):
            return task
    scheme, _, rest = wanted.label.partition(":")
    if scheme.rpartition("/")[2] not in {reader.item.scheme for reader in plugins.readers}:
        return Obstacle("changed", f"no plugin reads {scheme}: any more, as {wanted.provider} did")
    settings = "".join(rest.partition("[")[1:])
    return Obstacle(
        "undecided",
        f"{wanted.label} is somebody's own data, which no record holds; give these very files "
        f"with --task '{scheme}:PATH{settings}'",
    )


def _word(value: object) -> str:
    return str(value) if value not in ("", None) else "none"
