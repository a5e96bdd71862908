"""What axe finds on the page: nothing that keeps people from using it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from support.browsing import follow
from support.pages import ROOT

REFERENCE = ROOT / "leaderboard" / "reference" / "index.html"
VIEWS = (
    "#/", "#/claims", "#/tasks", "#/task/parity", "#/task/noisy-digits", "#/architecture/lstm", "#/architectures",
    "#/compare?with=lstm,gru", "#/study/depth", "#/studies", "#/data", "#/nothing",
)  # fmt: skip
IN_THE_DARK = ("#/", "#/claims", "#/task/parity", "#/architecture/lstm", "#/compare?with=lstm,gru", "#/study/depth")
"""Views that hold every kind of table and chart: the others add words, not colours."""

pytestmark = pytest.mark.browser


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("scheme", "views"), [("light", VIEWS), ("dark", IN_THE_DARK)], ids=["light", "dark"])
def test_axe_finds_nothing_serious(scheme: str, views: tuple[str, ...], open_page: Any) -> None:
    """No view of the reference page has a serious or critical fault, nor have those of every kind in the dark."""
    page, found = open_page(REFERENCE, color_scheme=scheme), {}
    for view in views:
        follow(page, view)
        found[view] = serious_faults(page)

    assert found == {view: [] for view in views}


def test_axe_finds_nothing_serious_on_a_small_page(page: Any) -> None:
    """The overview of a board with failures and superseded entrants has no serious fault."""
    assert serious_faults(page) == []


def serious_faults(page: Any) -> list[tuple[str, str]]:
    """Return the name of each serious or critical fault, with the first place where it is."""
    found = Axe().run(page).response["violations"]
    return [(f["id"], f["nodes"][0]["html"]) for f in found if f["impact"] in ("serious", "critical")]


def test_axe_sees_a_fault(open_page: Any, tmp_path: Path) -> None:
    """A picture without words is found, so the tests above can fail."""
    page = tmp_path / "page.html"
    page.write_text('<!doctype html><html lang="en" data-ready="1"><title>x</title><main><img src="data:,"></main>')

    faults = Axe().run(open_page(page)).response["violations"]
    assert "image-alt" in {fault["id"] for fault in faults}
