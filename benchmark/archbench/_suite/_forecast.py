"""The forecast of a run: the matrix, and what it will cost.

Cells that were trained before under the same protocol cost what they cost then. The others are measured by a few steps,
or estimated where there are too many to measure; see `_costs`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from archbench._execution import Pool, Sharing, libraries_of, open_shared_pool
from archbench._planning import Cell, CellState, Plan
from archbench._records import Record, Store
from archbench._suite._changes import describe_changes
from archbench._suite._costs import PROBE_SECONDS, Cost, cost_of, estimate, measure
from archbench._suite._newer import block_newer, describe_newer, describe_retry
from archbench._suite._observer import Observer
from archbench._suite._settings import RunSettings, Strategy
from archbench._suite._several_devices import refuse_what_cannot_be_shared
from archbench._suite._sharing import describe_sharing

MOST_NAMED = 5
"""Most cells that a warning about the time limit names."""

CostSource = Literal["records", "measured", "estimated", "unknown"]
"""Where the seconds of a trial are from: earlier records, a few steps, or the most similar cell that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellForecast:
    """One cell: its state and its cost.

    Args:
        architecture, task: labels.
        protocol: its name.
        state: `to train`, `done`, or the status of the records that say why it will not be trained.
        reason: of that state; empty if there is nothing to say.
        trials: trials in all, tuning included.
        to_train: trials that still need training.
        not_ok: trials that have a record and did not end ok.
        tuning_trials: trials that the protocol spends on tuning.
        seconds_per_trial: of one trial; None if it could not be measured.
        limit: seconds after which a trial is ended.
        cost_source: where `seconds_per_trial` is from.
        seconds: of all trials that still need training.
    """

    architecture: str
    task: str
    protocol: str
    state: str
    reason: str
    trials: int
    to_train: int
    not_ok: int
    tuning_trials: int
    seconds_per_trial: float | None
    limit: float
    cost_source: CostSource = "records"

    @property
    def too_long(self) -> bool:
        """Whether its trials are to be trained and would be ended before they finish."""
        return bool(self.to_train) and (self.seconds_per_trial or 0.0) > self.limit

    @property
    def seconds(self) -> float:
        """Seconds of work that are left; 0 where a trial could not be measured."""
        return (self.seconds_per_trial or 0.0) * self.to_train


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The forecast of a run: its cells, and how many trials run at a time.

    Args:
        cells: in the order of the plan.
        workers: trials at a time.
        devices_per_trial: number of devices that train one trial together.
        strategy: how they share its weights, `ddp` or `fsdp`.
        per_device: how many trials share a device; None where the number of workers says how many run.
        refused: the combinations that cannot exist, one record each.
    """

    cells: list[CellForecast]
    workers: int
    devices_per_trial: int = 1
    strategy: Strategy = "ddp"
    per_device: Sharing | None = None
    refused: list[Record] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """A line for each time limit that some trials would exceed."""
        return describe_too_long(self.cells)

    @property
    def sources(self) -> dict[CostSource, int]:
        """Number of cells with trials to train by where their cost is from; every source is there."""
        left = [cell.cost_source for cell in self.cells if cell.to_train]
        return {source: left.count(source) for source in get_args(CostSource)}

    @property
    def seconds(self) -> float:
        """How long the run will take."""
        longest = max((cell.seconds_per_trial or 0.0 for cell in self.cells if cell.to_train), default=0.0)
        return makespan((cell.seconds for cell in self.cells), self.workers, longest=longest)


def forecast(plan: Plan, settings: RunSettings, observer: Observer) -> Forecast:
    """Return the state and the cost of every cell; nothing is kept.

    Raises:
        DeviceError: the device asked for is not there.
        SelectionError: several devices are to train a trial that they cannot share.
    """
    refuse_what_cannot_be_shared(plan, settings.devices_per_trial, sharded=settings.sharded)
    store = Store(settings.out)
    records, broken = store.scan()
    for path, reason in broken:
        observer.warned(f"{path.name} is not a valid record ({reason}); a run will set it aside")
    for line in describe_newer(store):
        observer.warned(line)
    for line in describe_changes(plan, records.values()):
        observer.informed(line)
    records |= block_newer(plan.assess(records, blocked=store.newer), store.newer)
    states = plan.assess(records, blocked=store.newer)
    cells = {state.cell: _describe(state, settings) for state in states}
    libraries = libraries_of([cell.libraries for cell in plan.cells])
    open_cells = [state.cell for state in states if cells[state.cell].to_train]
    pool, sharing = open_shared_pool(
        device=settings.device,
        workers=settings.workers,
        per_trial=settings.devices_per_trial,
        sharded=settings.sharded,
        per_device=settings.per_device,
        libraries=libraries,
        sample=open_cells[0].trials()[0] if open_cells else None,
    )
    if sharing is not None and sharing.measured:
        observer.informed(describe_sharing(sharing))
    unknown = [cell for cell, known in cells.items() if known.to_train and known.seconds_per_trial is None]
    if unknown:
        cells |= _find_costs(unknown, cells, _known_costs(states, settings), pool, observer)
    return Forecast(
        cells=list(cells.values()),
        workers=len(pool.devices),
        devices_per_trial=settings.devices_per_trial,
        strategy=settings.strategy,
        per_device=sharing,
        refused=plan.refused,
    )


def expect(states: Iterable[CellState], settings: RunSettings) -> list[str]:
    """Return a line for each time limit that some trials would exceed, as far as earlier records tell.

    Args:
        states: of the cells.
        settings: the time limit, and whether failed trials are repeated.
    """
    return describe_too_long([_describe(state, settings) for state in states])


def describe_too_long(cells: Iterable[CellForecast]) -> list[str]:
    """Return a line for each time limit that some trials would exceed, the longest trials first."""
    groups: dict[float, list[CellForecast]] = {}
    for cell in cells:
        if cell.too_long:
            groups.setdefault(cell.limit, []).append(cell)
    return [_describe_group(limit, groups[limit]) for limit in sorted(groups)]


def _describe_group(limit: float, cells: Sequence[CellForecast]) -> str:
    ordered = sorted(cells, key=lambda cell: -(cell.seconds_per_trial or 0.0))
    named = [
        f"{cell.architecture} on {cell.task} (about {math.ceil(cell.seconds_per_trial or 0.0)} s)"
        for cell in ordered[:MOST_NAMED]
    ]
    more = [f"{len(ordered) - MOST_NAMED} more of architecture on task"] if len(ordered) > MOST_NAMED else []
    count = sum(cell.to_train for cell in cells)
    subject = f"{count} trial{' is' if count == 1 else 's are'} forecast to exceed the limit of {limit:g} s"
    return f"{subject}: {', '.join([*named, *more])}; raise the limit with --timeout"


def makespan(seconds: Iterable[float], workers: int, *, longest: float) -> float:
    """Return how long work takes that is spread over workers; never less than its longest piece, which stays whole."""
    return max(sum(seconds) / workers, longest)


def _describe(state: CellState, settings: RunSettings) -> CellForecast:
    cell, retry, place = state.cell, settings.retry, (settings.devices_per_trial, settings.sharded)
    evaluated = [state.records[trial.id] for trial in state.trials if trial.id in state.records]
    to_train = state.count_left(retry=retry) if cell.refusal is None else 0
    open_ids = {trial.id for trial in state.open_evaluation(retry=retry)}
    not_ok = sum(record.status != "ok" for record in evaluated if record.id not in open_ids)
    word, reason = _describe_state(state, to_train, not_ok)
    finished = [record for record in evaluated if record.id not in open_ids]
    seconds = (
        _mean_seconds(finished, place)
        or _mean_seconds(state.tuning_records(), place)
        or _mean_seconds([record for record in evaluated if record.status == "timeout"], place)
    )
    return CellForecast(
        architecture=cell.architecture.component.label,
        task=cell.task.component.label,
        protocol=cell.protocol.name,
        state=word,
        reason=reason,
        trials=len(cell.trained_seeds) + cell.tuning_cost,
        to_train=to_train,
        not_ok=not_ok,
        tuning_trials=cell.tuning_cost,
        seconds_per_trial=seconds,
        limit=settings.timeout or cell.protocol.timeout,
        cost_source="unknown" if seconds is None else "records",
    )


def _describe_state(state: CellState, to_train: int, not_ok: int) -> tuple[str, str]:
    if state.refusal is not None and not to_train:
        return state.refusal.status, state.refusal.reason
    if to_train:
        return "to train", ""
    blocked = sum(state.records[trial.id].status != "ok" for trial in state.blocked_evaluation())
    return "done", f"{not_ok} did not end ok; {describe_retry(not_ok, blocked)}" if not_ok else ""


def _mean_seconds(records: Sequence[Record], place: tuple[int, bool]) -> float | None:
    """Return the mean seconds of trials that so many devices trained, sharded or not; others say nothing of these."""
    known = [seconds for seconds in map(_whole_seconds, _trained_there(records, place)) if seconds is not None]
    return statistics.mean(known) if known else None


def _trained_there(records: Iterable[Record], place: tuple[int, bool]) -> list[Record]:
    return [
        record
        for record in records
        if record.environment is None or (record.environment.devices, record.environment.sharded) == place
    ]


def _whole_seconds(record: Record) -> float | None:
    """Return the seconds of a trial; of one that its time limit cut short those that all its steps would have taken."""
    seconds, training = record.resources.total_seconds, record.training
    if seconds is None or record.status != "timeout" or training is None or training.planned_steps is None:
        return seconds
    return seconds * training.planned_steps / training.steps


def _known_costs(states: Iterable[CellState], settings: RunSettings) -> dict[Cell, Cost]:
    """Return the costs that the records of cells tell."""
    known: dict[Cell, Cost] = {}
    for state in states:
        mine = [state.records[trial.id] for trial in state.trials if trial.id in state.records]
        there = _trained_there(mine, (settings.devices_per_trial, settings.sharded))
        costs = [cost for cost in map(cost_of, there) if cost is not None]
        if costs:
            known[state.cell] = costs[0]
    return known


def _find_costs(
    unknown: Sequence[Cell],
    cells: Mapping[Cell, CellForecast],
    known: Mapping[Cell, Cost],
    pool: Pool,
    observer: Observer,
) -> dict[Cell, CellForecast]:
    """Return the forecasts of cells without records, with the seconds of a trial."""
    bound = f"for {PROBE_SECONDS:g} s at most"
    observer.informed(f"Measuring what was never run here, {bound}, architecture on task: {len(unknown)} ...")
    measured = measure(unknown, pool)
    costs = {**known, **measured.costs}
    found = {}
    for cell in unknown:
        if cell in measured.costs:
            whole = measured.costs[cell].of_trial(cell)
            found[cell] = replace(cells[cell], seconds_per_trial=whole, cost_source="measured")
        elif (record := measured.failures.get(cell)) is not None:
            found[cell] = replace(cells[cell], state=record.status, reason=record.message)
        elif (seconds := estimate(cell, costs)) is not None:
            found[cell] = replace(cells[cell], seconds_per_trial=seconds, cost_source="estimated")
    return found
