"""Changes of architectures and tasks since the records of a folder were made, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from archbench._planning import Plan
from archbench._records import Component, Origin, Record, provider_release
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
        places: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for cell in plan.cells:
            places[getattr(cell.key, side)].add((getattr(cell.key, _other(side)), cell.key.protocol))
        kept = _by_lineage(side, records)
        for key, selected in chosen.items():
            mine = [item for item in kept.get(selected.component.lineage, ()) if item.place in places[key]]
            lines += _describe(selected, mine)
    return lines


def _other(side: str) -> str:
    return "task" if side == "architecture" else "architecture"


class _Kept(NamedTuple):
    """An architecture or a task as it took part in a kept record: where, with which code, and when."""

    component: Component
    origin: Origin
    place: tuple[str, str]
    started: str


def _by_lineage(side: str, records: Iterable[Record]) -> dict[str, list[_Kept]]:
    """Return the architectures or tasks of all records, in whatever state of their code they were then."""
    found: defaultdict[str, list[_Kept]] = defaultdict(list)
    for record in records:
        trial = record.trial
        component: Component = getattr(trial, side)
        if record.status != "skipped":
            place = getattr(trial, _other(side)).key, trial.protocol.key
            found[component.lineage].append(_Kept(component, getattr(record, f"{side}_origin"), place, record.started))
    return found


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
    released = [] if now.fingerprint or origin.editable else [item.origin for item in current]
    if before := sorted({_name(other) for other in released} - {_name(origin)}):
        line = (
            f"{now.label}: trials of {', '.join(before)} are kept, and {_name(origin)} is installed; "
            "its revision is the same, so nothing is trained again"
        )
        if {provider_release(other) for other in released} != {provider_release(origin)}:
            line += (
                ". Seeds of one release do not count beside those of another: to train all of them with this one, "
                "raise the revision, or give another --out"
            )
        yield line


def _count(kept: Collection[_Kept]) -> str:
    return f"{len(kept)} kept trial{'' if len(kept) == 1 else 's'}"


def _name(origin: Origin) -> str:
    return " ".join(filter(None, (origin.distribution, origin.version, origin.commit[:7])))
