"""Write leaderboard.schema.json, and the tables of columns in leaderboard.md, from the code that writes these files.

python docs/leaderboard_schema.py
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from generated_pages import markdown

from archbench._report import Leaderboard
from archbench._report._exports import TRIAL_COLUMNS
from archbench._report._schema import FORMAT

DOCS = Path(__file__).parent
BEGIN, END = "<!-- columns -->", "<!-- end of columns -->"
TYPES = {str: "text", int: "whole number", float: "number"}


def render_schema() -> str:
    """Return the JSON Schema of leaderboard.json; it allows the present format only."""
    schema = msgspec.json.schema(Leaderboard)
    schema["$defs"]["Leaderboard"]["properties"]["format"] = {"const": FORMAT}
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(draft | schema, indent=1, sort_keys=True) + "\n"


def render_columns() -> str:
    """Return the table of the columns of trials.csv."""
    lines = [(f"`{name}`", TYPES[kind], words) for name, (kind, words) in TRIAL_COLUMNS.items()]
    return markdown(["column", "type", "content"], lines)


def render_page(page: str) -> str:
    """Return the page with its table made again."""
    head, _, rest = page.partition(BEGIN)
    return f"{head}{BEGIN}\n\n{render_columns()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    (DOCS / "leaderboard.schema.json").write_text(render_schema(), encoding="utf-8")
    page = DOCS / "leaderboard.md"
    page.write_text(render_page(page.read_text(encoding="utf-8")), encoding="utf-8")
