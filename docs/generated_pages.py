"""Pages of docs/ whose tables are made of measured numbers: both are written by one command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent


def write_page(name: str, results: dict[str, Any], render: Callable[[dict[str, Any]], str]) -> None:
    """Write docs/NAME.json, and the tables between the markers of docs/NAME.md.

    Args:
        name: of the page; its markers are `<!-- NAME -->` and `<!-- end of NAME -->`.
        results: the numbers; they are rounded to four digits behind the point, those below 0.01 to four in all.
        render: makes the tables of them.
    """
    results = rounded(results)
    (DOCS / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    begin, end, page = f"<!-- {name} -->", f"<!-- end of {name} -->", DOCS / f"{name}.md"
    head, _, rest = page.read_text(encoding="utf-8").partition(begin)
    page.write_text(f"{head}{begin}\n\n{render(results)}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def rounded(value: Any) -> Any:
    """Return a result with few digits, so that a diff shows changes and not noise of rounding."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if abs(value) >= 0.01 else float(f"{value:.4g}")
    return value


def markdown(heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(str(value) for value in line) + " |" for line in rows)
