"""`benchmark run --dry-run`: the matrix, and what it will cost.

Cells that were trained before under the same protocol cost what they cost then. The others are measured: a few steps of
each, as a real trial in a real worker, into a folder that is thrown away.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from archbench._execution import execute, open_pool
from archbench._execution._capacity import libraries_of
from archbench._plan import PlannedTrial, unfinished
from archbench._protocols import Protocol, equal_steps
from archbench._records import Record
from archbench._store import Store
from archbench._trial import Trial
from archbench._tuning import settle, tuning_left, tuning_records
from archbench.cli._options import print_json
from archbench.cli._progress import format_seconds, makespan, print_table

PROBE_CHUNKS = 3
PROBE_STEPS = 9


def show_forecast(
    plan: list[PlannedTrial], store: Store, *, retry: bool, device: str, workers: int | None, json: bool
) -> None:
    """Print every cell with its state and cost, and the whole."""
    records, broken = store.scan()
    for path, reason in broken:
        print(f"warning: {path.name} is not a valid record ({reason}); a run will set it aside", file=sys.stderr)
    settled = settle(plan, records)
    cells = _cells(settled, records, {planned.trial.id for planned in unfinished(settled, records, retry=retry)})
    _add_tuning(cells, records, retry=retry)
    pool = open_pool(
        device=device, workers=workers, libraries=libraries_of([p.task.registered.item.libraries for p in plan])
    )
    unknown = [cell for cell in cells if cell["to_train"] and cell["seconds_per_trial"] is None]
    if unknown:
        print(f"Measuring what was never run here, architecture on task: {len(unknown)} ...", file=sys.stderr)
        _measure(unknown, pool)
    for cell in cells:
        cell["seconds"] = (cell["seconds_per_trial"] or 0.0) * cell["to_train"]
        if cell["state"] == "done" and cell["not_ok"]:
            cell["reason"] = f"{cell['not_ok']} did not end ok; --retry repeats them"
    longest = max((cell["seconds_per_trial"] or 0.0 for cell in cells if cell["to_train"]), default=0.0)
    total = makespan((cell["seconds"] for cell in cells), len(pool.devices), longest=longest)
    for cell in cells:
        del cell["planned"]
    if json:
        print_json({"cells": cells, "workers": len(pool.devices), "seconds": total})
        return
    _print(cells, total, len(pool.devices))


def _cells(plan: list[PlannedTrial], records: dict[str, Record], to_train: set[str]) -> list[dict[str, Any]]:
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for planned in plan:
        key = (planned.trial.architecture.label, planned.trial.task.label)
        cell = cells.setdefault(
            key,
            {
                "architecture": key[0],
                "task": key[1],
                "state": "to train" if planned.refusal is None else planned.refusal[0],
                "reason": "" if planned.refusal is None else planned.refusal[1],
                "trials": 0,
                "to_train": 0,
                "not_ok": 0,
                "seconds_per_trial": None,
                "planned": planned,
                "known": [],
            },
        )
        cell["trials"] += 1
        record = records.get(planned.trial.id)
        if planned.trial.id in to_train:
            cell["to_train"] += 1
        elif record is not None:
            cell["not_ok"] += record.status not in ("ok", "skipped")
            if record.resources.total_seconds is not None:
                cell["known"].append(record.resources.total_seconds)
    for cell in cells.values():
        known = cell.pop("known")
        cell["seconds_per_trial"] = statistics.mean(known) if known else None
        if cell["state"] == "to train" and not cell["to_train"]:
            cell["state"] = "done"
    return list(cells.values())


def _add_tuning(cells: list[dict[str, Any]], records: dict[str, Record], *, retry: bool) -> None:
    """Count the tuning trials too, where there are any."""
    for cell in cells:
        planned: PlannedTrial = cell["planned"]
        cost = planned.trial.protocol.tuning_cost if planned.refusal is None else 0
        left = tuning_left(planned, records, retry=retry) if cost else 0
        cell |= {"tuning_trials": cost, "trials": cell["trials"] + cost, "to_train": cell["to_train"] + left}
        if left and cell["state"] == "done":
            cell["state"] = "to train"
        known = [r.resources.total_seconds for r in tuning_records([planned], records) if r.resources.total_seconds]
        if cell["seconds_per_trial"] is None and known:
            cell["seconds_per_trial"] = statistics.mean(known)


def _measure(cells: list[dict[str, Any]], pool: Any) -> None:
    probes = {}
    for cell in cells:
        planned: PlannedTrial = cell["planned"]
        probe = msgspec.structs.replace(planned.trial, protocol=_probe_protocol(planned.trial.protocol))
        probes[probe.id] = (cell, PlannedTrial(probe, planned.architecture, planned.task, planned.facts, None))
    with tempfile.TemporaryDirectory(prefix="archbench-") as folder:
        for record in execute([p for _, p in probes.values()], Store(Path(folder)), pool, timeout=120):
            cell, planned = probes[record.id]
            cell["seconds_per_trial"] = _extrapolate(record, cell["planned"].trial)
            if cell["seconds_per_trial"] is None:
                cell["state"], cell["reason"] = record.status, record.message


def _probe_protocol(protocol: Protocol) -> Protocol:
    return msgspec.structs.replace(
        protocol,
        name=f"{protocol.name}-forecast",
        steps=equal_steps(PROBE_STEPS),
        epochs=None,
        seconds=None,
        validations=PROBE_CHUNKS,
        stop_at_target=False,
        tuning=None,
    )


def _extrapolate(record: Record, trial: Trial) -> float | None:
    """Seconds of the whole trial: its steps at the measured speed, and what the probe spent beside its steps."""
    cost, facts = record.resources, record.training
    if cost.step_seconds is None or cost.total_seconds is None or cost.train_seconds is None or facts is None:
        return None
    beside = max(0.0, cost.total_seconds - cost.train_seconds)
    steps = trial.steps(record.task_facts.kind, facts.examples)
    return beside + ((trial.seconds or 0.0) if steps is None else cost.step_seconds * steps)


def _print(cells: list[dict[str, Any]], total: float, workers: int) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("architecture", "task", "state", "trials to train", "each", "all"):
        table.add_column(heading, justify="right" if heading in ("trials to train", "each", "all") else "left")
    for cell in cells:
        each = cell["seconds_per_trial"]
        state = f"{cell['state']}: {cell['reason']}" if cell["reason"] else cell["state"]
        cost = (format_seconds(each), format_seconds(cell["seconds"])) if each and cell["to_train"] else ("", "")
        counts = f"{cell['to_train']}/{cell['trials']}"
        table.add_row(Text(cell["architecture"]), Text(cell["task"]), Text(state), counts, *cost)
    print_table(table)
    print(f"\nForecast: about {format_seconds(total)} with {workers} at a time. Nothing was kept.")
