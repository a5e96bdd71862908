"""Tables of docs/equivalence.md, made of the results that docs/equivalence_measured.py writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generated_pages import markdown

Row = dict[str, Any]
HEADS = ("faster form", "control", "inputs", "n", "absolute", "relative", "tolerance", "")


def within(row: Row) -> bool:
    """Return whether the largest relative difference is at most the tolerance; 0 stands for equal bits."""
    return bool(row["relative"] <= row["tolerance"])


def render(results: dict[str, Any]) -> str:
    """Return all tables as Markdown."""
    rows = [*results["networks"], *results["training"]]
    missed = sum(not within(row) for row in rows)
    parts = [
        f"Compared on {results['date']} in {results['seconds']} s by `{results['command']}` with archbench "
        f"{results['archbench']}, Python {results['python']}, torch {results['torch']}, on {results['platform']}, "
        f"{results['processor']}, one thread.",
        f"Of {len(rows)} comparisons {len(rows) - missed} are within their tolerance and {missed} are not.",
        "### Networks",
        "Answers, and the gradients of a random sum of them in the inputs and in all weights.",
        table(results["networks"]),
        "### Training",
        table(results["training"]),
        "### Tests",
        tests(rows),
    ]
    return "\n\n".join(parts)


def table(rows: Sequence[Row]) -> str:
    """Return the largest differences beside the tolerances."""
    lines = [
        (row["speed_up"], row["control"], row["inputs"], f"{row['n']:,}", number(row["absolute"]),
         number(row["relative"]), tolerance(row), "within" if within(row) else "**exceeded**")
        for row in rows
    ]  # fmt: skip
    return markdown(HEADS, lines)


def tolerance(row: Row) -> str:
    """Return the relative difference that is promised."""
    return number(row["tolerance"]) if row["tolerance"] else "equal bits"


def number(value: float) -> str:
    """Return a small number in two digits."""
    return f"{value:.1e}" if value else "0"


def tests(rows: Sequence[Row]) -> str:
    """Return which test holds each faster form."""
    held = dict.fromkeys((row["speed_up"], row["test"]) for row in rows)
    return markdown(("faster form", "held by"), [(speed_up, f"`{test}`") for speed_up, test in held])
