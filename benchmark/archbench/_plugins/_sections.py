"""The sections that a plugin adds to the page: collected, and checked before they can break or bloat it."""

from __future__ import annotations

from collections.abc import Sequence

from archbench._declarations import Section
from archbench._plugins._containment import contained
from archbench._plugins._faults import FaultError, Problem
from archbench._plugins._hooks import Hooks
from archbench._plugins._plain_sections import copy_plainly
from archbench._records import Record

Sections = tuple[list[Section], Problem | None]
"""The sections of a plugin, or why it has none."""

MOST_BYTES = 300_000
"""All pictures of a plugin together: a fifth of a large page."""
MOST_POINTS = 10_000
"""All points of the charts of a plugin together."""
MOST_CHARACTERS = 200_000
"""All titles, texts and cells of a plugin together: as much as a book of a hundred pages."""


def make_sections(plugin: str, hooks: Hooks, records: tuple[Record, ...]) -> Sections:
    """Call the hook that makes sections here; return them, or the problem."""
    try:
        with contained():
            found = hooks.collect("archbench_leaderboard_sections", Section, records=records)
            sections = [copy_plainly(section) for section in found]
        _check_sizes(sections)
    except FaultError as fault:
        return [], fault.problem(plugin)
    return sections, None


def _texts(section: Section) -> list[str]:
    return [section.title, section.text, *section.columns, *(cell for row in section.rows for cell in row)]


def _check_sizes(sections: Sequence[Section]) -> None:
    """Raise if texts, pictures or charts of a plugin would make the page slow to open."""
    characters = sum(len(text) for section in sections for text in _texts(section))
    if characters > MOST_CHARACTERS:
        message = f"the texts have {characters:,} characters together, at most {MOST_CHARACTERS:,} are shown"
        raise FaultError("collect", f"{message}; leave rows out, or write them to a file")
    size = sum(len(picture.data) for section in sections for picture in section.pictures)
    if size > MOST_BYTES:
        message = f"the pictures have {size:,} bytes together, at most {MOST_BYTES:,} are shown; draw fewer or smaller"
        raise FaultError("collect", message)
    lines = [line for section in sections for chart in section.charts for line in chart.lines]
    points = sum(len(line.x) + len(line.seeds) for line in lines)
    if points > MOST_POINTS:
        raise FaultError("collect", f"the charts have {points:,} points, at most {MOST_POINTS:,} are drawn; thin them")
