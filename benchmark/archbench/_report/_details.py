"""The names that the detail views of the page use: tasks, architectures and studies."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from archbench._records import Example
from archbench._report import _architectures, _charts, _errors, _further, _seed_words
from archbench._report._schema import Curve, Leaderboard, PictureEntry, TaskBoard, TaskEntry, TaskRow
from archbench._report._text import decimals, fixed, solved

MOST_TOKENS = 60
"""Tokens of an example that are shown."""


def detail_names(board: Leaderboard) -> dict[str, Any]:
    """Return what the templates of the detail views call, by name."""
    entrants = {entrant.id: entrant for entrant in board.entrants}
    tasks = {task.id: task for task in board.tasks}
    results = {entrant.id: _architectures.results_of(entrant, board) for entrant in board.entrants}
    return {
        "cost_charts": lambda item: _charts.cost_charts(item, tasks[item.task], entrants),
        "curve_figures": lambda item: _curve_figures(item, board),
        "steps_chart": lambda item: _charts.steps_chart(item, entrants),
        "curve_words": lambda item: _curve_words(item, board),
        "shown_confusion": _shown_confusion,
        "seed_words": _seed_words,
        "pair_words": _errors.pair_words,
        "wrong_words": _errors.wrong_words,
        "test_words": lambda item: _test_words(item, tasks[item.task]),
        "target_words": _target_words,
        "shown_metrics": lambda item: _further.shown_metrics(item, tasks[item.task]),
        "metric_facts": _further.metric_facts,
        "target_scale_words": _further.target_scale_words,
        "token_lines": _token_lines,
        "results_of": lambda entrant: results[entrant.id],
        "beside_control": lambda entrant: _beside_control(results[entrant.id]),
        "control_of": lambda entrant: _architectures.control_of(entrant, board.entrants),
        "problems_of": _architectures.problems_of,
        "not_taken": lambda entrant: _architectures.not_taken(entrant, board),
        "largest_difference": _architectures.largest_difference,
        "paper_links": _architectures.paper_links,
        "picture_address": _picture_address,
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
    if not curve.n:
        return row.gap
    if row.solved is not None:
        text = f"{solved(row)} solved"
    elif curve.split and scores:
        text = " to ".join(dict.fromkeys(fixed(bound, digits) for bound in (min(scores), max(scores))))
    return f"{text}; {row.gap}" if row.gap else text


def _shown_confusion(item: TaskBoard) -> TaskRow | None:
    """Return the row whose confusion matrix is shown: the best-ranked that has one; None without any."""
    return next((row for row in item.rows if row.confusion is not None), None)


def _test_words(item: TaskBoard, task: TaskEntry) -> str:
    """Return the size of the test split, and what one example is worth where each has one answer; empty if unknown."""
    if not task.test_examples:
        return ""
    noun = {"image": "images", "sequence": "sequences"}.get(task.kind, "examples")
    text = f"{task.test_examples:,} test {noun}"
    whole = task.metric == "accuracy" and any(row.confusion is not None for row in item.rows)
    return f"{text}, so one is worth {1 / task.test_examples:.2g}." if whole else f"{text}."


def _target_words(task: TaskEntry) -> str:
    """Return what is asked of the example of a task; empty where tokens have a line of answers below them."""
    if task.example is None or _has_answers(task.example):
        return ""
    target = task.example.target
    return _charts.class_name(int(target), task.classes) if target.isdecimal() else target


def _token_lines(example: Example) -> str:
    """Return the first tokens of an example, and below them the answers where there is one for each; else empty."""
    if example.kind != "tokens":
        return ""
    lines = [[str(value) for value in example.values[:MOST_TOKENS]]]
    if _has_answers(example):
        lines.append(example.target.split(" ")[:MOST_TOKENS])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    left = example.whole[0] - len(widths)
    more = f" … {left} more" if left > 0 else ""
    return "\n".join(" ".join(map(str.rjust, line, widths)) + more for line in lines)


def _has_answers(example: Example) -> bool:
    return len(example.values) > 1 and len(example.target.split(" ")) == len(example.values)


def _picture_address(picture: PictureEntry) -> str:
    """Return a picture as an address. Browsers let nothing in an image run, and load nothing that it refers to."""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}"


def _beside_control(results: Sequence[_architectures.OnTask]) -> str:
    """Return on how many tasks an entrant is better than its control, and so on; empty if it was nowhere beside it."""
    verdicts = Counter(found.versus.verdict for found in results if found.versus is not None)
    return ", ".join(f"{verdict} on {verdicts[verdict]}" for verdict in _architectures.VERDICTS if verdicts[verdict])
