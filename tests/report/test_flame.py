"""The flame graph: widths are times, foreign names do no harm, and a click enlarges a box."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from archbench._report._flame import FlameNode, render_flame


def make_page(name: str = "layer") -> str:
    """Return a page whose second phase has two layers, of a quarter and of three quarters of it."""
    layers = [FlameNode(name, 0.002, f"net.{name} Linear"), FlameNode("other", 0.006)]
    phases = [FlameNode("data", 0.002), FlameNode("forward", 0.008, colour=1, parts=layers)]
    return render_flame(FlameNode("mlp", 0.01, parts=phases), title="mlp on digits", facts=["batch of 32"])


def test_widths_are_times() -> None:
    """Each box has its share of the width, below the box that it is part of, and its time in words."""
    found = re.findall(r'x="(.*?)%" width="(.*?)%" y="(\d+)" .*?<title>(.*?)</title>', make_page())

    assert [(float(x), float(width), int(y) // 24, title) for x, width, y, title in found] == [
        (0, 100, 0, "mlp: 10 ms, 100.0%"),
        (0, 20, 1, "data: 2 ms, 20.0%"),
        (20, 80, 1, "forward: 8 ms, 80.0%"),
        (20, 20, 2, "net.layer Linear: 2 ms, 20.0%"),
        (40, 60, 2, "other: 6 ms, 60.0%"),
    ]


def test_foreign_names_are_escaped() -> None:
    """A name with markup is shown as it is written."""
    page = make_page("<script>alert(1)</script>")

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.browser
def test_a_click_enlarges(browser: Any, tmp_path: Path) -> None:
    """A click on a box makes it as wide as the page, and a click on the top box shows everything again."""
    (tmp_path / "flame.html").write_text(make_page())
    faults: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((tmp_path / "flame.html").as_uri())
    boxes = page.locator("#flame > svg")
    before = shown(boxes)
    boxes.nth(3).click()
    enlarged = shown(boxes)
    boxes.nth(0).click()
    after = shown(boxes)
    pointed = page.locator("#pointed").inner_text()
    page.close()

    assert faults == []
    assert before == after == ["100%", "20%", "80%", "20%", "60%"]
    assert enlarged == ["100%", "", "100%", "100%", ""]
    assert pointed == "mlp: 10 ms, 100.0%"


def shown(boxes: Any) -> list[str]:
    """Return the widths of the boxes; empty for hidden ones."""
    read = "all => all.map(box => box.style.display ? '' : parseFloat(box.getAttribute('width')).toFixed(0) + '%')"
    widths: list[str] = boxes.evaluate_all(read)
    return widths
