"""The page on a phone: what a wide screen has beside each other stands below each other, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.browsing import go

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
    page.evaluate("document.querySelectorAll('.fold').forEach((button) => button.click())")

    assert page.evaluate(SIDEWAYS) == []
    widths = page.locator(f"{table} tbody tr").first.evaluate(NARROW)
    assert len(widths) >= 3
    assert min(widths) > 340


def test_claims_keep_all_their_parts_and_can_be_sorted(open_page: Any, rebuilt: Path) -> None:
    """An open claim has the strip of its effect and numbers that say what they are; heads that sort are above."""
    table = open_page(rebuilt / "index.html", "#/claims", viewport=PHONE).locator("#claims-decided")
    row = table.locator("tbody tr").first

    row.get_by_role("button", name="Details").click()
    assert row.locator("svg.effect").is_visible()
    heads = "cells => cells.map((cell) => getComputedStyle(cell, '::before').content)"
    assert row.locator("td.n").evaluate_all(heads) == ['"Mean effect: "', '"Seeds: "']
    table.locator("thead").get_by_role("button", name="Seeds").click()
    seeds = [int(text) for text in table.locator("td[data-head=Seeds]").all_inner_texts()]
    assert seeds == sorted(seeds, reverse=True)
    assert len(set(seeds)) > 1


def test_a_claim_is_its_statement_and_its_verdict(open_page: Any, rebuilt: Path) -> None:
    """The rest of a claim opens at a button, which says whether it is open; nothing of it stands there before."""
    page = open_page(rebuilt / "index.html", "#/claims", viewport=PHONE)
    rows = page.locator("#claims-decided tbody tr")
    row, button = rows.first, rows.first.get_by_role("button", name="Details")
    shown = "row => [...row.cells].filter((cell) => cell.checkVisibility()).length"

    assert page.evaluate("document.documentElement.scrollHeight") < 200 * rows.count()
    assert row.locator(".statement").is_visible()
    assert row.locator(".note:visible").count() == 0
    assert row.evaluate(shown) == 2
    assert (
        "verdict: "
        in row.locator("[data-head=Verdict]").evaluate("cell => getComputedStyle(cell, '::before').content").lower()
    )
    button.click()
    assert (row.evaluate(shown), button.get_attribute("aria-expanded")) == (7, "true")
    assert row.locator(".note").first.is_visible()
    button.click()
    assert (row.evaluate(shown), button.get_attribute("aria-expanded")) == (2, "false")


def test_a_link_to_a_claim_opens_it(open_page: Any, rebuilt: Path) -> None:
    """Who comes to one claim sees all of it, and the others folded."""
    page = open_page(rebuilt / "index.html", "#/claims", viewport=PHONE)
    name = page.locator("#claims-decided tbody tr").nth(1).get_attribute("id")
    go(page, f"#{name}")

    assert page.locator(".fold[aria-expanded=true]").count() == 1
    assert page.locator("tr.here .note:visible").count() > 2


@pytest.mark.parametrize("way", ["print", "wide", "no scripts"])
def test_nothing_of_a_claim_is_folded_elsewhere(way: str, open_page: Any, rebuilt: Path) -> None:
    """On paper, on a wide screen and without scripts every part of a claim is there, and no button."""
    size = {"width": 1280, "height": 900} if way == "wide" else PHONE
    page = open_page(rebuilt / "index.html", "#/claims", viewport=size, java_script_enabled=way != "no scripts")
    if way == "print":
        page.emulate_media(media="print")
    table = page.locator("#claims-decided")

    rows = table.locator("tbody tr").count()
    assert table.locator("tbody td:visible").count() == 6 * rows
    assert table.locator("tbody td[data-head^=Rule] .note:visible").count() >= rows
    assert table.locator(".fold:visible").count() == 0
