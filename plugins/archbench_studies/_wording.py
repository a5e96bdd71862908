"""Words for numbers, from which the studies generate their paragraphs."""

from __future__ import annotations

from collections.abc import Sequence


def plain_number(value: float | None) -> str:
    """Return a number with three digits, without an exponent where it can be read without; a dash for none."""
    if value is None:
        return "-"
    return f"{value:.3g}" if 0.001 <= abs(value) < 1_000 or not value else f"{value:.1e}"


def listed(items: Sequence[str]) -> str:
    """Return items as a list in a sentence: `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
