"""A cell: one architecture with its options on one task under one protocol, and the trials it is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from archbench._declarations import Architecture, MetricRules, Published, Task, TaskInfo, TorchMetric
from archbench._errors import SelectionError
from archbench._planning._job import Device, Job
from archbench._plugins import BUILT_IN, is_stop, one_line
from archbench._protocols import Protocol, Recipe
from archbench._records import (
    TUNING_SEED,
    ArchitectureFacts,
    CellKey,
    MetricFacts,
    Record,
    Status,
    TaskFacts,
    Trial,
    printable,
)
from archbench._selection import Selected


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell will not be trained.

    Args:
        status: `skipped` if the architecture or the protocol declines, which leaves no trial; else that of the trials
            that say so: `failed` if code of the plugin raised, or how all tuning trials ended.
        reason: one line for people.
    """

    status: Status
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recipe that tuning tries.

    Args:
        recipe: the house recipe with other settings.
        trials: one for each tuning seed.
    """

    recipe: Recipe
    trials: tuple[PlannedTrial, ...]


@dataclass(frozen=True, eq=False)
class Cell:
    """One entrant on one task under one protocol.

    Args:
        architecture, task: the declarations, with their options settled.
        protocol: the rules.
        seeds: number of trials of the evaluation, with the seeds 0, 1, ...
        facts: what records keep of the task.
        key: the identity; equal for the trials and records of this cell.
        fits: the architecture takes the task; a cell that fits may still be refused for its own recipe.
        refusal: why nothing of it will be trained; None if it will be.
        recipe: the own recipe of the architecture, where the protocol asks for that; else None.
        manifests: the claims that its trials feed, with the hashes of their rules; see `Record`.
        share: the seeds that are trained here, where other machines train the others; None for all.
    """

    architecture: Selected[Architecture]
    task: Selected[Task]
    protocol: Protocol
    seeds: int
    facts: TaskFacts
    key: CellKey
    fits: bool
    refusal: Refusal | None = None
    recipe: Recipe | None = None
    manifests: Mapping[str, str] = field(default_factory=dict)
    share: tuple[int, ...] | None = None

    def trials(self, recipe: Recipe | None = None) -> tuple[PlannedTrial, ...]:
        """Return the trials of the evaluation, one for each seed that is trained here.

        Args:
            recipe: what tuning chose; None where nothing was tuned, or as long as that is not known.
        """
        return self._untuned if recipe is None else self._evaluation(recipe)

    def candidate(self, recipe: Recipe) -> Candidate:
        """Return the trials that try a recipe on the tuning seeds of the protocol."""
        assert self.protocol.tuning is not None
        seeds = range(TUNING_SEED, TUNING_SEED + self.protocol.tuning.seeds)
        return Candidate(recipe, tuple(self._trial(seed=seed, recipe=recipe, tuning=True) for seed in seeds))

    @property
    def libraries(self) -> tuple[str, ...]:
        """Modules that its trials import: those that the declarations name, and of the suite's own plugins all.

        Importing a stranger's plugin may start threads; the suite's own define things only.
        """
        architecture, task = self.architecture.registered, self.task.registered
        targets = [side.source.value for side in (architecture, task) if side.origin.distribution == BUILT_IN]
        if architecture.origin.distribution == BUILT_IN and isinstance(architecture.item.build, str):
            targets.append(architecture.item.build)
        own = (target.partition(":")[0] for target in targets)
        return (*task.item.libraries, *architecture.item.libraries, *own)

    @property
    def cost(self) -> int:
        """Trials that have to be trained, tuning included; none if it is refused."""
        return 0 if self.refusal is not None else len(self.trained_seeds) + self.tuning_cost

    @property
    def declined(self) -> bool:
        """The architecture or the protocol declines the task, so the cell has no trials."""
        return self.refusal is not None and self.refusal.status == "skipped"

    @property
    def tuning_cost(self) -> int:
        """Tuning trials that the protocol gives to this cell; none if it is refused."""
        return 0 if self.refusal is not None else self.protocol.tuning_cost

    @property
    def trained_seeds(self) -> Sequence[int]:
        """The seeds of the trials of the evaluation that are trained here."""
        return range(self.seeds) if self.share is None else self.share

    @cached_property
    def _untuned(self) -> tuple[PlannedTrial, ...]:
        """The trials with the recipe that is known from the start; a run asks for them again and again."""
        return self._evaluation(self.recipe)

    def _evaluation(self, recipe: Recipe | None) -> tuple[PlannedTrial, ...]:
        return tuple(self._trial(seed=seed, recipe=recipe) for seed in self.trained_seeds)

    def _trial(self, **changes: Any) -> PlannedTrial:
        architecture, task = self.architecture.component, self.task.component
        trial = Trial(architecture=architecture, task=task, protocol=self.protocol, **changes)
        return PlannedTrial(self, trial, trial.id)


@dataclass(frozen=True, slots=True, eq=False)
class PlannedTrial:
    """A trial of a cell.

    Args:
        cell: where it belongs, with the declarations behind it.
        trial: what would be run.
        id: of the trial; computed once.
    """

    cell: Cell
    trial: Trial
    id: str

    def job(self, device: Device) -> Job:
        """Return what a worker needs to run it."""
        architecture, task = self.cell.architecture.registered, self.cell.task.registered
        return Job(
            trial=self.trial,
            architecture_source=architecture.source,
            task_source=task.source,
            architecture_origin=architecture.origin,
            task_origin=task.origin,
            task_facts=self.cell.facts,
            architecture_facts=_architecture_facts(architecture.item),
            device=device,
            own_data=task.own_data,
            manifests=dict(self.cell.manifests),
        )

    def refused(self, refusal: Refusal) -> Record:
        """Return the record that says why it will not be trained."""
        return self.job(Device(kind="cpu")).record(refusal.status, refusal.reason)


def make_cell(
    architecture: Selected[Architecture], task: Selected[Task], protocol: Protocol, *, seeds: int, ended: str = ""
) -> Cell:
    """Return the cell of an architecture and a task, with the reason if it cannot be trained.

    Args:
        architecture, task, protocol, seeds: of the cell.
        ended: how a function of the architecture ended a process that tried it; it is not called then.

    Raises:
        SelectionError: the task cannot describe itself under its options.
    """
    info = describe_task(task)
    refusal = _refuse(architecture, info, ended)
    cell = Cell(
        architecture=architecture,
        task=task,
        protocol=protocol,
        seeds=seeds,
        facts=_task_facts(task.registered.item, info),
        key=CellKey(architecture.component.key, task.component.key, protocol.key),
        fits=refusal is None,
        refusal=refusal,
    )
    return _with_own_recipe(cell) if protocol.recipe == "own" and cell.fits else cell


def _with_own_recipe(cell: Cell) -> Cell:
    try:
        published: Published | None = cell.architecture.registered.item.own_recipe(cell.architecture.options)
    except BaseException as error:  # a stranger's code: it costs its own rows, not the run
        if is_stop(error):
            raise
        return replace(cell, refusal=Refusal("failed", f"recipe() raised {one_line(error)}"))
    if published is None:
        return replace(cell, refusal=Refusal("skipped", "no own recipe"))
    if published.unsupported:
        reason = f"the own recipe cannot be followed here: {printable(published.unsupported)}"
        return replace(cell, refusal=Refusal("skipped", reason))
    return replace(cell, recipe=published.recipe)


def _refuse(architecture: Selected[Architecture], info: TaskInfo, ended: str) -> Refusal | None:
    declared = architecture.registered.item
    if info.kind not in declared.inputs:
        return Refusal("skipped", f"takes {' or '.join(declared.inputs)}, the task gives {info.kind}")
    if ended:
        return Refusal("failed", f"incompatible() or recipe() {ended}")
    if declared.incompatible is None:
        return None
    try:
        reason = declared.incompatible(info, architecture.options)
    except BaseException as error:  # a stranger's code: it costs its own rows, not the run
        if is_stop(error):
            raise
        return Refusal("failed", f"incompatible() raised {one_line(error)}")
    if reason is not None and not isinstance(reason, str):
        return Refusal("failed", f"incompatible() returned {reason!r}; it must return a reason or None")
    return None if reason is None else Refusal("skipped", printable(reason))


def describe_task(task: Selected[Task]) -> TaskInfo:
    """Return the description of a task under its options.

    Raises:
        SelectionError: the task cannot describe itself.
    """
    try:
        return task.registered.item.describe(task.options)
    except BaseException as error:
        if is_stop(error):
            raise
        raise SelectionError(
            f"task {task.component.label} of {task.registered.origin.distribution} cannot describe itself "
            f"({type(error).__name__}: {error}); choose other options, see `benchmark show {task.component.name}`"
        ) from error


def _task_facts(task: Task, info: TaskInfo) -> TaskFacts:
    return TaskFacts(
        kind=info.kind,
        metric=task.metric,
        higher_is_better=task.higher_is_better,
        chance=task.chance,
        oracle=task.oracle,
        summary=task.summary,
        margin=task.margin,
        factor=task.factor,
        source=task.source,
        metrics=_metric_facts(task, info),
        baseline=task.baseline,
        target_scale=task.target_scale,
    )


def _metric_facts(task: Task, info: TaskInfo) -> dict[str, MetricFacts]:
    """Return the facts about the metrics that records need: further ones, and a primary one of the task's own."""
    own = {item.name: item for item in task.metrics if isinstance(item, TorchMetric)}
    named = [*((task.metric,) if task.metric in own else ()), *task.further_metrics]
    return {name: _facts_of(task.rules_of(name), own.get(name), task, info) for name in named}


def _facts_of(rules: MetricRules, own: TorchMetric | None, task: Task, info: TaskInfo) -> MetricFacts:
    chance = None if rules.chance is None else rules.chance(info.outputs, task.targets)
    return MetricFacts(
        higher_is_better=rules.higher_is_better,
        lowest=rules.lowest if math.isfinite(rules.lowest) else None,
        highest=rules.highest if math.isfinite(rules.highest) else None,
        chance=chance if own is None else own.chance,
        oracle=rules.oracle,
    )


def _architecture_facts(architecture: Architecture) -> ArchitectureFacts:
    return ArchitectureFacts(
        summary=architecture.summary,
        source=architecture.source,
        control=architecture.control,
        expected_failures=dict(architecture.expected_failures),
    )
