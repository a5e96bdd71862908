"""The conditions of a trial that may change its score. The trials of one cell must agree in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from archbench._records._record import Origin, Record


class Conditions(NamedTuple):
    """Circumstances that may change a score and are not in the id of a trial; versions by their first two numbers."""

    device: str
    devices: int
    weights: str
    torch: str
    suite: str
    architecture: str
    task: str
    target: float | None


def strangers(cell: Sequence[Record]) -> dict[str, str]:
    """Return the trials of a cell that do not count beside the others, by id, with the reason.

    Where trials ran under different conditions, the set counts that has the most of the seeds that the protocol plans;
    of equals the larger one, and then the one with the newest trial. A mean over all would be of nothing in particular.

    Args:
        cell: the records of one cell under one recipe. Those that are not `ok` are ignored.
    """
    sets: defaultdict[Conditions, list[Record]] = defaultdict(list)
    for record in cell:
        if record.status == "ok" and record.environment is not None:
            sets[conditions_of(record)].append(record)
    if len(sets) < 2:
        return {}
    kept = max(sets, key=lambda conditions: _weight(sets[conditions]))
    return {
        record.id: f"it ran with {_words(other, kept)}, the seeds that count with {_words(kept, other)}"
        for other, records in sets.items()
        if other != kept
        for record in records
    }


def conditions_of(record: Record) -> Conditions:
    """Return the conditions of a record that is ok."""
    assert record.environment is not None
    trial = record.trial
    return Conditions(
        device=record.environment.device if record.environment.device in ("cpu", "mps") else "cuda",
        devices=record.environment.devices,
        weights="sharded" if record.environment.sharded else "whole",
        torch=_release(record.environment.torch),
        suite=_release(record.environment.archbench),
        architecture=provider_release(record.architecture_origin),
        task=provider_release(record.task_origin),
        target=trial.task.target if trial.protocol.stop_at_target else None,
    )


def _weight(records: Sequence[Record]) -> tuple[int, int, str]:
    planned = sum(record.trial.seed < record.trial.protocol.seeds for record in records)
    return planned, len(records), max(record.started for record in records)


def _words(mine: Conditions, others: Conditions) -> str:
    """Return in which conditions the first differ, in words."""
    fields = zip(Conditions._fields, mine, others, strict=True)
    return " and ".join(f"{name} {own}" for name, own, other in fields if own != other)


@lru_cache(maxsize=256)
def _release(version: str) -> str:
    return ".".join(version.split("+")[0].split(".")[:2])


@lru_cache(maxsize=256)
def provider_release(origin: Origin) -> str:
    """Return the distribution with the first two numbers of its version, and the commit where one was recorded."""
    return " ".join(filter(None, (origin.distribution, _release(origin.version), origin.commit[:7])))
