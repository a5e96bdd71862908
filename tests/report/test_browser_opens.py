"""How long the committed page keeps a browser busy until every control of it works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "leaderboard" / "reference" / "index.html"
AT_MOST = 1.0
"""Seconds. They are those of the page's thread, so that other work on the machine counts little."""


@pytest.mark.browser
@pytest.mark.parametrize("address", ["", "#/tasks"])
def test_the_committed_page_is_ready_within_a_second(browser: Any, address: str) -> None:
    """Reading, laying out and preparing the page takes its thread less than a second, scripts a small part of it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    try:
        tab = context.new_page()
        session = context.new_cdp_session(tab)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        tab.goto(PAGE.as_uri() + address)
        tab.wait_for_selector("html[data-ready]")
        tab.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))")
        found = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    finally:
        context.close()
    print(f"\n{address or 'overview'}: {found['TaskDuration']:.2f} s, of which scripts {found['ScriptDuration']:.2f} s")

    assert 0 < found["ScriptDuration"] < AT_MOST / 4
    assert found["TaskDuration"] < AT_MOST
