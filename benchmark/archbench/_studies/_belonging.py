"""Selection of the records of a study from those of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archbench._declarations import Part
from archbench._planning import make_cell
from archbench._plugins import Plugins
from archbench._records import Component, Record, current_recipe, group_by, latest_start, strangers, superseded
from archbench._selection import select

Place = tuple[str, str, str]
"""The lineages of an architecture and a task, and the key of a protocol."""


@dataclass(frozen=True, kw_only=True)
class StudyRecords:
    """The records of the evaluation of one study at one size.

    Args:
        counted: those that its analysis sees: of the newest revision and source of each entrant and task, under the
            recipe that counts; trials that are not ok among them.
        set_aside: those that do not fit the other seeds of their cell, such as trials of another device, each with
            the reason.
        lacking: combinations of entrant and task that have no trial yet.
    """

    counted: tuple[Record, ...] = ()
    set_aside: tuple[tuple[Record, str], ...] = ()
    lacking: int = 0


def records_of(parts: Sequence[Part], plugins: Plugins, records: Iterable[Record]) -> StudyRecords:
    """Return the records that belong to the parts of a study.

    Args:
        parts: of one size.
        plugins: they say which entrants and tasks the selectors of the parts mean.
        records: those of a folder.

    Raises:
        SelectionError: a selector matches nothing, such as where a plugin is blocked.
    """
    places = set().union(*(_places(part, plugins) for part in parts))
    mine = [record for record in records if _counts(record) and _place(record) in places]
    for side in ("architecture", "task"):
        mine = _newest(mine, side)
    cells = group_by(mine, lambda record: record.trial.cell)
    current = [record for cell in cells.values() for record in current_recipe(cell)]
    apart: dict[str, str] = {}
    for cell in group_by(current, lambda record: record.trial.cell).values():
        apart |= strangers(cell)
    return StudyRecords(
        counted=tuple(record for record in current if record.id not in apart),
        set_aside=tuple((record, apart[record.id]) for record in current if record.id in apart),
        lacking=len(places - {_place(record) for record in current}),
    )


def _places(part: Part, plugins: Plugins) -> set[Place]:
    """Return where the trials of a part are, those left out that an architecture declines."""
    architectures = select(part.architectures, plugins.architectures, "architecture")
    tasks = select(part.tasks, plugins.tasks, "task")
    cells = [make_cell(a, t, part.protocol, seeds=part.protocol.seeds) for a in architectures for t in tasks]
    return {
        (cell.architecture.component.lineage, cell.task.component.lineage, cell.key.protocol)
        for cell in cells
        if not cell.declined
    }


def _counts(record: Record) -> bool:
    return record.trial.protocol.for_studies and not record.trial.tuning and record.status != "skipped"


def _place(record: Record) -> Place:
    trial = record.trial
    return trial.architecture.lineage, trial.task.lineage, trial.protocol.key


def _newest(records: Sequence[Record], side: str) -> list[Record]:
    """Return the records of the newest revision and source of each architecture, or task."""
    groups = group_by(records, lambda record: getattr(record.trial, side).key)
    components: dict[str, Component] = {key: getattr(group[0].trial, side) for key, group in groups.items()}
    old = superseded(components, {key: latest_start(group) for key, group in groups.items()})
    return [record for key, group in groups.items() if key not in old for record in group]
