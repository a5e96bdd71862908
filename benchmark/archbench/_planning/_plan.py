"""The plan: architectures x tasks under one protocol, as cells. Pure; nothing is trained, read or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archbench._declarations import Architecture, Task
from archbench._errors import IncompatibleError, SelectionError
from archbench._planning._cell import Cell, PlannedTrial, make_cell
from archbench._planning._tuning import CellState, assess
from archbench._protocols import Protocol
from archbench._records import TUNING_SEED, Record
from archbench._selection import Selected


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells of one run.

    Args:
        protocol: the rules of all of them.
        cells: task by task, in the order in which they were selected.
    """

    protocol: Protocol
    cells: tuple[Cell, ...]

    @property
    def trials(self) -> list[PlannedTrial]:
        """The trials of the evaluation, refused cells included; all of seed 0 come before seed 1."""
        return by_seed([cell.trials() for cell in self.cells])

    @property
    def cost(self) -> int:
        """Trials that have to be trained in all, tuning included."""
        return sum(cell.seeds + cell.tuning_cost for cell in self.cells if cell.refusal is None)

    def assess(self, records: Mapping[str, Record]) -> list[CellState]:
        """Return the state of every cell, given the records there are."""
        return [assess(cell, records) for cell in self.cells]


def make_plan(
    architectures: Sequence[Selected[Architecture]],
    tasks: Sequence[Selected[Task]],
    *,
    protocol: Protocol,
    seeds: int,
) -> Plan:
    """Return the plan of every combination.

    Raises:
        SelectionError: the number of seeds is not positive, or too large.
        IncompatibleError: an architecture that was asked for by name fits none of the tasks.
    """
    if seeds < 1:
        raise SelectionError(f"seeds is {seeds}; at least 1 is needed (3 or more for an interval)")
    if seeds > TUNING_SEED:
        raise SelectionError(f"seeds is {seeds}; at most {TUNING_SEED} are possible, further ones are for tuning")
    cells = [make_cell(architecture, task, protocol, seeds=seeds) for task in tasks for architecture in architectures]
    _raise_if_nothing_fits(cells)
    return Plan(protocol, tuple(cells))


def by_seed(cells: Sequence[Sequence[PlannedTrial]]) -> list[PlannedTrial]:
    """Return the trials of several cells seed by seed, so that an interrupted run has whole seeds."""
    trials = [trial for cell in cells for trial in cell]
    return sorted(trials, key=lambda planned: planned.trial.seed)


def _raise_if_nothing_fits(cells: Sequence[Cell]) -> None:
    of_architecture: dict[str, list[Cell]] = {}
    for cell in cells:
        of_architecture.setdefault(cell.key.architecture, []).append(cell)
    for mine in of_architecture.values():
        first = mine[0].architecture
        if first.named and not any(cell.fits for cell in mine):
            reasons = {f"{cell.task.component.label}: {cell.refusal.reason}" for cell in mine if cell.refusal}
            raise IncompatibleError(
                f"{first.component.label} fits none of the chosen tasks ({'; '.join(sorted(reasons))}); "
                "choose others with --task, see `benchmark list`"
            )
