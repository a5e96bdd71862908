"""Loading in a worker: the declarations that a job names, from the plugins that the plan saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from archbench._declarations import Architecture, OwnData, Published, Reader, Task, convert_options
from archbench._errors import DataError, PluginError
from archbench._planning import Job
from archbench._plugins import Registered, fingerprint_of, load_source
from archbench._records import Component
from archbench._selection import describe_lack, make_task

Item = TypeVar("Item", Architecture, Task)


def load_task(job: Job) -> Task:
    """Return the task of a job; a task over people's own files is made by their reader.

    Raises:
        PluginError: the plugin does not provide it any more, or was changed after the plan was made.
    """
    if job.own_data is not None:
        return make_task(load_reader(job, job.own_data), job.own_data)
    return _find(load_source(job.task_source, job.task_origin).tasks, job.trial.task)


def load_reader(job: Job, data: OwnData) -> Reader:
    """Return the reader of people's own files.

    Raises:
        PluginError: the plugin does not provide it any more, or was changed after the plan was made.
    """
    for candidate in load_source(job.task_source, job.task_origin).readers:
        if candidate.item.scheme == data.scheme:
            _check_unchanged(candidate, job.trial.task)
            return candidate.item
    raise PluginError(f"{job.trial.task.provider} no longer reads {data.scheme!r}")


def load_architecture(job: Job) -> Architecture:
    """Return the architecture of a job.

    Raises:
        PluginError: the plugin does not provide it any more, or was changed after the plan was made.
        DataError: its files are not there; nothing is fetched in a trial.
    """
    plugins = load_source(job.architecture_source, job.architecture_origin)
    found = _find(plugins.architectures, job.trial.architecture)
    if {file.path: file.sha256 for file in found.files} != job.trial.architecture.files:
        raise PluginError(_describe_edit(job.trial.architecture))
    if lack := describe_lack(found, job.architecture_source.option):
        raise DataError(lack)
    return found


def load_additions(job: Job, architecture: Architecture) -> Published | None:
    """Return the own recipe of a trial if it adds an optimiser, a schedule or an average of the plugin; else None."""
    if not job.trial.settings.additions:
        return None
    return architecture.own_recipe(convert_options(architecture, job.trial.architecture.options))


def refuse_edits(job: Job) -> None:
    """Raise if the source of a plugin was edited since it was loaded: modules may have been imported in between.

    Raises:
        PluginError: it was edited.
    """
    sides = (
        (job.task_source, job.task_origin, job.trial.task),
        (
            job.architecture_source,
            job.architecture_origin,
            job.trial.architecture,
        ),
    )
    for source, origin, wanted in sides:
        if fingerprint_of(source, origin) != wanted.fingerprint:
            raise PluginError(_describe_edit(wanted))


def _find(registered: Sequence[Registered[Item]], wanted: Component) -> Item:
    for candidate in registered:
        if candidate.item.name == wanted.name:
            _check_unchanged(candidate, wanted)
            return candidate.item
    raise PluginError(f"{wanted.provider} no longer provides {wanted.name!r}")


def _check_unchanged(candidate: Registered[Any], wanted: Component) -> None:
    # The fingerprint belongs to the trial's id: changed code would leave its record under the id of the code before.
    if candidate.fingerprint != wanted.fingerprint:
        raise PluginError(_describe_edit(wanted))


def _describe_edit(wanted: Component) -> str:
    return f"{wanted.provider} was changed after this run began; start the run again"
