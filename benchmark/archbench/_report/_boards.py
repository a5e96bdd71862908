"""Task boards: the results under one protocol on one task, ranked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import attrgetter

import msgspec
import numpy as np

from archbench._protocols import PROVES_NOTHING
from archbench._records import Record, current_recipe
from archbench._report._cells import typical
from archbench._report._compare import Measured, compare
from archbench._report._context import Context
from archbench._report._curves import build_curve
from archbench._report._provenance import environment_numbers
from archbench._report._rows import build_row
from archbench._report._scales import scale_of
from archbench._report._schema import Comparison, Incompatible, ProtocolEntry, TaskBoard, TaskEntry, TaskRow
from archbench._report._seeds import comparison_seeds, same_data
from archbench._report._statistics import Floats, competition_ranks, pareto_front
from archbench._report._text import margin_words
from archbench._report._verdict import no_verdict, verdict
from archbench._statistics import Steps


def build_task_board(
    records: Mapping[str, Sequence[Record]], protocol: ProtocolEntry, task: TaskEntry, context: Context
) -> TaskBoard:
    """Return the board of one protocol on one task.

    Args:
        records: the records of each entrant, by its id.
        protocol: the protocol of the board.
        task: the task of the board.
        context: the entrants and environments of the page.
    """
    everything = [record for group in records.values() for record in group]
    cells = {key: sorted(current_recipe(group), key=lambda r: r.trial.seed) for key, group in records.items()}
    tried = {key: group for key, group in cells.items() if any(r.status != "skipped" for r in group)}
    seeds = comparison_seeds({key: group for key, group in tried.items() if context.current(key)} or tried)
    paired = same_data(everything, seeds)
    unranked = [build_row(group, seeds, protocol, task, context) for group in tried.values()]
    meaningless = protocol.name in PROVES_NOTHING
    ranked, rest, comparison = _rank(unranked, task, context, paired=paired, meaningless=meaningless)
    rows = [*ranked, *rest]
    skipped = sorted(cells.keys() - tried.keys(), key=context.label)
    return TaskBoard(
        id=f"{protocol.id}-{task.id}",
        protocol=protocol.id,
        task=task.id,
        seeds=seeds,
        paired=paired,
        timings_comparable=len(environment_numbers(everything, context.environments)) <= 1,
        verdict=no_verdict(task.label, protocol)
        if meaningless
        else verdict(task.label, rows, comparison, len(seeds), context, margin_words(task)),
        comparison=comparison,
        rows=rows,
        curves=[curve for row in rows if (curve := build_curve(row, tried[row.entrant], task))],
        incompatible=[Incompatible(entrant=key, reason=cells[key][0].message) for key in skipped],
    )


def seed_scores(row: TaskRow) -> Floats:
    """Return the test scores of the counted seeds, in the order of the seeds; shape (seeds,)."""
    return np.array([s.test for s in row.seeds if s.counted and s.test is not None], dtype=np.float64)


def _rank(
    rows: Sequence[TaskRow], task: TaskEntry, context: Context, *, paired: bool, meaningless: bool
) -> tuple[list[TaskRow], list[TaskRow], Comparison]:
    """Return the ranked rows in order, the others in the order of their labels, and the comparison of the ranked."""
    rows = sorted(rows, key=lambda row: context.label(row.entrant))
    able = [row for row in rows if row.score and not (meaningless or row.gap or row.superseded or row.unfinished)]
    unable = [row for row in rows if row not in able]
    placed = sorted(_place(able, task), key=attrgetter("rank"))  # those that tie stay in the order of their labels
    scale = scale_of(task, task.target)
    measured = Measured(scale.oriented([seed_scores(row) for row in placed]), paired, scale, _steps(placed))
    ranked, comparison = compare(placed, measured)
    return ranked, unable, comparison


def _place(rows: Sequence[TaskRow], task: TaskEntry) -> list[TaskRow]:
    """Return the rows with their ranks in the order of the board, and the Pareto-optimal ones marked."""
    scale = scale_of(task, task.target)
    places = competition_ranks([scale.oriented(seed_scores(row)).mean() for row in rows])
    keys = [_order(row, place) for row, place in zip(rows, places, strict=True)]
    ranks = [1 + sum(other < key for other in keys) for key in keys]
    return [
        msgspec.structs.replace(row, rank=rank, tied=ranks.count(rank) > 1, pareto=optimal)
        for row, rank, optimal in zip(rows, ranks, _front(rows, task), strict=True)
    ]


def _front(rows: Sequence[TaskRow], task: TaskEntry) -> list[bool | None]:
    """Return which rows are Pareto-optimal; None for those whose number of parameters is unknown."""
    costs = [math.nan if row.parameters is None else float(row.parameters) for row in rows]
    scores = [score if task.higher_is_better else -score for row in rows if (score := typical(row)) is not None]
    front = pareto_front(scores, costs)
    return [None if math.isnan(cost) else bool(optimal) for cost, optimal in zip(costs, front, strict=True)]


def _order(row: TaskRow, place: int) -> tuple[int, float, int]:
    """Return what rows are sorted by: the mean score, or where there is a target first by who solves it, and how soon.

    Args:
        row: a row that is ranked.
        place: its place in the order of the mean scores. Entrants that solve the task with every seed ignore it.
    """
    solved = row.solved or 0
    return -solved, row.steps_to_target or 0.0, 0 if solved and solved == row.ok else place


def _steps(rows: Sequence[TaskRow]) -> Steps | None:
    """Return the steps to solve of the counted seeds; None where the task has no target."""
    if all(row.solved is None for row in rows):
        return None
    steps = [[seed.steps_to_target for seed in row.seeds if seed.counted and seed.test is not None] for row in rows]
    taken = np.array(steps, dtype=np.float64)  # None becomes NaN
    return Steps(taken, np.isfinite(taken))
