"""The chart of a claim on the overview: the one of its study that is about it, with the lines that it names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from archbench._declarations import Chart
from archbench._report._charts._axes import Box
from archbench._report._charts._effects import effect_strip
from archbench._report._charts._labels import margin
from archbench._report._charts._lines import line_chart, shown_names
from archbench._report._schema import ClaimEntry, StudyEntry

SIZE = (430, 236)
"""Width and height of the chart of a card, in pixels."""

LETTERS = 4
"""Shorter words, such as `of` and `the`, name nothing."""

COMMON = frozenset(
    ["after", "before", "each", "first", "from", "last", "least", "less", "over", "than", "that", "with"]
)
"""Longer words that name nothing either."""

ROOM = (64, 200)
"""Least and most room for the names of lines, in pixels."""


def claim_chart(claim: ClaimEntry, study: StudyEntry | None) -> Markup | None:
    """Return the chart of a study that shares most words with a claim; without one, the strip of its effects.

    The words of the upward axis must be among them: a chart of another quantity would not show what is claimed.

    Returns:
        The image; None if there is nothing to draw.
    """
    text = f"{claim.statement} {claim.effect}"
    said, about = _words(text), _content(text)
    charts = [chart for chart in (study.charts if study else []) if chart.lines and _content(chart.y) & about]
    if not charts:
        return effect_strip(claim)
    chart = max(charts, key=lambda each: len(_words(_text(each)) & said))  # the first of equal ones
    named = [line.label for line in chart.lines if _words(line.label) <= said]
    return line_chart(chart, _box(chart, named), named) or effect_strip(claim)


def _box(chart: Chart, accents: Sequence[str]) -> Box:
    """Return the plot with as much room at the right as the names that it shows need."""
    return Box(*SIZE, margin(shown_names(chart, accents), *ROOM))


def _text(chart: Chart) -> str:
    return " ".join([chart.title, chart.x, chart.y, *(line.label for line in chart.lines)])


def _content(text: str) -> set[str]:
    """Return the words of a text that name something, in the singular."""
    named = [word for word in _words(text) - COMMON if len(word) >= LETTERS]
    return {word.removesuffix("es").removesuffix("s") for word in named}


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower()))
