"""Boxes around tables and charts: those that scroll take the keyboard focus, and the others do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from support.browsing import follow

pytestmark = pytest.mark.browser

VIEWS = (
    "#/",
    "#/claims",
    "#/task/noisy-digits",
    "#/architecture/lstm",
    "#/compare?with=lstm,gru",
    "#/study/depth",
    "#/data",
)
PHONE = {"width": 390, "height": 800}
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
BOXES = """() => [...document.querySelectorAll(".scroll, pre")].filter((box) => box.checkVisibility())
    .map((box) => { box.scrollLeft = box.scrollTop = 1; return [box, box.scrollLeft || box.scrollTop]; })
    .map(([box, moved]) => [moved > 0 && getComputedStyle(box).overflowX !== "hidden", box.tabIndex === 0])"""
OPEN = "document.querySelectorAll('details').forEach((part) => { part.open = true })"


def boxes(page: Any) -> list[list[bool]]:
    """Return of each visible box whether it scrolls, and whether it takes the focus."""
    page.evaluate(DRAWN)
    found: list[list[bool]] = page.evaluate(BOXES)
    return found


@pytest.mark.parametrize(("width", "seen"), [(390, {True, False}), (1280, {False})])
def test_boxes_take_the_focus_while_they_scroll(open_page: Any, rebuilt: Path, width: int, seen: set[bool]) -> None:
    """In every view, with all that is folded opened, the boxes that scroll are those that take the focus."""
    page = open_page(rebuilt / "index.html", viewport={"width": width, "height": 900})
    page.evaluate(OPEN)
    every = []
    for view in VIEWS:
        follow(page, view)
        found = boxes(page)
        assert [(view, *box) for box in found if box[0] != box[1]] == []
        every += found

    assert {scrolls for scrolls, _ in every} == seen


def test_boxes_of_a_trial_follow_the_window(open_page: Any, rebuilt: Path) -> None:
    """The charts of a trial, which a script draws, take the focus on a narrow screen only, also once it is turned."""
    page = open_page(rebuilt / "index.html", "#/task/noisy-digits")
    page.locator("a[href^='#/trial/']").first.evaluate("link => link.click()")
    assert page.locator("#trial svg").count() == 2

    for width, scrolls in ((1280, False), (240, True), (1280, False)):
        page.set_viewport_size({"width": width, "height": 800})
        assert boxes(page) == [[scrolls, scrolls]] * 2


def test_what_a_phone_hides_takes_no_focus(open_page: Any, rebuilt: Path) -> None:
    """The strip chart of a task reaches beyond the edge of a phone and cannot be scrolled, so it is no stop."""
    page = open_page(rebuilt / "index.html", "#/task/noisy-digits", viewport=PHONE)
    page.evaluate(DRAWN)
    box = page.locator(".all-seeds .scroll:visible")

    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert box.get_attribute("tabindex") is None


def test_fewer_columns_need_no_focus(page_at: Any) -> None:
    """A table that fits once columns are hidden leaves the order of the focus, and comes back with its columns."""
    page = page_at("#/task/digits")
    page.set_viewport_size({"width": 700, "height": 800})
    block = page.locator(".scroll:has(> table[id^=t-]):visible")
    block.evaluate("box => { box.style.height = '2000px' }")  # what changes is in the box, and not the box

    for hide, scrolls in (
        ("", True),
        ("?hide=last-weights,validation,train-loss,seeds,parameters,samples-s", False),
        ("", True),
    ):
        follow(page, f"#/task/digits{hide}")
        page.evaluate(DRAWN)
        assert (block.get_attribute("tabindex") == "0") == scrolls


def test_axe_reaches_all_that_scrolls(open_page: Any, rebuilt: Path) -> None:
    """On a phone, axe finds no box that scrolls and cannot be reached with the keyboard."""
    page = open_page(rebuilt / "index.html", viewport=PHONE)
    for view in VIEWS:
        follow(page, view)
        page.evaluate(DRAWN)
        found = Axe().run(page, options={"runOnly": ["scrollable-region-focusable"]}).response
        assert found["violations"] == []


def test_without_scripts_all_boxes_take_the_focus(open_page: Any, rebuilt: Path) -> None:
    """Where no script can see what scrolls, every box can be reached."""
    page = open_page(rebuilt / "index.html", java_script_enabled=False)

    assert page.locator(".scroll").count() > 20
    assert page.locator(".scroll:not([tabindex='0'])").count() == 0
