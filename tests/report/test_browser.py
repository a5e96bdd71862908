"""The controls of the page in a real browser: each does what it says, and the address holds what it did."""

from __future__ import annotations

import csv
import io
import itertools
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from archbench._records import Record
from support import MakeRecord
from support.browsing import OpenAt, Tabs, copied, go

pytestmark = pytest.mark.browser

DIGITS, ADDING = "#/task/digits", "#/task/adding"


def table(page: Any) -> Any:
    """The first table of the view that is shown."""
    return page.locator("main > section:visible table[id]").first


def names(page: Any) -> list[str]:
    """Return the architectures of the first table, in the order in which they are shown."""
    texts: list[str] = table(page).locator("tbody tr:visible th .label").all_inner_texts()
    return texts


def test_sorting(page_at: OpenAt) -> None:
    """The first click sorts, the second reverses, the third restores the order; missing values stay at the end."""
    page = page_at(DIGITS)
    before, head = names(page), table(page).locator("thead th", has_text="Test score")

    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    shown: list[str] = table(page).locator("tbody tr td.score b").all_inner_texts()
    numbers = [float(text) for text in shown if text[0].isdigit()]
    assert len(numbers) > 4
    assert sorted(numbers, reverse=True) == numbers
    assert not shown[-1][0].isdigit()
    assert "Sorted by Test score, descending" in page.locator("#live").inner_text()
    assert "sort=test-score&dir=desc" in page.url
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") is None
    assert before == names(page)


def test_sorting_the_second_table_of_a_view(page_at: OpenAt) -> None:
    """The address says which table of the view is sorted."""
    page = page_at("#/data?sort=2.seed&dir=desc")

    failures = page.locator("#failures-table")
    assert failures.locator("th[aria-sort=descending]").inner_text().strip() == "Seed"
    assert page.locator("main > section:visible table[id]").first.locator("th[aria-sort]").count() == 0


def test_sorting_by_keyboard(page_at: OpenAt) -> None:
    """The Tab key reaches the head of a column and Enter sorts by it; the filter follows the typing."""
    page = page_at(DIGITS)
    head = table(page).locator("thead th").nth(1)
    table(page).locator("thead button").nth(0).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"

    page.locator("#q").focus()
    page.keyboard.type("highway")
    assert names(page) == ["highway"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("resnet", {"resnet", "resnet-56"}),
        ("resnet 56", {"resnet-56"}),
        ("56 resnet", {"resnet-56"}),
        ("lstm, resnet 56", {"lstm", "resnet-56"}),
        ("MLP,highway,", {"mlp", "highway"}),
        ("nothing has this name", set()),
    ],
)
def test_the_filter_takes_several_terms(page_at: OpenAt, typed: str, expected: set[str]) -> None:
    """A comma means any of, a space means all of; case does not matter, nor does a comma at the end."""
    page = page_at(DIGITS)
    page.locator("#q").fill(typed)

    assert set(names(page)) == expected
    shown = page.locator("main > section:visible tbody tr[data-e]:visible th .label").all_inner_texts()
    assert set(shown) == expected  # in every table of the view
    everyone = page.locator("main > section:visible svg.plot g[data-e]").count()
    if everyone:
        faded = page.locator("main > section:visible svg.plot g[data-e].off").count()
        assert (faded == everyone) == (not expected)


def test_typing_adds_nothing_to_the_history(page: Any) -> None:
    """The filter replaces the address while it is typed, and one step back leaves the view."""
    page.locator("header nav a", has_text="Tasks").click()
    page.locator("main > section:visible a", has_text="digits").first.click()
    page.locator("#q").press_sequentially("resnet")
    assert page.url.endswith("q=resnet")

    page.go_back()

    assert page.url.endswith("#/tasks")


def test_pinned_rows_stay_on_top(page_at: OpenAt) -> None:
    """A pinned architecture is on top of the table whatever the order and the filter, and stands out in charts."""
    page = page_at(DIGITS)
    last = names(page)[-1]
    page.get_by_role("button", name=f"Pin {last}", exact=True).locator("visible=true").first.click()
    assert names(page)[0] == last
    assert f"pin={last}" in page.url

    table(page).locator("thead th").nth(1).locator("button").click()
    page.locator("#q").fill("mlp")
    assert names(page) == [last, "mlp"]
    go(page, DIGITS + f"?pin={last},lstm")
    assert set(names(page)[:2]) == {last, "lstm"}
    assert page.locator("main > section:visible svg [data-e].pinned, main > section:visible figure.pinned").count() > 0


def test_pins_go_with_the_reader(page_at: OpenAt) -> None:
    """What is pinned on one view is pinned on the next one."""
    page = page_at(DIGITS + "?pin=mlp")
    page.locator("header nav a", has_text="Data").click()

    assert "pin=mlp" in page.url
    assert names(page)[0] == "mlp"


def test_columns_can_be_left_out(page_at: OpenAt) -> None:
    """A column that is not wanted is gone from head and body, and the address remembers it."""
    page = page_at(DIGITS)
    before = table(page).locator("thead th:visible").count()
    page.locator("details.choose summary").locator("visible=true").first.click()
    page.get_by_label("Parameters", exact=True).locator("visible=true").first.uncheck()

    assert table(page).locator("thead th:visible").count() == before - 1
    assert "hide=parameters" in page.url
    go(page, DIGITS + "?hide=parameters,seeds")
    heads = [head.strip() for head in table(page).locator("thead th:visible").all_inner_texts()]
    assert len(heads) == before - 2
    assert not {"Parameters", "Seeds"} & set(heads)
    assert table(page).locator("tbody tr").first.locator(":scope > :visible").count() == before - 2
    page.locator("details.choose summary").locator("visible=true").first.click()
    assert not page.get_by_label("Parameters", exact=True).locator("visible=true").first.is_checked()


def test_superseded_rows_can_be_hidden(page_at: OpenAt) -> None:
    """Unchecking the box hides superseded rows, and the address remembers it."""
    page = page_at(ADDING)
    assert page.locator("tr[data-old]:visible").count() > 0
    page.locator("#old").uncheck()

    assert page.locator("tr[data-old]:visible").count() == 0
    go(page, ADDING + "?old=0")
    assert page.locator("tr[data-old]:visible").count() == 0


def test_reset(page_at: OpenAt) -> None:
    """The button takes filter, order, pins and columns back at once."""
    page = page_at(DIGITS)
    before = names(page)
    go(page, DIGITS + "?q=resnet&sort=parameters&dir=desc&pin=mlp&hide=seeds&old=0")
    page.locator("#tools button[type=reset]").click()

    assert page.url.endswith(DIGITS)
    assert before == names(page)


def test_theme(page: Any) -> None:
    """The button goes from the system's colours to light, to dark and back, and a reload keeps the choice."""

    def paper() -> str:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    page.emulate_media(color_scheme="dark")
    dark, button = paper(), page.locator("#theme")
    assert button.inner_text() == "Auto"
    button.click()
    light = paper()
    assert (button.inner_text(), light != dark) == ("Light", True)
    button.click()
    page.emulate_media(color_scheme="light")
    assert (button.inner_text(), paper()) == ("Dark", dark)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert paper() == dark
    button.click()
    assert paper() == light


def test_a_tab_keeps_nothing_of_an_earlier_test(tabs: Tabs, realistic_page: Path) -> None:
    """Tests share tabs: the next one finds its own window and the system's theme, and no medium of the one before."""
    tab = tabs.open(realistic_page, DIGITS, viewport={"width": 390, "height": 800}, color_scheme="dark")
    tab.locator("#theme").click()
    tab.emulate_media(media="print")
    tabs.give_back()
    again = tabs.open(realistic_page)
    media = [again.evaluate(f"matchMedia('{query}').matches") for query in ("print", "(prefers-color-scheme: dark)")]
    width = again.evaluate("innerWidth")
    button = again.locator("#theme").inner_text()
    tabs.give_back()

    assert again is tab
    assert (width, media, button) == (1280, [False, False], "Auto")


def test_a_table_is_copied_as_it_is_shown(page_at: OpenAt) -> None:
    """CSV and Markdown have the rows that are shown, in their order, and the columns that are shown."""
    page = page_at(DIGITS + "?q=resnet,mlp&sort=architecture&dir=desc&hide=seeds,validation")
    rows = list(csv.DictReader(io.StringIO(copied(page, "Copy the table as CSV"))))

    assert [row["Architecture"] for row in rows] == names(page)
    assert len(rows) == 3
    assert {"Test score", "Test score interval", "Parameters"} <= set(rows[0])
    assert not {"Seeds", "Validation"} & set(rows[0])
    shown = table(page).locator("tbody tr:visible td.score b").all_inner_texts()
    assert [round(float(row["Test score"]), len(text) - 2) for row, text in zip(rows, shown, strict=True)] == [
        float(text) for text in shown
    ]
    lines = copied(page, "Copy the table as Markdown").splitlines()
    assert [line.split(" | ")[1] for line in lines[2:]] == names(page)
    assert len({line.count("|") for line in lines}) == 1


def test_a_copied_name_is_no_formula(open_page: Any, make_record: MakeRecord) -> None:
    """A spreadsheet runs none of the names, and no name breaks a line of the copy."""
    formulas, texts = ["=1+1", "+sum", "-net", "@net"], ['a "quoted", name', "a|b", "mlp"]
    page = open_page([make_record(name, seed=seed) for name in formulas + texts for seed in range(2)], DIGITS)
    rows = list(csv.DictReader(io.StringIO(copied(page, "Copy the table as CSV"))))

    assert sorted(row["Architecture"] for row in rows) == sorted([f"'{name}" for name in formulas] + texts)
    lines = copied(page, "Copy the table as Markdown").splitlines()
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_a_table_is_saved(page_at: OpenAt, tmp_path: Path) -> None:
    """The button saves what the other one copies."""
    page = page_at(DIGITS)
    with page.expect_download() as started:
        page.get_by_role("button", name="Save the table as CSV").locator("visible=true").first.click()
    started.value.save_as(tmp_path / "table.csv")

    assert copied(page, "Copy the table as CSV") == (tmp_path / "table.csv").read_text()


def test_a_chart_is_saved(page_at: OpenAt, tmp_path: Path) -> None:
    """A saved chart looks like the one on the page without its style sheet, as SVG and as PNG."""
    page = page_at(DIGITS)
    for kind in ("svg", "png"):
        with page.expect_download() as started:
            page.get_by_role("button", name=f"Save as {kind.upper()}").locator("visible=true").last.click()
        assert started.value.suggested_filename.endswith(f".{kind}")
        started.value.save_as(tmp_path / f"chart.{kind}")

    elements = list(ET.parse(tmp_path / "chart.svg").getroot().iter())
    assert any(element.tag.endswith("text") and (element.text or "").strip() for element in elements)
    assert not [element for element in elements if {"class", "style"} & set(element.attrib)]
    assert all("var(" not in value for element in elements for value in element.attrib.values())
    with Image.open(tmp_path / "chart.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 20)
        assert colours is not None
        assert len(colours) > 5
        assert min(picture.size) > 200


@pytest.mark.slow
def test_every_pair_of_options_is_independent(page: Any) -> None:
    """Filter, order, pins and columns can be combined in one address."""
    states = {"q": "resnet,lstm", "sort": "parameters", "dir": "asc", "hide": "seeds", "pin": "mlp"}
    for first, second in itertools.combinations(states, 2):
        go(page, f"{DIGITS}?{first}={states[first]}&{second}={states[second]}")
        shown = names(page)
        if "q" in (first, second):
            assert set(shown) <= {"resnet", "resnet-56", "lstm", "mlp"}
        if "pin" in (first, second):
            assert shown[0] == "mlp"
        if "hide" in (first, second):
            assert "Seeds" not in [text.strip() for text in table(page).locator("thead th:visible").all_inner_texts()]


def test_pointing_at_a_row_lights_its_marks(page_at: OpenAt, realistic: list[Record]) -> None:
    """Pointing at a row lights what belongs to it in the charts of the view."""
    page = page_at(DIGITS)
    assert realistic
    table(page).locator("tbody tr").nth(1).hover()

    assert page.locator("main > section:visible tr.lit").count() >= 1
    assert len(set(page.locator(".lit").evaluate_all("marks => marks.map(mark => mark.dataset.e)"))) == 1
