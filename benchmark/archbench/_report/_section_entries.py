"""The sections of plugins as entries of the page: text that can be written, charts and pictures."""

from __future__ import annotations

import re
from dataclasses import replace

from archbench._declarations import Chart, Section
from archbench._records import Origin
from archbench._report._schema import PictureEntry, SectionEntry


def describe_section(origin: Origin, section: Section) -> SectionEntry:
    """Return a section as an entry of the page."""
    return SectionEntry(
        provider=encodable(f"{origin.distribution} {origin.version}".strip()),
        title=encodable(section.title),
        paragraphs=[encodable(text.strip()) for text in re.split(r"\n\s*\n", section.text) if text.strip()],
        columns=[encodable(column) for column in section.columns],
        rows=[[encodable(cell) for cell in row] for row in section.rows],
        charts=[_chart(chart) for chart in section.charts],
        pictures=[
            PictureEntry(media_type=picture.media_type, data=picture.data, description=encodable(picture.description))
            for picture in section.pictures
        ],
    )


def encodable(text: object) -> str:
    """Return text that UTF-8 can hold: file names may carry lone surrogates, and cells of a section may be numbers."""
    return str(text).encode("utf-8", "replace").decode()


def _chart(chart: Chart) -> Chart:
    lines = tuple(replace(line, label=encodable(line.label)) for line in chart.lines)
    title, x, y, description = map(encodable, (chart.title, chart.x, chart.y, chart.description))
    return replace(chart, title=title, x=x, y=y, description=description, lines=lines)
