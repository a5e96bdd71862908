"""The page docs/the-line.md: every claim has its place, and the committed page is that of the committed records."""

from __future__ import annotations

import runpy
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._plugins import load_plugins
from archbench._report._schema import Leaderboard

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The names of docs/the_line.py."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        return runpy.run_path(str(ROOT / "docs" / "the_line.py"))
    finally:
        sys.path.remove(str(ROOT / "docs"))


def test_every_claim_has_one_place(script: dict[str, Any]) -> None:
    """Each claim of the built-in studies is part of one step of the argument, and no other claim is."""
    placed = Counter(name for section in script["SECTIONS"] for name in section.claims)
    declared = [claim.item.name for claim in load_plugins().claims if claim.origin.distribution == "archbench"]

    assert placed == Counter(declared)


def test_the_page_is_that_of_the_records(script: dict[str, Any]) -> None:
    """The committed page and figures are those that the committed leaderboard gives, so no number is typed by hand."""
    reference = ROOT / "leaderboard" / "reference" / "leaderboard.json"
    page = script["make"](msgspec.json.decode(reference.read_bytes(), type=Leaderboard))
    figures = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "figures").glob("*.svg")}

    assert page.text == (ROOT / "docs" / "the-line.md").read_text(encoding="utf-8")
    assert page.figures == figures
