"""A large leaderboard: an index, and beside it a page for each task and each architecture, which open from disk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._records import Record
from archbench._report import build_leaderboard
from archbench._report._html import render_html
from support import MakeRecord, sharing, write_page


@pytest.fixture
def large(realistic: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The realistic board as several files, since more than twenty trials count as many here."""
    monkeypatch.setattr("archbench._report._split.MOST_TRIALS", 20)
    write_page(realistic, tmp_path / "large")
    return tmp_path / "large"


def pages(folder: Path) -> dict[str, str]:
    """Return the pages of a folder by the names of their files."""
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}


def test_a_page_does_not_depend_on_what_records_share(realistic: list[Record]) -> None:
    """Records with parts of their own, and records that share equal parts, give the same page."""
    origin = realistic[0].task_origin
    records = [msgspec.structs.replace(r, task_origin=origin, architecture_origin=origin) for r in realistic]
    board = build_leaderboard(records)

    assert render_html(board, sharing(records)) == render_html(board, records)


def test_each_view_is_in_one_file(large: Path) -> None:
    """Each task and each architecture has a file of its own, and the index has neither."""
    found = pages(large)
    views = {name: re.findall(r'<section class="view[^>]*data-view="(\w+)"', page) for name, page in found.items()}

    assert len(found) > 10
    assert {"overview", "tasks"} <= set(views["index.html"])
    assert not {"task", "architecture"} & set(views["index.html"])
    assert views["details/task-digits.html"] == ["task", "trial"]
    assert views["details/architecture-mlp.html"] == ["architecture", "trial"]


def test_links_name_the_file_with_the_view(large: Path) -> None:
    """Without scripts, each link leads to a file that has the place it names; a trial to the page of its task."""
    found = pages(large)
    places = {name: set(re.findall(r' id="([^"]*)"', page)) for name, page in found.items()}
    wrong = []
    for name, page in found.items():
        for link in re.findall(r'href="([^":]*#/[^"]*)"', page):
            file, _, place = link.partition("#")
            target = (large / name).parent.joinpath(file).resolve() if file else large / name
            shown = target.relative_to(large.resolve()).as_posix()
            if place.startswith("/trial/"):
                wrong += [] if "task-" in shown else [(name, link)]
            elif place.partition("?")[0] not in places.get(shown, ()):
                wrong.append((name, link))

    assert wrong == []


def test_a_small_leaderboard_is_one_file_again(large: Path, make_record: MakeRecord) -> None:
    """Pages of tasks and architectures that are gone are removed; other files in their folder stay."""
    (large / "details" / "notes.txt").write_text("mine")
    write_page([make_record()], large)

    assert list(pages(large)) == ["index.html"]
    assert (large / "details" / "notes.txt").read_text() == "mine"


def test_labels_that_look_alike_have_files_of_their_own(
    make_record: MakeRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels that differ in signs alone, or are hostile, neither share a file nor leave the folder."""
    monkeypatch.setattr("archbench._report._split.MOST_TRIALS", 0)
    labels = ["c+", "c-", "../../c", "中文", "x" * 200, 'a"><b>']
    write_page([make_record(f"n{n}", a_label=label) for n, label in enumerate(labels)], tmp_path)

    files = sorted(path.name for path in (tmp_path / "details").iterdir())
    assert len(files) == len(labels) + 1
    assert all(re.fullmatch(r"[a-z0-9.-]{1,100}\.html", name) for name in files)


@pytest.mark.browser
def test_readers_go_from_file_to_file(open_page: Any, large: Path) -> None:
    """Views open from the index and back, by links and by address; a trial opens on the page of its task."""
    tab = open_page(large / "index.html", "#/task/digits?q=lstm")
    tab.wait_for_url("**/details/task-digits.html#/task/digits?q=lstm")
    assert tab.locator("section.view:not([hidden]) h2").first.inner_text().startswith("digits")

    tab.locator("header nav a").filter(has_text="Architectures").click()
    tab.wait_for_url("**/index.html#/architectures**")
    tab.locator('a[href$="/architecture/lstm"]:visible').first.click()
    tab.wait_for_url("**/details/architecture-lstm.html#/architecture/lstm**")
    assert tab.locator("section.view:not([hidden]) h2").first.inner_text() == "lstm"

    tab.locator("section.view:not([hidden]) details summary").filter(has_text="Trials").click()
    tab.locator('a[href*="#/trial/"]:visible').first.click()
    tab.wait_for_url("**/details/task-*.html#/trial/**")
    assert "seed" in tab.locator("section.view:not([hidden])").first.inner_text().lower()

    tab.locator("header nav a").filter(has_text="Tasks").click()
    tab.wait_for_url("**/index.html#/tasks**")
    tab.go_back()
    tab.wait_for_url("**/details/task-*.html#/trial/**")


@pytest.mark.browser
def test_a_trial_is_found_from_the_index(open_page: Any, large: Path, realistic: list[Record]) -> None:
    """The address of any trial of a board leads from the index to the file that shows it, also one that failed."""
    for status in ("ok", "timeout", "failed"):
        record = next(record for record in realistic if record.status == status)
        tab = open_page(large / "index.html", f"#/trial/{record.id}")
        tab.wait_for_url(f"**/details/task-{record.trial.task.label}.html#/trial/{record.id}")
        shown = tab.locator("section.view:not([hidden])").first.inner_text()
        assert f"{record.trial.architecture.label} on {record.trial.task.label}, seed {record.trial.seed}" in shown
        assert status in shown
    tab = open_page(large / "index.html", "#/trial/" + "0" * 16)
    assert "not in the page" in tab.locator("section.view:not([hidden])").first.inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1440])
def test_no_file_is_wider_than_the_screen(open_page: Any, large: Path, width: int) -> None:
    """Index and detail pages fit the screen, and each opens without an error."""
    for name in ("index.html", "details/task-digits.html", "details/architecture-mlp.html"):
        tab = open_page(large / name, viewport={"width": width, "height": 900})
        assert tab.locator("section.view:not([hidden])").count() > 0
        assert tab.evaluate("document.scrollingElement.scrollWidth") <= width, name
