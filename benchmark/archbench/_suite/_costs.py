"""Costs of trials that were never run here: measured in a bounded time, and estimated beyond it.

A few steps of a cell are trained as a real trial in a real worker, into a folder that is thrown away. No new cell is
begun after `PROBE_SECONDS`: a matrix may have thousands of cells. The rest costs what the most similar known cell does.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from archbench._execution import Arrivals, Pool, execute
from archbench._planning import Cell, Device, PlannedTrial
from archbench._protocols import equal_steps
from archbench._records import Record, Store, Trial

PROBE_SECONDS = 30.0
"""Seconds after which no further cell is measured."""

PROBE_CHUNKS = 3
PROBE_STEPS = 9
GPU_CHUNKS = 4
GPU_STEPS = 60
"""Steps on a GPU, which repeats steps from a recording of the first ones, but only where there are 50 of them."""
MANY_EXAMPLES = 1_000_000
"""Examples of a task of which that is not known yet."""
PROBE_TIMEOUT = 120.0


class Cost(NamedTuple):
    """The cost of a trial of a cell.

    Args:
        step: seconds of one optimiser step.
        beside: seconds of one trial that are not spent in optimiser steps.
        examples: size of the training split, which turns epochs into steps.
    """

    step: float
    beside: float
    examples: int

    def of_trial(self, cell: Cell) -> float:
        """Return the seconds of a whole trial of a cell, if that costs the same for each step."""
        trial = cell.trials()[0].trial
        steps = trial.steps(cell.facts.kind, self.examples)
        return self.beside + ((trial.seconds or 0.0) if steps is None else self.step * steps)


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of measuring cells.

    Args:
        costs: of the cells of which a few steps could be trained.
        failures: records of the others that were tried.
    """

    costs: dict[Cell, Cost]
    failures: dict[Cell, Record]


def cost_of(record: Record) -> Cost | None:
    """Return the cost of a trial from its record; None if that does not tell."""
    spent, training = record.resources, record.training
    if spent.step_seconds is None or spent.total_seconds is None or spent.train_seconds is None or training is None:
        return None
    return Cost(spent.step_seconds, max(0.0, spent.total_seconds - spent.train_seconds), training.examples)


def measure(cells: Sequence[Cell], pool: Pool) -> Measured:
    """Train a few steps of as many cells as the time allows, those first that tell most of the others."""
    probes = {probe.id: probe for probe in (make_probe(cell, pool.devices[0]) for cell in telling_first(cells))}
    found = Measured({}, {})
    for record in _run_in_time(list(probes.values()), pool):
        cell, cost = probes[record.id].cell, cost_of(record)
        if cost is None:
            found.failures[cell] = record
        else:
            found.costs[cell] = cost
    return found


def telling_first(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells in the order in which they are measured.

    First comes each architecture on each kind of task, then each of its variants, then each architecture on each task.
    Within these the order is shuffled, always alike: else only the first values of an option would be measured.
    """
    ordered: dict[Cell, None] = {}
    shuffled = random.Random(0).sample(list(cells), len(cells))  # noqa: S311 - no secret
    for place in (_name_and_kind, _label_and_kind, _name_and_task):
        firsts = {place(cell): cell for cell in reversed(shuffled)}
        ordered |= dict.fromkeys(cell for cell in shuffled if firsts[place(cell)] is cell)
    return list(ordered | dict.fromkeys(shuffled))


def estimate(cell: Cell, costs: Mapping[Cell, Cost]) -> float | None:
    """Return the seconds of a trial by the most similar cell whose cost is known; None if there is none."""
    if not costs:
        return None
    return costs[min(costs, key=lambda other: _differences(cell, other))].of_trial(cell)


def _differences(one: Cell, other: Cell) -> tuple[bool | int, ...]:
    """Return by what two cells differ, what bears most on the cost first."""
    mine, theirs = one.architecture.component, other.architecture.component
    return (
        one.facts.kind != other.facts.kind,
        mine.name != theirs.name,
        sum(mine.options.get(key) != theirs.options.get(key) for key in mine.options.keys() | theirs.options.keys()),
        one.task.component.name != other.task.component.name,
        one.task.component.label != other.task.component.label,
        one.protocol.key != other.protocol.key,
    )


def _name_and_kind(cell: Cell) -> tuple[str, str]:
    return cell.architecture.component.name, cell.facts.kind


def _label_and_kind(cell: Cell) -> tuple[str, str]:
    return cell.architecture.component.label, cell.facts.kind


def _name_and_task(cell: Cell) -> tuple[str, str]:
    return cell.architecture.component.name, cell.task.component.label


def _run_in_time(probes: Sequence[PlannedTrial], pool: Pool) -> Iterator[Record]:
    """Yield the records of probes; the time begins when the first one ends, as torch is loaded before."""
    following, arrivals, until = iter(probes), Arrivals(), 0.0
    first = list(islice(following, len(pool.devices)))
    with tempfile.TemporaryDirectory(prefix="archbench-") as folder:
        for record in execute(first, Store(Path(folder)), pool, timeout=PROBE_TIMEOUT, arrivals=arrivals):
            yield record
            until = until or time.monotonic() + PROBE_SECONDS
            probe = next(following, None) if time.monotonic() < until else None
            if probe is None:
                arrivals.close()
            else:
                arrivals.add(probe)


def make_probe(cell: Cell, device: Device) -> PlannedTrial:
    """Return a short trial of a cell, which takes its steps on a device as the whole one will."""
    trial = cell.trials()[0].trial
    protocol = msgspec.structs.replace(
        cell.protocol,
        name=f"{cell.protocol.name}-forecast",
        epochs=None,
        seconds=None,
        stop_at_target=False,
        tuning=None,
        **_probe_budget(cell, trial, device),
    )
    trial = msgspec.structs.replace(trial, protocol=protocol)
    return PlannedTrial(cell, trial, trial.id)


def _probe_budget(cell: Cell, trial: Trial, device: Device) -> dict[str, Any]:
    """Return the steps and validations of a short trial of a cell: more where the whole one repeats recorded steps.

    The cost of a step is the median over the stretches between validations, of which a recording slows the first.
    """
    planned = trial.steps(cell.facts.kind, MANY_EXAMPLES)
    if device.kind != "cuda" or device.count > 1 or planned is None:
        return {"steps": equal_steps(PROBE_STEPS), "validations": PROBE_CHUNKS}
    steps = math.ceil(min(GPU_STEPS, planned) / trial.task.effort)  # a short training is not recorded
    return {"steps": equal_steps(steps), "validations": GPU_CHUNKS}
