"""The trials of a study, and what they cost as far as records tell."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archbench._declarations import Part, Size, Study
from archbench._errors import ArchbenchError
from archbench._planning import Plan
from archbench._plugins import Plugins
from archbench._records import Record
from archbench._studies._planning import plan_part, plan_study


@dataclass(frozen=True, kw_only=True)
class PartCost:
    """A part of a study, its trials, and their cost.

    Args:
        size: to which it belongs.
        part: the declaration.
        trials: number of trials, tuning included; None if the part cannot be planned.
        left: how many of them have no record yet; a tuning that has not begun counts whole.
        seconds: of the trials that are left, one after the other, as long as such trials took; None where no record
            tells.
        problem: why the part cannot be planned; empty if it can.
    """

    size: Size
    part: Part
    trials: int | None = None
    left: int | None = None
    seconds: float | None = None
    problem: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        part = self.part
        own = {"architectures": part.architectures, "tasks": part.tasks, "protocol": part.protocol.name}
        numbers = {"trials": self.trials, "left": self.left, "seconds": self.seconds}
        return {"size": self.size, **own, **numbers, "problem": self.problem}

    def __str__(self) -> str:
        what = f"{self.size}: {', '.join(self.part.architectures)} on {', '.join(self.part.tasks)}"
        if self.problem:
            return f"{what}, protocol {self.part.protocol.name}: {self.problem}"
        cost = "" if self.seconds is None else f", about {self.seconds / 60:.1f} min of one process"
        return f"{what}, protocol {self.part.protocol.name}: {self.trials} trials, {self.left} to train{cost}"


def cost_of_parts(study: Study, plugins: Plugins, records: Sequence[Record]) -> list[PartCost]:
    """Return the parts of all sizes of a study with their costs; `--dry-run` measures what no record tells."""
    return [_cost(size, part, plugins, records) for size, parts in study.sizes.items() for part in parts]


def count_trials(study: Study, size: Size, plugins: Plugins) -> int | None:
    """Return the number of trials of a study, tuning included; None if it cannot be planned here."""
    try:
        return plan_study(study, size, plugins).cost
    except ArchbenchError:
        return None


def _cost(size: Size, part: Part, plugins: Plugins, records: Sequence[Record]) -> PartCost:
    try:
        plan = plan_part(part, plugins)
    except ArchbenchError as error:
        return PartCost(size=size, part=part, problem=str(error))
    by_id = {record.id: record for record in records}
    left = sum(state.count_left(retry=False) for state in plan.assess(by_id))
    each = _seconds_of_a_trial(plan, records)
    return PartCost(size=size, part=part, trials=plan.cost, left=left, seconds=None if each is None else each * left)


def _seconds_of_a_trial(plan: Plan, records: Sequence[Record]) -> float | None:
    """Return the mean duration of trials of the cells of a plan."""
    keys = {cell.key for cell in plan.cells}
    known = [r.resources.total_seconds for r in records if r.trial.cell in keys and r.resources.total_seconds]
    return statistics.fmean(known) if known else None
