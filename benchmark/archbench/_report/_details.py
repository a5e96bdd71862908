"""The names that the detail views of the page use: tasks, architectures and studies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archbench._report import _architectures, _charts
from archbench._report._schema import Curve, Leaderboard, TaskBoard, TaskRow
from archbench._report._text import decimals, fixed, solved


def detail_names(board: Leaderboard) -> dict[str, Any]:
    """Return what the templates of the detail views call, by name."""
    entrants = {entrant.id: entrant for entrant in board.entrants}
    tasks = {task.id: task for task in board.tasks}
    return {
        "cost_charts": lambda item: _charts.cost_charts(item, tasks[item.task], entrants),
        "curve_figures": lambda item: _curve_figures(item, board),
        "steps_chart": lambda item: _charts.steps_chart(item, entrants),
        "curve_words": lambda item: _curve_words(item, board),
        "results_of": lambda entrant: _architectures.results_of(entrant, board),
        "control_of": lambda entrant: _architectures.control_of(entrant, board.entrants),
        "largest_difference": _architectures.largest_difference,
        "paper_links": _architectures.paper_links,
        "claims_of": lambda study: [claim for claim in board.claims if claim.study == study.id],
    }


def _curve_figures(item: TaskBoard, board: Leaderboard) -> list[tuple[str, _charts.Multiples]]:
    """Return the two sets of small multiples of a board, with their names; none without curves."""
    task = next(task for task in board.tasks if task.id == item.task)
    number = board.boards.index(item)
    figures = (("validation", f"v{number}", True), ("training loss", f"l{number}", False))
    drawn = [(title, _charts.multiples(item, task, name, validation=which)) for title, name, which in figures]
    return [(title, figure) for title, figure in drawn if figure is not None]


def _curve_words(item: TaskBoard, board: Leaderboard) -> Mapping[str, str]:
    """Return the result of each entrant with a curve in a few words, by id."""
    task = next(task for task in board.tasks if task.id == item.task)
    rows, digits = {row.entrant: row for row in item.rows}, decimals(item, task)
    return {curve.entrant: _result(rows[curve.entrant], curve, digits) for curve in item.curves}


def _result(row: TaskRow, curve: Curve, digits: int) -> str:
    """Return the score of a row; where seeds went apart, how many solved the task or the range of their scores."""
    scores = [seed.test for seed in row.seeds if seed.counted and seed.test is not None]
    text = fixed(row.score.mean if row.score else None, digits)
    if row.solved is not None:
        text = f"{solved(row)} solved"
    elif curve.split and scores:
        text = f"{fixed(min(scores), digits)} to {fixed(max(scores), digits)}"
    return f"{text}; {row.gap}" if row.gap else text
