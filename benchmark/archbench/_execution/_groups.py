"""Trials that wait for a worker, in groups that one process trains together: seeds of a cell under one recipe."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from archbench._planning import PlannedTrial
from archbench._records import CellKey, Together

MOST_SEEDS = 20
"""Most seeds of a group: a batch of more is no faster, and all wait for the last."""

Group = tuple[PlannedTrial, ...]
Kind = tuple[CellKey, bool, bytes]


class Waiting:
    """The trials that wait, in groups.

    Args:
        planned: the trials, in order.
        workers: how many groups run at a time, where seeds are to be trained together; None for one trial in a group.
    """

    def __init__(self, planned: Sequence[PlannedTrial], workers: int | None = None) -> None:
        alone: list[Group] = [(trial,) for trial in planned]
        self._groups = (alone if workers is None else make_groups(planned, workers))[::-1]
        self._told: set[Kind] = set()

    def __bool__(self) -> bool:
        return bool(self._groups)

    def take(self) -> Group:
        """Return the next group, which waits no longer."""
        return self._groups.pop()

    def put_back(self, trials: Sequence[PlannedTrial]) -> None:
        """Let trials wait again, each for itself, before all others."""
        self._groups += [(trial,) for trial in reversed(trials)]

    def note(self, group: Group, found: Together) -> str:
        """Split what waits as the seeds of a group were refused; return a line to tell, empty if it was told before."""
        kind = kind_of(group[0])
        if found.refused:
            self._groups = [part for waiting in self._groups for part in _split(waiting, kind)]
        if kind in self._told:
            return ""
        self._told.add(kind)
        return describe_together(group[0], found)


def kind_of(planned: PlannedTrial) -> Kind:
    """Return what trials must have in common to be trained together: everything but the seed."""
    trial = planned.trial
    return trial.cell, trial.tuning, msgspec.json.encode(trial.recipe)


def make_groups(planned: Sequence[PlannedTrial], workers: int) -> list[Group]:
    """Return groups of seeds, as large as they can be without leaving a worker idle, in the order of their first trial.

    Args:
        planned: the trials.
        workers: how many groups run at a time.
    """
    largest = min(MOST_SEEDS, max(2, math.ceil(len(planned) / workers)))
    kinds: dict[Kind, list[PlannedTrial]] = {}
    for trial in planned:
        kinds.setdefault(kind_of(trial), []).append(trial)
    place = {trial.id: number for number, trial in enumerate(planned)}
    groups = [group for trials in kinds.values() for group in _cut(trials, largest)]
    return sorted(groups, key=lambda group: place[group[0].id])


def _cut(trials: Sequence[PlannedTrial], largest: int) -> Iterator[Group]:
    parts = math.ceil(len(trials) / largest)
    for part in range(parts):
        yield tuple(trials[len(trials) * part // parts : len(trials) * (part + 1) // parts])


def _split(group: Group, refused: Kind) -> list[Group]:
    return [(trial,) for trial in reversed(group)] if kind_of(group[0]) == refused else [group]


def describe_together(planned: PlannedTrial, found: Together) -> str:
    """Return a line on how the seeds of a cell are trained."""
    cell = f"{planned.trial.architecture.label} on {planned.trial.task.label}"
    if found.refused:
        return f"{cell}: seeds train one by one: {found.refused}"
    return f"{cell}: {found.seeds} seeds train together, with {found.faster:.1f} times as many steps per second"
