"""How much room a text takes in a chart, and as much of it as fits."""

from __future__ import annotations

import itertools
import unicodedata


def letters(text: str) -> int:
    """Return the width of a text in Latin letters: Chinese, Japanese and Korean characters and emoji take two."""
    return len(text) if text.isascii() else sum(map(_width, text))


def clip(text: str, size: int) -> str:
    """Return a text that is at most as wide as this number of letters; what is cut off ends in an ellipsis."""
    if letters(text) <= size:
        return text
    widths = itertools.accumulate(map(_width, text))
    return f"{text[: sum(width < size for width in widths)]}…"


def _width(character: str) -> int:
    """Return the width of a character; that of a mark above or below another one is 0."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
