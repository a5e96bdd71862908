"""How much room a text takes in a chart, and as much of it as fits."""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterable


def letters(text: str) -> int:
    """Return the width of a text in Latin letters: Chinese, Japanese and Korean characters and emoji take two."""
    return len(text) if text.isascii() else sum(map(_width, text))


def clip(text: str, size: int) -> str:
    """Return a text that is at most as wide as this number of letters; what is cut off ends in an ellipsis."""
    if letters(text) <= size:
        return text
    widths = itertools.accumulate(map(_width, text))
    return f"{text[: sum(width < size for width in widths)]}…"


def shorten(names: Iterable[str], size: int) -> dict[str, str]:
    """Return each name in at most so many letters, and no two alike.

    What is too long loses its middle, as variants of a network differ at the end of their names. Those that look alike
    even so end in a number.
    """
    short = {name: _without_middle(name, size) for name in names}
    alike = Counter(short.values())
    numbers: Counter[str] = Counter()
    for name, text in short.items():
        if alike[text] > 1:
            numbers[text] += 1
            short[name] = f"{clip(name, size - len(str(alike[text])))}{numbers[text]}"
    return short


def _without_middle(text: str, size: int) -> str:
    """Return a text that is at most as wide as this number of letters, with an ellipsis for what is left out."""
    if letters(text) <= size:
        return text
    widths = itertools.accumulate(map(_width, reversed(text)))
    end = text[len(text) - sum(width <= size // 3 for width in widths) :]
    while end and not _width(end[0]):  # a mark above or below a character that is left out
        end = end[1:]
    return clip(text, size - letters(end)) + end


def _width(character: str) -> int:
    """Return the width of a character; that of a mark above or below another one is 0."""
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
