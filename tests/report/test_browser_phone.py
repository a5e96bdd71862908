"""The page on a phone: what a wide screen has beside each other stands below each other, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 800}
SIDEWAYS = """() => [...document.querySelectorAll(".scroll:has(table.stacked)")]
    .filter((block) => block.checkVisibility() && block.scrollWidth > block.clientWidth)
    .map((block) => block.textContent.slice(0, 60))"""
NARROW = """row => [...row.cells].filter((cell) => cell.checkVisibility() && cell.matches(":not(.n)"))
    .map((cell) => cell.getBoundingClientRect().width)"""


@pytest.mark.parametrize(
    ("route", "table"),
    [
        ("#/claims", "#claims-decided"),
        ("#/study/depth", "#decided-depth"),
        ("#/architectures", "#architectures"),
        ("#/data", "#entrants"),
    ],
)
def test_tables_of_words_do_not_scroll_sideways(open_page: Any, rebuilt: Path, route: str, table: str) -> None:
    """Each cell of a claim and of an architecture is as wide as the screen, also in parts that are folded."""
    page = open_page(rebuilt / "index.html", route, viewport=PHONE)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")

    assert page.evaluate(SIDEWAYS) == []
    widths = page.locator(f"{table} tbody tr").first.evaluate(NARROW)
    assert len(widths) >= 3
    assert min(widths) > 340


def test_claims_keep_all_their_parts_and_can_be_sorted(open_page: Any, rebuilt: Path) -> None:
    """The strip of the effect is there, each number says what it is, and the heads that sort are above the rows."""
    table = open_page(rebuilt / "index.html", "#/claims", viewport=PHONE).locator("#claims-decided")
    row = table.locator("tbody tr").first

    assert row.locator("svg.effect").is_visible()
    heads = "cells => cells.map((cell) => getComputedStyle(cell, '::before').content)"
    assert row.locator("td.n").evaluate_all(heads) == ['"Mean effect: "', '"Seeds: "']
    table.locator("thead").get_by_role("button", name="Seeds").click()
    seeds = [int(text) for text in table.locator("td[data-head=Seeds]").all_inner_texts()]
    assert seeds == sorted(seeds, reverse=True)
    assert len(set(seeds)) > 1
