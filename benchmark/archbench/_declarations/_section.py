"""The declaration of a section that a plugin adds to the leaderboard page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section that a plugin adds to the leaderboard page.

    Args:
        title: the heading, plain text.
        text: paragraphs of plain text, separated by empty lines; markup in it is shown as text.
        columns: the header of a table below the text; empty for no table.
        rows: the rows of the table, each a tuple of as many cells as there are columns.
    """

    title: str
    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
