"""The page docs/the-line.md: every claim has its place, and the committed page is that of the committed records."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from archbench._plugins import load_plugins
from archbench._report._schema import Leaderboard
from support.pages import ROOT, script_of_docs


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """The names of docs/the_line.py."""
    return vars(script_of_docs("the_line"))


def test_every_claim_has_one_place(script: dict[str, Any]) -> None:
    """Each claim of the built-in studies is part of one step of the argument, and no other claim is."""
    placed = Counter(name for section in script["SECTIONS"] for name in section.claims)
    declared = [claim.item.name for claim in load_plugins().claims if claim.origin.distribution == "archbench"]

    assert placed == Counter(declared)


def test_every_step_has_a_figure_of_its_own(script: dict[str, Any]) -> None:
    """No step of the argument is without a figure, and no figure stands twice."""
    figures = [figure for section in script["SECTIONS"] for figure in section.figures]

    assert all(section.figures for section in script["SECTIONS"])
    assert len(set(figures)) == len(figures)


def test_the_page_is_that_of_the_records(script: dict[str, Any]) -> None:
    """The committed page and figures are those that the committed leaderboard gives, so no number is typed by hand."""
    reference = ROOT / "leaderboard" / "reference" / "leaderboard.json"
    page = script["make"](msgspec.json.decode(reference.read_bytes(), type=Leaderboard))
    figures = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "figures").glob("*.svg")}

    assert page.text == (ROOT / "docs" / "the-line.md").read_text(encoding="utf-8")
    assert page.figures == figures
