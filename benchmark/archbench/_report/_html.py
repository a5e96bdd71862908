"""`index.html`: one file that works without a network and without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from archbench._report import _charts, _claim_words, _explanations, _pairs, _text
from archbench._report._addresses import Addresses
from archbench._report._details import detail_names
from archbench._report._overview import build_overview, setting_line
from archbench._report._schema import Entrant, Leaderboard, OverBoard, TaskBoard, TaskEntry

STYLES = ("base", "overview", "details")
"""Names of the style sheets of the page, in order."""
SCRIPTS = ("page", "ask")
"""Names of the scripts of the page, in order."""


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
    numbers = {entrant.id: number for number, entrant in enumerate(board.entrants)}
    style, script = page_style(), _joined("js", SCRIPTS)
    return {
        "board": board,
        "entrants": entrants,
        "labels": {key: entrant.label for key, entrant in entrants.items()},
        "tasks": tasks,
        "protocols": {protocol.id: protocol for protocol in board.protocols},
        "studies": {study.id: study for study in board.studies},
        "at": Addresses(board),
        "overview": build_overview(board),
        "setting": setting_line(board),
        "text": _text,
        "words": _claim_words,
        "explanations": _explanations,
        "charts": _charts,
        "palette": _charts.PALETTE,
        "origin_words": _text.origin_words,
        "over_domain": _over_domain,
        "relations": _pairs.relations,
        "over_pairs": lambda item: _over_pairs(item, numbers),
        "task_pairs": lambda item: _task_pairs(item, tasks[item.task], numbers, entrants),
        **detail_names(board),
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "style_hash": _csp_hash(style),
        "script_hash": _csp_hash(script),
    }


def _over_domain(board: OverBoard) -> _charts.Domain:
    return _charts.strip_domain(
        [
            (row.score, [cell.normalised for cell in row.cells if cell.normalised is not None])
            for row in board.rows
            if row.score
        ]
    )


def _over_pairs(board: OverBoard, numbers: Mapping[str, int]) -> str:
    reasons = {row.entrant: "; ".join(row.missing) for row in board.rows if not row.rank}
    return _pairs.pair_data(board, numbers, reasons, 3)


def _task_pairs(board: TaskBoard, task: TaskEntry, numbers: Mapping[str, int], entrants: Mapping[str, Entrant]) -> str:
    reasons = {
        row.entrant: _text.why_unranked(row, entrants[row.entrant].superseded_by) for row in board.rows if not row.rank
    }
    solved = {row.entrant: _text.solved(row) for row in board.rows} if _text.has_target(board) else None
    return _pairs.pair_data(board, numbers, reasons, _text.decimals(board, task), solved)


def page_style() -> str:
    """Return the style sheet of the page."""
    return _joined("css", STYLES)


def _joined(folder: str, names: Sequence[str]) -> str:
    """Return the text of these files of a folder of the templates, one after the other."""
    place = resources.files("archbench._report").joinpath("templates", folder)
    return "".join(place.joinpath(f"{name}.{folder}").read_text(encoding="utf-8") for name in names)


def _csp_hash(source: str) -> str:
    """Return the hash by which the content security policy of the page allows its own style and script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
