"""Changes of architectures and tasks since the records of a folder were made, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from archbench._planning import Plan
from archbench._records import Component, Origin, Record
from archbench._selection import Selected


def describe_changes(plan: Plan, records: Collection[Record]) -> list[str]:
    """Return a line for each architecture or task of a plan whose code was changed since some records were made.

    Args:
        plan: the cells, with the code as it is now.
        records: what the folder holds; records of other protocols, architectures and tasks are ignored.
    """
    lines: list[str] = []
    for side in ("architecture", "task"):
        chosen = {getattr(cell, side).component.key: getattr(cell, side) for cell in plan.cells}
        for key, selected in chosen.items():
            mine = [cell.key for cell in plan.cells if getattr(cell.key, side) == key]
            places = {(getattr(cell, _other(side)), cell.protocol) for cell in mine}
            lines += _describe(selected, list(_kept(selected, side, places, records)))
    return lines


def _other(side: str) -> str:
    return "task" if side == "architecture" else "architecture"


@dataclass(frozen=True, slots=True)
class _Kept:
    """An architecture or a task as it took part in a kept record."""

    component: Component
    origin: Origin
    started: str


def _kept(
    selected: Selected[Any], side: str, places: Collection[tuple[str, str]], records: Iterable[Record]
) -> Iterator[_Kept]:
    """Yield this architecture or task from each record of it, in whatever state of its code it was then."""
    for record in records:
        trial = record.trial
        component: Component = getattr(trial, side)
        place = getattr(trial, _other(side)).key, trial.protocol.key
        if component.lineage == selected.component.lineage and record.status != "skipped" and place in places:
            yield _Kept(component, getattr(record, f"{side}_origin"), record.started)


def _describe(selected: Selected[Any], kept: Collection[_Kept]) -> Iterator[str]:
    now, origin = selected.component, selected.registered.origin
    current = [item for item in kept if item.component.key == now.key]
    edited = [item for item in kept if item.component.fingerprint != now.fingerprint]
    if edited and not current:
        yield f"{now.label}: source changed since {_count(edited)}; training again"
    elif edited and max(item.started for item in edited) > max(item.started for item in current):
        yield (
            f"{now.label}: {_count(current)} of this source, but another source was trained last and is the one that "
            "the page ranks; raise its revision to rank this one"
        )
    # A built-in names its states by its revision, and the fingerprint of an editable installation says more.
    released = [] if now.fingerprint or origin.editable else [_name(item.origin) for item in current]
    if before := sorted(set(released) - {_name(origin)}):
        yield (
            f"{now.label}: trials of {', '.join(before)} are kept, and {_name(origin)} is installed; "
            "its revision is the same, so nothing is trained again"
        )


def _count(kept: Collection[_Kept]) -> str:
    return f"{len(kept)} kept trial{'' if len(kept) == 1 else 's'}"


def _name(origin: Origin) -> str:
    return " ".join(filter(None, (origin.distribution, origin.version, origin.commit[:7])))
