"""`index.html`: one file that works without a network and without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from archbench._records import Record
from archbench._report import _charts, _claim_words, _explanations, _pairs, _text
from archbench._report._addresses import Addresses
from archbench._report._details import detail_names
from archbench._report._isolation import isolate
from archbench._report._overview import build_overview, setting_line
from archbench._report._page_data import Elsewhere, entrants_data, page_data
from archbench._report._schema import Entrant, Leaderboard, OverBoard, TaskBoard
from archbench._report._templates import templates

STYLES = ("base", "overview", "details", "views")
"""Names of the style sheets of the page, in order."""
SCRIPTS = (
    "page", "address", "names", "filter", "tables", "columns", "pins", "choices", "errors", "save", "folds", "boxes",
    "charts", "answers", "differences", "compare", "ask", "trials", "trial", "theme", "router", "start",
)  # fmt: skip
"""Names of the scripts of the page, in order."""


class Part(NamedTuple):
    """The sections of a page: all of them, or those of one file of a leaderboard that has several.

    Args:
        whole: the page has the views of the whole leaderboard, such as the overview and the claims.
        boards: the tasks with a view.
        entrants: the architectures with a view.
        records: those whose trials have a view.
        elsewhere: the files with what the page lacks.
        compared: the leaderboard whose pairs the page can compare; None for that which it shows.
    """

    whole: bool
    boards: Sequence[TaskBoard]
    entrants: Sequence[Entrant]
    records: Sequence[Record] = ()
    elsewhere: Elsewhere = Elsewhere()
    compared: Leaderboard | None = None


def render_html(board: Leaderboard, records: Sequence[Record] = (), publish_url: str = "") -> str:
    """Return the page as one file.

    Args:
        board: the leaderboard that it shows.
        records: the records that it was built from, for the views of single trials.
        publish_url: where it will be on the web; sites that link to it then show its preview picture. Else empty.
    """
    return make_renderer(board, publish_url)(Part(True, board.boards, board.entrants, records))


def make_renderer(board: Leaderboard, publish_url: str = "") -> Callable[[Part], str]:
    """Return what renders pages with parts of a leaderboard."""
    template, names, entrants = templates().get_template("page.html.j2"), _context(board), entrants_data(board)

    def render(part: Part) -> str:
        url = publish_url if part.whole else ""
        data = page_data(part.compared or board, entrants, part.records, part.elsewhere, part.boards)
        return isolate(template.render(names, part=part, publish_url=url, data=Markup(data)))  # noqa: S704 - no `<` in it

    return render


def _context(board: Leaderboard) -> dict[str, Any]:
    """Return the names that the template uses."""
    entrants = {entrant.id: entrant for entrant in board.entrants}
    tasks = {task.id: task for task in board.tasks}
    style, script = page_style(), _joined("js", SCRIPTS)
    return {
        "board": board,
        "entrants": entrants,
        "labels": {key: entrant.label for key, entrant in entrants.items()},
        "labelled": _labelled(board.entrants),
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
        "exact": _pairs.eight_digits,
        **detail_names(board),
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "style_hash": csp_hash(style),
        "script_hash": csp_hash(script),
    }


def _labelled(entrants: Sequence[Entrant]) -> Callable[[Sequence[str]], Markup]:
    """Return what turns ids into labels with commas between them: of each pair of a board, so they are escaped once."""
    shown = {entrant.id: escape(entrant.label) for entrant in entrants}
    return lambda keys: Markup(", ".join([shown[key] for key in keys]) or _text.NOTHING)  # noqa: S704 - escaped


def _over_domain(board: OverBoard) -> _charts.Domain:
    return _charts.strip_domain(
        [
            (row.score, [cell.normalised for cell in row.cells if cell.normalised is not None])
            for row in board.rows
            if row.score
        ]
    )


def page_style() -> str:
    """Return the style sheet of the page."""
    return _joined("css", STYLES)


def _joined(folder: str, names: Sequence[str]) -> str:
    """Return the lines of these files of a folder of the templates, without comments and indentation.

    A fifth of them would be that; who reads the code finds it where it is written.
    """
    place = resources.files("archbench._report").joinpath("templates", folder)
    text = "".join(place.joinpath(f"{name}.{folder}").read_text(encoding="utf-8") for name in names)
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith(("//", "/*")))


def csp_hash(source: str) -> str:
    """Return the hash by which the content security policy of the page allows its own style and script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
