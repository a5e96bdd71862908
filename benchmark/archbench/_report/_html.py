"""`index.html`: one file that works without a network and without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from archbench._report import _charts, _text
from archbench._report._schema import Entrant, Leaderboard, OverBoard, TaskBoard, TaskEntry


def render_html(board: Leaderboard) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("archbench._report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(_context(board))


def _context(board: Leaderboard) -> dict[str, Any]:
    """Return the names that the template uses."""
    entrants = {entrant.id: entrant for entrant in board.entrants}
    tasks = {task.id: task for task in board.tasks}
    style, script = _asset("page.css"), _asset("page.js")
    return {
        "board": board,
        "entrants": entrants,
        "labels": {key: entrant.label for key, entrant in entrants.items()},
        "tasks": tasks,
        "protocols": {protocol.id: protocol for protocol in board.protocols},
        "text": _text,
        "charts": _charts,
        "palette": _charts.PALETTE,
        "origin_words": _text.origin_words,
        "over_domain": _over_domain,
        "task_domain": _task_domain,
        "task_figures": lambda item: _figures(item, tasks[item.task], entrants),
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "style_hash": _csp_hash(style),
        "script_hash": _csp_hash(script),
    }


def _figures(board: TaskBoard, task: TaskEntry, entrants: Mapping[str, Entrant]) -> list[tuple[str, Markup]]:
    """Return the plots of a task with their titles."""
    scatter = "Score against parameters, Pareto-optimal filled; point at a mark for its name"
    drawn = (
        (scatter, _charts.scatter(board, task, entrants)),
        ("Validation, mean over seeds", _charts.learning_curves(board, task, entrants, validation=True)),
        ("Training loss, mean over seeds", _charts.learning_curves(board, task, entrants, validation=False)),
    )
    return [(title, figure) for title, figure in drawn if figure is not None]


def _over_domain(board: OverBoard) -> _charts.Domain:
    return _charts.strip_domain(
        [
            (row.score, [cell.normalised for cell in row.cells if cell.normalised is not None])
            for row in board.rows
            if row.score
        ]
    )


def _task_domain(board: TaskBoard) -> _charts.Domain:
    return _charts.strip_domain(
        [(row.score, [seed.test for seed in row.seeds if seed.test is not None]) for row in board.rows if row.score]
    )


def _asset(name: str) -> str:
    return resources.files("archbench._report").joinpath("templates", name).read_text(encoding="utf-8")


def _csp_hash(source: str) -> str:
    """Return the hash by which the content security policy of the page allows its own style and script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
