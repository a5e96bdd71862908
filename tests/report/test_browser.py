"""The page in a real browser: it makes no error and no request, and sorting and filtering work."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from archbench._records import Record, TaskFacts
from archbench._report import build_leaderboard
from support import MakeRecord, write_page

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of this file."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any, realistic: list[Record], tmp_path: Path) -> Iterator[Any]:
    """The realistic board, opened from disk; any console error or request fails the test."""
    write_page(realistic, tmp_path)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    faults: list[str] = []
    tab.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("request", lambda request: faults.append(request.url) if not request.url.startswith("file:") else None)
    tab.goto((tmp_path / "index.html").as_uri())
    tab.wait_for_selector("html[data-ready]")
    yield tab
    context.close()
    assert [fault for fault in faults if fault != "data:,"] == []


def column(page: Any, number: int) -> list[str]:
    """Return the texts of one column of the first table."""
    texts: list[str] = page.locator("table[id]").first.locator(f"tbody tr > :nth-child({number})").all_inner_texts()
    return texts


def test_sorting(page: Any) -> None:
    """The first click sorts, the second reverses, the third restores the order; missing values stay at the end."""
    before, head = column(page, 2), page.locator("table[id]").first.locator("thead th").nth(4)

    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    numbers = [float(text) for text in column(page, 5) if text[0].isdigit()]
    assert sorted(numbers, reverse=True) == numbers
    assert not column(page, 5)[-1][0].isdigit()
    assert "Sorted by shapes" in page.locator("#live").inner_text() or "digits" in page.locator("#live").inner_text()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") is None
    assert before == column(page, 2)


def test_filter_and_permalink(page: Any) -> None:
    """The filter hides rows in all tables and fades them in the charts; the address restores the same view."""
    page.locator("#q").fill("resnet")
    page.locator("table[id]").first.locator("thead th").nth(1).locator("button").click()
    visible = page.locator("tbody tr[data-e]:visible th .label").all_inner_texts()
    assert {"resnet", "resnet-56"} == set(visible)
    assert page.locator(".plot .off").count() > 0

    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("html[data-ready]")

    assert page.locator("#q").input_value() == "resnet"
    assert visible == page.locator("tbody tr[data-e]:visible th .label").all_inner_texts()
    assert page.locator("table[id]").first.locator("thead th").nth(1).get_attribute("aria-sort") == "ascending"


def test_superseded_rows_can_be_hidden(page: Any) -> None:
    """Unchecking the box hides superseded rows."""
    page.locator("#old").uncheck()

    assert page.locator("tr[data-old]:visible").count() == 0


def answers(page: Any) -> dict[str, list[str]]:
    """Return what the comparison at the top says: the cells of each row by the name of its board."""
    rows = page.locator("#answers tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows}


def choose(page: Any, first: str, second: str) -> None:
    """Choose the two architectures of the comparison."""
    page.locator("#a").select_option(first)
    page.locator("#b").select_option(second)


def test_any_pair_is_answered(page: Any, realistic: list[Record]) -> None:
    """For every pair and board, the answer and the difference are those that the leaderboard has."""
    board = build_leaderboard(realistic)
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    tasks = {task.id: task.label for task in board.tasks}
    (item,) = [item for item in board.boards if tasks[item.task] == "digits"]
    found = {labels[row.entrant]: row for row in item.rows if row.rank}
    assert item.comparison.told_apart > 3

    for first, second in itertools.permutations(found, 2):
        choose(page, first, second)
        answer, difference, *means = answers(page)["digits"]
        a, b = found[first], found[second]
        said = "undecided"
        if b.entrant in a.better_than:
            said = f"{first} is better"
        if b.entrant in a.worse_than:
            said = f"{second} is better"
        assert (first, second, answer) == (first, second, said)
        assert a.score is not None
        assert b.score is not None
        shown = float(difference.split()[0].replace("\N{MINUS SIGN}", "-"))
        assert shown == pytest.approx(a.score.mean - b.score.mean, abs=0.0011)
        assert [float(mean) for mean in means] == pytest.approx([a.score.mean, b.score.mean], abs=0.0006)


def test_ratios_are_answered(browser: Any, make_record: MakeRecord, tmp_path: Path) -> None:
    """Where errors are compared by ratios, the answer is how many times the error, either way round."""
    facts = TaskFacts(
        kind="sequence", metric="mean_squared_error", higher_is_better=False, chance=1.0, oracle=0.0, summary="",
        margin=0.003, factor=1.25,
    )  # fmt: skip
    errors = {"a": [0.001, 0.0012, 0.0011], "b": [0.003, 0.0041, 0.0034]}
    records = [
        make_record(name, seed=seed, score=error, task_facts=facts)
        for name, row in errors.items()
        for seed, error in enumerate(row)
    ]
    logs = np.log(errors["a"]), np.log(errors["b"])
    bounds = np.exp(stats.ttest_rel(*logs).confidence_interval(0.95))
    write_page(records, tmp_path)
    tab = browser.new_page()
    tab.goto((tmp_path / "index.html").as_uri())

    for first, second, power in (("a", "b", 1), ("b", "a", -1)):
        choose(tab, first, second)
        answer, ratio, *means = answers(tab)["digits"]
        low, high = sorted(bounds**power)
        assert answer == "a is better"
        said = [float(number) for number in re.findall(r"[\d.]+", ratio)]
        assert said == pytest.approx([float(np.exp(logs[0] - logs[1]).prod() ** (power / 3)), low, high], rel=0.06)
        assert re.fullmatch(r"\S+ times the error \(\S+ to \S+\)", ratio)
        assert [float(mean) for mean in means] == pytest.approx(
            [stats.gmean(errors[first]), stats.gmean(errors[second])], abs=0.0001
        )
    tab.close()


def test_the_comparison_says_why_there_is_no_answer(page: Any) -> None:
    """An entrant that is not ranked is named with the reason; boards that one of the two is not on are left out."""
    choose(page, "resnet", "rnn")

    found = answers(page)

    assert found["digits"] == ["rnn is not ranked: failed 3 of 3"]
    assert "adding" not in found


def test_a_comparison_has_an_address(page: Any) -> None:
    """The address holds the two architectures, and opens the same comparison."""
    choose(page, "lstm", "mlp")
    before, address = answers(page), page.url

    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("html[data-ready]")

    assert (page.locator("#a").input_value(), page.locator("#b").input_value()) == ("lstm", "mlp")
    assert before == answers(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone(page: Any, scheme: str) -> None:
    """At 390 pixels the page does not scroll sideways, in both colour schemes."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference" / "index.html"
TOO_WIDE = "[...document.querySelectorAll('.scroll')].filter(s => s.scrollWidth > s.clientWidth).length"


def test_the_reference_page_fits_a_laptop(page: Any) -> None:
    """At 1280 pixels no table of the reference page scrolls sideways, not even the tables with the commands."""
    page.goto(REFERENCE.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

    assert page.evaluate(TOO_WIDE) == 0


def test_the_name_stays_in_sight(page: Any) -> None:
    """On a phone the names stay visible while a wide table scrolls, and the score is visible without scrolling."""
    page.goto(REFERENCE.as_uri())
    page.set_viewport_size({"width": 390, "height": 800})
    table = page.locator(".scroll:has(td.score)").first
    last = table.locator("tbody tr").first.locator("td").last
    score = page.locator("td.score b").first.bounding_box()
    assert score["x"] + score["width"] <= 390 - 16

    table.evaluate("element => { element.scrollLeft = 9999 }")

    name = table.locator("tbody th .label").first.bounding_box()
    assert name["x"] >= 0
    assert name["x"] + name["width"] <= last.bounding_box()["x"]


def test_print(page: Any) -> None:
    """A printed page has dark letters on white, even with a dark screen, and no controls."""
    page.emulate_media(color_scheme="dark", media="print")

    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#tools").is_visible()


def test_sorting_by_keyboard(page: Any) -> None:
    """The Tab key reaches the head of a column and Enter sorts by it; the filter follows the typing."""
    head = page.locator("table[id]").first.locator("thead th").nth(1)
    page.locator("table[id]").first.locator("thead button").nth(0).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"

    page.locator("#q").focus()
    page.keyboard.type("highway")
    assert set(page.locator("tbody tr[data-e]:visible th .label").all_inner_texts()) == {"highway"}


def test_without_javascript(browser: Any, realistic: list[Record], tmp_path: Path) -> None:
    """Without JavaScript all tables and charts are shown, and no control that would not work."""
    write_page(realistic, tmp_path)
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((tmp_path / "index.html").as_uri())

    assert tab.locator("svg.plot:visible").count() >= 9
    assert not tab.locator("#tools").is_visible()
    assert not tab.locator("#compare").is_visible()
    assert tab.locator("th button").count() == 0
    tab.locator("summary", has_text="Who is better than whom").first.click()
    assert tab.locator("th", has_text="Better than").first.is_visible()
    context.close()
