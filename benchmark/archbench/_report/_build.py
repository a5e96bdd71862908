"""Records in, leaderboard out: the one place where the parts are put together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from archbench._declarations import Section
from archbench._records import Origin, Record
from archbench._report._boards import Context, build_task_board, status_of
from archbench._report._entrants import (
    collect_entrants,
    collect_environments,
    collect_protocols,
    collect_tasks,
    entrant_id,
    group_by,
    protocol_id,
    task_id,
)
from archbench._report._overall import build_matrix, build_over_board
from archbench._report._schema import Failure, Leaderboard, OverBoard, SectionEntry, TaskBoard
from archbench._report._tuning import build_tuning


def build_leaderboard(
    records: Sequence[Record], sections: Sequence[tuple[Origin, Section]] = (), notes: Sequence[str] = ()
) -> Leaderboard:
    """Compute every number of the leaderboard.

    Args:
        records: valid records with distinct ids, in any order.
        sections: what plugins add, with the plugin that adds it.
        notes: problems that a reader must know of, such as a plugin that could not be loaded.
    """
    ordered = sorted(records, key=lambda record: record.id)
    environments = collect_environments(ordered)
    entrants = collect_entrants(ordered, environments)
    tasks = {task.id: task for task in collect_tasks(ordered)}
    context = Context({entrant.id: entrant for entrant in entrants}, environments)
    evaluation = [record for record in ordered if not record.trial.tuning]
    cells = group_by(evaluation, lambda record: f"{protocol_id(record)}-{task_id(record)}")
    overall: list[OverBoard] = []
    boards: list[TaskBoard] = []
    matrices = []
    protocols = collect_protocols(ordered)
    for protocol in protocols:
        mine = [
            build_task_board(cells[f"{protocol.id}-{key}"], protocol, task, context)
            for key, task in tasks.items()
            if f"{protocol.id}-{key}" in cells
        ]
        live = group_by((b for b in mine if not tasks[b.task].superseded_by), lambda board: tasks[board.task].kind)
        overall += [build_over_board(kind, protocol, group, tasks, context) for kind, group in live.items()]
        boards += mine
        matrices.append(build_matrix(protocol, mine, context))
    return Leaderboard(
        trials=len(evaluation),
        counts=dict(sorted(Counter(status_of(record)[0] for record in evaluation).items())),
        notes=[_encodable(note) for note in notes],
        protocols=protocols,
        tasks=list(tasks.values()),
        entrants=entrants,
        overall=overall,
        boards=boards,
        matrices=matrices,
        tuning=build_tuning(ordered, context, [protocol.id for protocol in protocols], list(tasks)),
        failures=_failures(evaluation, context, [protocol.id for protocol in protocols], list(tasks)),
        environments=environments,
        sections=[_section(origin, section) for origin, section in sections],
    )


def _failures(records: Sequence[Record], context: Context, protocols: list[str], tasks: list[str]) -> list[Failure]:
    failures = [
        Failure(
            record=record.id,
            entrant=entrant_id(record),
            task=task_id(record),
            protocol=protocol_id(record),
            seed=record.trial.seed,
            status=status_of(record)[0],
            message=status_of(record)[1],
        )
        for record in records
        if status_of(record)[0] not in ("ok", "skipped")
    ]
    return sorted(
        failures,
        key=lambda f: (protocols.index(f.protocol), tasks.index(f.task), context.label(f.entrant), f.seed, f.record),
    )


def _section(origin: Origin, section: Section) -> SectionEntry:
    return SectionEntry(
        provider=_encodable(f"{origin.distribution} {origin.version}".strip()),
        title=_encodable(section.title),
        paragraphs=[_encodable(part.strip()) for part in re.split(r"\n\s*\n", section.text) if part.strip()],
        columns=[_encodable(column) for column in section.columns],
        rows=[[_encodable(cell) for cell in row] for row in section.rows],
    )


def _encodable(text: object) -> str:
    """Text that UTF-8 can hold: file names from the system may carry lone surrogates. Cells may be numbers."""
    return str(text).encode("utf-8", "replace").decode()
