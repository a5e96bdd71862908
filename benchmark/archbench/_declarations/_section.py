"""What a plugin adds to the leaderboard page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part that a plugin adds to the leaderboard page.

    Args:
        title: the heading, plain text.
        text: paragraphs of plain text, parted by empty lines; markup in it is shown, not obeyed.
        columns: the head of a table below the text; empty for none.
        rows: the cells of that table, one tuple a row, each as long as `columns`.
    """

    title: str
    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
