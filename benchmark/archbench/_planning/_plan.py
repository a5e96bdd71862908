"""The plan: architectures x tasks under a protocol, as cells. Pure; nothing is trained, read or written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from archbench._declarations import Architecture, Task
from archbench._errors import IncompatibleError, SelectionError
from archbench._planning._cell import Cell, PlannedTrial
from archbench._planning._matrix import make_cells
from archbench._planning._tuning import CellState, assess
from archbench._protocols import Protocol
from archbench._records import TUNING_SEED, CellKey, Record
from archbench._selection import Selected

_MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """The cells of one run.

    Args:
        cells: task by task, in the order in which they were selected; each under its own protocol.
        declined: the combinations that cannot exist, in the same order. They are no cells of the run.
    """

    cells: tuple[Cell, ...]
    declined: tuple[Cell, ...] = ()

    @property
    def trials(self) -> list[PlannedTrial]:
        """The trials of the evaluation, those of refused cells included; all of seed 0 come before seed 1."""
        return by_seed([cell.trials() for cell in self.cells])

    @property
    def refused(self) -> list[Record]:
        """One record for each combination that cannot exist, with the reason; it is that of no trial."""
        return [cell.trials()[0].refused(cell.refusal) for cell in self.declined if cell.refusal]

    @property
    def cost(self) -> int:
        """Trials that have to be trained in all, tuning included."""
        return sum(cell.cost for cell in self.cells)

    def assess(self, records: Mapping[str, Record], blocked: Collection[str] = ()) -> list[CellState]:
        """Return the state of every cell, given the records there are, and ids of trials that are not to be trained."""
        return [assess(cell, records, blocked) for cell in self.cells]


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
        IncompatibleError: nothing is left to train; where others are, an architecture that fits no task is declined.
    """
    if seeds < 1:
        raise SelectionError(f"`seeds` is {seeds}; at least 1 is needed (3 or more for an interval)")
    if seeds > TUNING_SEED:
        raise SelectionError(f"`seeds` is {seeds}; at most {TUNING_SEED} are possible, further ones are for tuning")
    cells = make_cells(architectures, tasks, protocol, seeds=seeds)
    possible = tuple(cell for cell in cells if not cell.declined)
    if cells and not possible:
        check_each_fits(cells)
        raise IncompatibleError(f"nothing can be trained: {_list_reasons(cells)}; see `benchmark list`")
    return Plan(possible, tuple(cell for cell in cells if cell.declined))


def unite(plans: Iterable[Plan]) -> Plan:
    """Return the plan of all cells of several plans, each once: with the largest number of seeds that one of them has.

    A longer time limit wins too, since it is no part of what decides a result.
    """
    cells: dict[CellKey, Cell] = {}
    declined: dict[CellKey, Cell] = {}
    for plan in plans:
        for cell in plan.cells:
            cells[cell.key] = _larger(cells.get(cell.key, cell), cell)
        declined |= {cell.key: cell for cell in plan.declined}
    return Plan(tuple(cells.values()), tuple(declined.values()))


def _larger(one: Cell, other: Cell) -> Cell:
    protocol = max(one.protocol, other.protocol, key=lambda protocol: protocol.timeout)
    return replace(one, protocol=protocol, seeds=max(one.seeds, other.seeds))


def by_seed(cells: Sequence[Sequence[PlannedTrial]]) -> list[PlannedTrial]:
    """Return the trials of several cells seed by seed, so that an interrupted run has whole seeds."""
    trials = [trial for cell in cells for trial in cell]
    return sorted(trials, key=lambda planned: planned.trial.seed)


def check_each_fits(cells: Sequence[Cell]) -> None:
    """Raise if an architecture that was asked for by name fits none of the tasks.

    Raises:
        IncompatibleError: one does not.
    """
    of_architecture: dict[str, list[Cell]] = {}
    for cell in cells:
        of_architecture.setdefault(cell.key.architecture, []).append(cell)
    for mine in of_architecture.values():
        first, *_ = (cell.architecture for cell in mine)
        if first.named and all(cell.declined and not cell.fits for cell in mine):
            reasons = {f"{cell.task.component.label}: {cell.refusal.reason}" for cell in mine if cell.refusal}
            raise IncompatibleError(
                f"{first.component.label} fits none of the chosen tasks ({'; '.join(sorted(reasons))}); "
                "choose others with --task, see `benchmark list`"
            )


def _list_reasons(cells: Sequence[Cell]) -> str:
    """Return why no combination can be trained, the most frequent reasons first."""
    reasons = Counter(cell.refusal.reason for cell in cells if cell.refusal)
    return "; ".join(f"{reason} ({number} of {len(cells)})" for reason, number in reasons.most_common(_MOST_REASONS))
