"""The sections that a plugin adds to the page: collected, and checked before they can break or bloat it."""

from __future__ import annotations

from collections.abc import Sequence

from archbench._declarations import Chart, Picture, Section, check_chart
from archbench._plugins._containment import contained
from archbench._plugins._faults import FaultError, Problem
from archbench._plugins._hooks import Hooks
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
        for section in found:
            _check(section)
        _check_sizes(found)
    except FaultError as fault:
        return [], fault.problem(plugin)
    return found, None


def _check(section: Section) -> None:
    """Raise if a section is none that the page can show."""
    if not all(isinstance(text, str) for text in _texts(section)):
        raise _fault(section, "title, text, columns and cells must all be text")
    if any(len(row) != len(section.columns) for row in section.rows):
        raise _fault(section, f"each row needs {len(section.columns)} cells, as columns")
    for kind, items in ((Chart, section.charts), (Picture, section.pictures)):
        if wrong := [item for item in items if not isinstance(item, kind)]:
            raise _fault(section, f"{wrong[0]!r:.60} is no archbench.{kind.__name__}")
    for chart in section.charts:
        _check_chart(section, chart)


def _check_chart(section: Section, chart: Chart) -> None:
    """Raise if a chart cannot be drawn."""
    try:
        check_chart(chart)
        texts = [chart.title, chart.x, chart.y, chart.description, *(line.label for line in chart.lines)]
    except (AttributeError, TypeError, ValueError) as error:
        raise _fault(section, str(error)) from None
    if not all(isinstance(text, str) for text in texts):
        raise _fault(section, "titles, labels and descriptions of charts must all be text")


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


def _fault(section: Section, reason: str) -> FaultError:
    return FaultError("collect", f"section {section.title!r}: {reason}")
