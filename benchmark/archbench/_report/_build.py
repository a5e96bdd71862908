"""The way from records to a leaderboard; the one place where its parts are put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from archbench._claims import Answers
from archbench._declarations import Section
from archbench._records import CellKey, Origin, Record, group_by
from archbench._report._boards import build_task_board
from archbench._report._context import Context
from archbench._report._entrants import collect_entrants, collect_tasks
from archbench._report._overall import build_matrix, build_over_board
from archbench._report._protocol_entries import collect_protocols
from archbench._report._provenance import collect_environments
from archbench._report._schema import (
    Failure,
    Leaderboard,
    OverBoard,
    ProtocolEntry,
    TaskBoard,
    TaskEntry,
)
from archbench._report._section_entries import describe_section, encodable
from archbench._report._seeds import status_of
from archbench._report._set_aside import set_apart
from archbench._report._study_entries import collect_claims, collect_studies
from archbench._report._tuning import build_tuning

DETAIL_LINES, DETAIL_LETTERS = 12, 2_000


def build_leaderboard(
    records: Sequence[Record],
    sections: Sequence[tuple[Origin, Section]] = (),
    notes: Sequence[str] = (),
    answers: Answers | None = None,
) -> Leaderboard:
    """Return the leaderboard of some records, with every number computed.

    Args:
        records: valid records with distinct ids, in any order. Those of studies are on no board: they answer questions
            of their own.
        sections: what plugins add, with the plugin that adds it.
        notes: problems that a reader must know of, such as a plugin that could not be loaded.
        answers: what the records of studies say to them and to claims.
    """
    of_boards = [record for record in records if not record.trial.protocol.for_studies]
    ordered = sorted(of_boards, key=lambda record: record.id)
    environments = collect_environments(ordered)
    entrants = collect_entrants(ordered, environments)
    tasks = {task.id: task for task in collect_tasks(ordered)}
    protocols = collect_protocols(ordered)
    context = Context({entrant.id: entrant for entrant in entrants}, environments)
    evaluation = set_apart([record for record in ordered if not record.trial.tuning])
    # A record that says that an entrant does not take a task is no trial: nothing was tried.
    trials = [record for record in evaluation if record.status != "skipped"]
    cells = group_by(evaluation, lambda record: record.trial.cell)
    boards = {protocol.id: _task_boards(cells, protocol, tasks, context) for protocol in protocols}
    order = [protocol.id for protocol in protocols], list(tasks)
    return Leaderboard(
        trials=len(trials),
        counts=dict(sorted(Counter(status_of(record)[0] for record in trials).items())),
        notes=[encodable(note) for note in notes],
        protocols=protocols,
        tasks=list(tasks.values()),
        entrants=entrants,
        overall=[over for p in protocols for over in _over_boards(boards[p.id], p, tasks, context)],
        boards=[board for mine in boards.values() for board in mine],
        matrices=[build_matrix(protocol, boards[protocol.id], context) for protocol in protocols],
        tuning=build_tuning(ordered, context, *order),
        failures=_failures(cells, context, *order),
        environments=environments,
        sections=[describe_section(origin, section) for origin, section in sections],
        studies=collect_studies(answers) if answers else [],
        study_trials=sum(r.trial.protocol.for_studies and r.status != "skipped" for r in records) if answers else 0,
        claims=collect_claims(answers) if answers else [],
    )


def _task_boards(
    cells: Mapping[CellKey, Sequence[Record]], protocol: ProtocolEntry, tasks: Mapping[str, TaskEntry], context: Context
) -> list[TaskBoard]:
    """Return the boards of one protocol, one for each task that has results under it."""
    boards = []
    for task in tasks.values():
        mine = {
            key.architecture: group
            for key, group in cells.items()
            if (key.protocol, key.task) == (protocol.id, task.id)
        }
        if mine:
            boards.append(build_task_board(mine, protocol, task, context))
    return boards


def _over_boards(
    boards: Sequence[TaskBoard], protocol: ProtocolEntry, tasks: Mapping[str, TaskEntry], context: Context
) -> list[OverBoard]:
    """Return the boards over tasks of one protocol, one for each kind of task; superseded tasks are left out."""
    current = [board for board in boards if not tasks[board.task].superseded_by]
    kinds = group_by(current, lambda board: tasks[board.task].kind)
    return [build_over_board(kind, protocol, group, tasks, context) for kind, group in kinds.items()]


def _last_lines(detail: str) -> str:
    """Return the end of a traceback or of a log, short enough for a table."""
    return "\n".join(detail.rstrip().splitlines()[-DETAIL_LINES:])[-DETAIL_LETTERS:]


def _failures(
    cells: Mapping[CellKey, Sequence[Record]], context: Context, protocols: Sequence[str], tasks: Sequence[str]
) -> list[Failure]:
    """Return the trials that neither finished nor were skipped, in the order of protocols, tasks and labels."""
    failures = [
        Failure(
            record=record.id,
            entrant=key.architecture,
            task=key.task,
            protocol=key.protocol,
            seed=record.trial.seed,
            status=status,
            message=message,
            steps=None if record.training is None else record.training.steps,
            planned_steps=None if record.training is None else record.training.planned_steps,
            detail=_last_lines(record.detail),
        )
        for key, records in cells.items()
        for record in records
        for status, message in [status_of(record)]
        if status not in ("ok", "skipped")
    ]
    return sorted(
        failures,
        key=lambda f: (protocols.index(f.protocol), tasks.index(f.task), context.label(f.entrant), f.seed, f.record),
    )
