"""Boards over all tasks of one kind, and the matrix of every entrant on every task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from archbench._protocols import PROVES_NOTHING
from archbench._report._boards import seed_scores
from archbench._report._compare import Measured, compare
from archbench._report._context import Context
from archbench._report._rows import margin_share, normalised
from archbench._report._schema import (
    Comparison,
    Matrix,
    MatrixRow,
    OverBoard,
    OverCell,
    OverRow,
    ProtocolEntry,
    TaskBoard,
    TaskEntry,
)
from archbench._report._statistics import (
    Estimate,
    Floats,
    average_ranks,
    competition_ranks,
    mean_over_tasks,
)
from archbench._report._text import RANKS_NOBODY, UNFINISHED, kind_word, normalised_margin
from archbench._report._verdict import no_verdict, verdict
from archbench._statistics import Scale


def build_over_board(
    kind: str, protocol: ProtocolEntry, boards: Sequence[TaskBoard], tasks: Mapping[str, TaskEntry], context: Context
) -> OverBoard:
    """Return the board over the tasks of one kind.

    A task counts once at least half of the entrants have been tried on it, so that one trial on a new task does not
    unrank everybody; a task that does not count yet is named. Nobody is averaged over fewer tasks than the others.

    Args:
        kind: the kind of the tasks.
        protocol: the protocol of the boards.
        boards: task boards of this protocol and kind, superseded tasks left out.
        tasks: the tasks of the page by id.
        context: the entrants and environments of the page.
    """
    keys = sorted({row.entrant for board in boards for row in board.rows}, key=lambda k: (context.label(k), k))
    current = [key for key in keys if context.current(key)]
    counting = [board for board in boards if 2 * _tried(board, current) >= len(current)]
    left_out = [
        f"{tasks[board.task].label} ({_tried(board, current)} of {len(current)} entrants tried)"
        for board in boards
        if board not in counting
    ]
    meaningless = protocol.name in PROVES_NOTHING
    rows = [_row(key, counting, tasks, context, meaningless=meaningless) for key in keys]
    paired = all(board.paired for board in counting)
    ranked, rest, comparison = _rank(rows, counting, tasks, context, paired)
    seeds = min((row.score.n for row in ranked if row.score), default=0)
    where, margin = f"{kind_word(kind)} tasks", normalised_margin(comparison)
    return OverBoard(
        id=f"{protocol.id}-{kind}",
        protocol=protocol.id,
        kind=kind,
        tasks=[board.task for board in counting],
        left_out=left_out,
        paired=paired,
        timings_comparable=len({n for board in counting for row in board.rows for n in row.environments}) <= 1,
        verdict=no_verdict(where, protocol)
        if meaningless
        else verdict(where, [*ranked, *rest], comparison, seeds, context, margin),
        comparison=comparison,
        rows=[*ranked, *rest],
    )


def build_matrix(protocol: ProtocolEntry, boards: Sequence[TaskBoard], context: Context) -> Matrix:
    """Return the state of every entrant on every task under one protocol."""
    present = {row.entrant for board in boards for row in board.rows}
    present |= {entry.entrant for board in boards for entry in board.incompatible}
    order = sorted(present, key=lambda key: (not context.current(key), context.label(key), key))
    return Matrix(
        protocol=protocol.id,
        tasks=[board.task for board in boards],
        rows=[MatrixRow(entrant=key, cells=[_state(key, board) for board in boards]) for key in order],
    )


def _tried(board: TaskBoard, current: Sequence[str]) -> int:
    """Return how many current entrants were tried on a task, those that cannot take it included."""
    tried = {row.entrant for row in board.rows} | {entry.entrant for entry in board.incompatible}
    return len(tried.intersection(current))


def _state(key: str, board: TaskBoard) -> OverCell:
    """Return the state of an entrant on a task."""
    for row in board.rows:
        if row.entrant == key:
            text = ", ".join(f"{n} {status}" for status, n in row.counts.items())
            lacking = row.planned - sum(seed.counted for seed in row.seeds)
            text += f", {lacking} not run" if lacking else ""
            return OverCell(task=board.task, state=row.state, text=text, normalised=row.normalised)
    if any(entry.entrant == key for entry in board.incompatible):
        return OverCell(task=board.task, state="skipped", text="not compatible", normalised=None)
    return OverCell(task=board.task, state="not run", text="not run", normalised=None)


def _row(
    key: str, boards: Sequence[TaskBoard], tasks: Mapping[str, TaskEntry], context: Context, *, meaningless: bool
) -> OverRow:
    cells = [_state(key, board) for board in boards]
    rows = {board.task: row for board in boards for row in board.rows if row.entrant == key}
    newer = context.entrants[key].superseded_by
    missing = [f"superseded by {newer}"] if newer else []
    for cell in cells:
        if cell.state != "complete":
            words = rows[cell.task].gap if cell.task in rows else cell.text
            missing.append(f"{tasks[cell.task].label}: {words}")
    improving = [] if missing else [tasks[key].label for key, row in rows.items() if row.unfinished]
    if improving:
        missing = [f"{UNFINISHED} on {', '.join(improving)}"]
    missing = [RANKS_NOBODY] if meaningless and not missing else missing
    times = [row.train_seconds for row in rows.values()]
    return OverRow(
        entrant=key,
        unfinished=bool(improving),
        mean_rank=None,
        score=None,
        cells=cells,
        missing=missing,
        parameters=sorted({row.parameters for row in rows.values() if row.parameters is not None}),
        train_seconds=None if missing or None in times else sum(time for time in times if time is not None),
    )


def _rank(
    rows: Sequence[OverRow],
    boards: Sequence[TaskBoard],
    tasks: Mapping[str, TaskEntry],
    context: Context,
    paired: bool,
) -> tuple[list[OverRow], list[OverRow], Comparison]:
    """Return the ranked rows, best first, the others, and the comparison of the ranked."""
    able = [row for row in rows if boards and not row.missing]
    scores = {row.entrant: _normalised(row.entrant, boards, tasks) for row in able}
    totals = {key: _total(cells) for key, cells in scores.items()}
    ranks = competition_ranks([totals[row.entrant].mean for row in able])
    placed = sorted(zip(able, ranks, strict=True), key=lambda pair: (pair[1], context.label(pair[0].entrant)))
    on_tasks = [[cell.mean() for cell in scores[row.entrant]] for row, _ in placed]
    means = average_ranks(on_tasks).mean(axis=1) if placed else []
    ranked = [
        replace(row, rank=rank, tied=ranks.count(rank) > 1, score=totals[row.entrant], mean_rank=float(mean))
        for (row, rank), mean in zip(placed, means, strict=True)
    ]
    table = np.array([_together(scores[row.entrant]) for row in ranked])
    ranked, comparison = compare(ranked, Measured(table, paired, Scale(margin=_margin(boards, tasks))))
    return ranked, [row for row in rows if row not in able], comparison


def _total(cells: Sequence[Floats]) -> Estimate:
    """Return the mean over tasks with its interval, which ends at a perfect predictor."""
    estimate = mean_over_tasks(cells)
    if estimate.low == estimate.high or estimate.high is None:
        return replace(estimate, low=None, high=None)
    return replace(estimate, high=min(estimate.high, 1.0))


def _together(cells: Sequence[Floats]) -> Floats:
    """Return the scores of one entrant on the seeds that all tasks have; shape (tasks, seeds)."""
    return np.array([cell[: min(map(len, cells))] for cell in cells])


def _margin(boards: Sequence[TaskBoard], tasks: Mapping[str, TaskEntry]) -> float | None:
    """Return the mean of the margins of the tasks on the normalised scale; None unless all of them declare one."""
    entries = [tasks[board.task] for board in boards]
    margins = [margin_share(entry.margin, entry) for entry in entries if entry.margin is not None]
    return float(np.mean(margins)) if margins and len(margins) == len(entries) else None


def _normalised(key: str, boards: Sequence[TaskBoard], tasks: Mapping[str, TaskEntry]) -> list[Floats]:
    """Return the normalised scores of one entrant: one array of shape (seeds,) per task."""
    cells = []
    for board in boards:
        row = next(row for row in board.rows if row.entrant == key)
        cells.append(normalised(seed_scores(row), tasks[board.task]))
    return cells
