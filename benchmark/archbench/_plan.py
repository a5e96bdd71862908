"""The plan: selectors x tasks x protocol x seeds -> trials. Pure; nothing is trained, read or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from archbench._declarations import Architecture, Task, TaskInfo
from archbench._errors import IncompatibleError, SelectionError
from archbench._job import Device, Job
from archbench._protocols import Protocol
from archbench._records import ArchitectureFacts, Record, Status, TaskFacts
from archbench._selectors import Selected
from archbench._trial import TUNING_SEED, Trial


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """One cell of the matrix for one seed.

    Args:
        trial: what would be run.
        architecture, task: the declarations behind it.
        facts: what records keep of the task.
        refusal: why it will not be run, as the status and message of its record; None if it will.
    """

    trial: Trial
    architecture: Selected[Architecture]
    task: Selected[Task]
    facts: TaskFacts
    refusal: tuple[Status, str] | None

    def job(self, device: Device) -> Job:
        """What a worker needs to run it."""
        architecture, task = self.architecture.registered, self.task.registered
        return Job(
            trial=self.trial,
            architecture_source=architecture.source,
            task_source=task.source,
            architecture_origin=architecture.origin,
            task_origin=task.origin,
            task_facts=self.facts,
            architecture_facts=ArchitectureFacts(
                summary=architecture.item.summary,
                source=architecture.item.source,
                control=architecture.item.control,
                expected_failures=dict(architecture.item.expected_failures),
            ),
            device=device,
            own_data=task.own_data,
        )


def make_plan(
    architectures: Sequence[Selected[Architecture]],
    tasks: Sequence[Selected[Task]],
    *,
    protocol: Protocol,
    seeds: int,
) -> list[PlannedTrial]:
    """Every combination, seed by seed, so that an interrupted run has whole seeds.

    Raises:
        SelectionError: the number of seeds is not positive.
        IncompatibleError: an architecture that was asked for by name fits none of the tasks.
    """
    if seeds < 1:
        raise SelectionError(f"--seeds is {seeds}; at least 1 is needed (3 or more for an interval)")
    if seeds > TUNING_SEED:
        raise SelectionError(f"--seeds is {seeds}; at most {TUNING_SEED} are possible, further ones are for tuning")
    cells = [_cell(architecture, task, protocol) for task in tasks for architecture in architectures]
    _refuse_hopeless(cells)
    if protocol.recipe == "own":
        cells = [_with_published_recipe(cell) for cell in cells]
    return [with_trial(cell, seed=seed) for seed in range(seeds) for cell in cells]


def unfinished(plan: Sequence[PlannedTrial], records: Mapping[str, Record], *, retry: bool) -> list[PlannedTrial]:
    """What of a plan is to be trained.

    Args:
        plan: the trials, in order.
        records: what there is, by id.
        retry: also those that have a record which is not ok.
    """

    def is_open(planned: PlannedTrial) -> bool:
        record = records.get(planned.trial.id)
        # A skipped trial that fits by now is open: the plugin has learned to take the task.
        if record is None or record.status == "skipped" or (retry and record.status != "ok"):
            return True
        return record.trial.recipe != planned.trial.recipe  # tuning has chosen another one since

    return [planned for planned in plan if planned.refusal is None and is_open(planned)]


def with_trial(planned: PlannedTrial, **changes: Any) -> PlannedTrial:
    """The same cell with some fields of its trial changed."""
    return replace(planned, trial=msgspec.structs.replace(planned.trial, **changes))


def _with_published_recipe(cell: PlannedTrial) -> PlannedTrial:
    if cell.refusal is not None:
        return cell
    try:
        published = cell.architecture.registered.item.published(cell.architecture.options)
    except Exception as error:  # a stranger's code: it costs its own rows, not the run
        return replace(cell, refusal=("failed", f"recipe() raised {type(error).__name__}: {error}"))
    if published is None:
        return replace(cell, refusal=("skipped", "no published recipe"))
    if published.unsupported:
        reason = f"the published recipe cannot be followed here: {published.unsupported}"
        return replace(cell, refusal=("skipped", reason))
    return with_trial(cell, recipe=published.settings())


def _cell(architecture: Selected[Architecture], task: Selected[Task], protocol: Protocol) -> PlannedTrial:
    declared = task.registered.item
    info = _describe(task)
    facts = TaskFacts(
        kind=info.kind,
        metric=declared.metric,
        higher_is_better=declared.higher_is_better,
        chance=declared.chance,
        oracle=declared.oracle,
        summary=declared.summary,
    )
    trial = Trial(architecture=architecture.component, task=task.component, protocol=protocol, seed=0)
    return PlannedTrial(trial, architecture, task, facts, _refusal(architecture, task))


def _refusal(architecture: Selected[Architecture], task: Selected[Task]) -> tuple[Status, str] | None:
    declared = architecture.registered.item
    info = _describe(task)
    if info.kind not in declared.inputs:
        return "skipped", f"takes {' or '.join(declared.inputs)}, the task gives {info.kind}"
    if declared.incompatible is None:
        return None
    try:
        reason = declared.incompatible(info, architecture.options)
    except Exception as error:  # a stranger's code: it costs its own rows, not the run
        return "failed", f"incompatible() raised {type(error).__name__}: {error}"
    if reason is not None and not isinstance(reason, str):
        return "failed", f"incompatible() returned {reason!r}; it must return a reason or None"
    return None if reason is None else ("skipped", reason)


def _describe(task: Selected[Task]) -> TaskInfo:
    try:
        return task.registered.item.describe(task.options)
    except Exception as error:
        raise SelectionError(
            f"task {task.component.label} of {task.registered.origin.distribution} cannot describe itself "
            f"({type(error).__name__}: {error}); choose other options, see `benchmark show {task.component.name}`"
        ) from error


def _refuse_hopeless(cells: Sequence[PlannedTrial]) -> None:
    for cell in cells:
        mine = [other for other in cells if other.trial.architecture == cell.trial.architecture]
        if cell.architecture.named and all(other.refusal is not None for other in mine):
            reasons = {f"{other.trial.task.label}: {other.refusal[1]}" for other in mine if other.refusal}
            raise IncompatibleError(
                f"{cell.trial.architecture.label} fits none of the chosen tasks ({'; '.join(sorted(reasons))}); "
                "choose others with --task, see `benchmark list`"
            )
