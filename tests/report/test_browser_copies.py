"""What leaves the page in a real browser: copied tables and saved pictures say where they are from and lose nothing."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from support import MakeRecord
from support.browsing import copied, go

pytestmark = pytest.mark.browser

REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference" / "index.html"
CSV, MARKDOWN = "Copy the table as CSV", "Copy the table as Markdown"


def rows(page: Any) -> list[dict[str, str]]:
    """Return the rows of the first table of the view as it is copied."""
    return list(csv.DictReader(io.StringIO(copied(page, CSV))))


def shown(page: Any, query: str) -> list[str]:
    """Return the texts of what is shown of the view."""
    texts: list[str] = page.locator(f"main > section:visible {query}").locator("visible=true").all_inner_texts()
    return texts


def test_small_words_beside_a_cell_are_copied(open_page: Any, make_record: MakeRecord) -> None:
    """Ranks stay ranges, and why somebody is not ranked stands in a column of its own."""
    finished = [make_record(name, seed=n, score=0.8 + n / 100) for name in ("gru", "lstm") for n in range(3)]
    failed = [make_record("vgg", seed=n, status="oom" if n else "ok") for n in range(3)]
    page = open_page([*finished, *failed], "#/task/digits")
    found = {row["Architecture"]: row for row in rows(page)}

    assert found["gru"]["Rank"] == "1\N{EN DASH}2"
    assert found["gru"]["Architecture note"] == ""
    assert found["vgg"]["Architecture note"].startswith("not ranked: ")
    assert "Architecture note" in copied(page, MARKDOWN).splitlines()[0]


def test_the_heat_map_is_copied_in_full(open_page: Any) -> None:
    """Scores keep their digits, and the titles of its parts are no rows."""
    page = open_page(REFERENCE, "#/")
    found = rows(page)

    assert [row["Architecture"] for row in found] == shown(page, "#heat tbody tr[data-e] .label")
    scores = [row["noisy-digits"] for row in found if row["noisy-digits"]]
    assert len(scores) > 20
    assert max(len(score) for score in scores) > 5
    assert all(0 <= float(score) <= 1 for score in scores)


def test_claims_are_copied_with_their_intervals(open_page: Any, rebuilt: Path) -> None:
    """A row has mean and interval, what was measured, and the command."""
    found = rows(open_page(rebuilt / "index.html", "#/claims"))
    (row,) = [row for row in found if row["Claim"].startswith("A plain net of 56 layers")]

    low, high = (float(end) for end in row["Mean effect interval"].replace("\N{MINUS SIGN}", "-").split(" to "))
    assert low < float(row["Mean effect"]) < high
    assert "log10 of the ratio of training losses, plain-56 over plain-20" in row["Rule, fixed before the trials note"]
    assert row["What would refute it, and the command note"] == "benchmark run depth"


def test_the_columns_of_an_architecture_have_names(open_page: Any) -> None:
    """Pictures are no columns, and numbers have no commas."""
    found = rows(open_page(REFERENCE, "#/architecture/lstm"))

    assert all(name and None not in row for row in found for name in row)
    assert {"Task", "Score", "Difference and interval", "Parameters"} <= set(found[0])
    assert not {"Normalised", "Beside rnn"} & set(found[0])
    assert all(int(row["Parameters"]) > 1000 for row in found)


def test_the_numbers_of_a_study_can_be_copied(open_page: Any) -> None:
    """Both tables of a study have the buttons."""
    page = open_page(REFERENCE, "#/study/depth")
    page.get_by_text("The numbers", exact=True).locator("visible=true").click()
    page.get_by_role("button", name=CSV).locator("visible=true").last.click()

    assert page.get_by_role("button", name=CSV).locator("visible=true").count() == 2


@pytest.mark.parametrize(
    ("address", "begins"),
    [("#/task/noisy-digits", "noisy-digits-"), ("#/task/melody", "melody-"), ("#/", "findings-")],
)
def test_a_file_and_its_picture_tell_what_they_show(open_page: Any, tmp_path: Path, address: str, begins: str) -> None:
    """Files of two tasks have two names, and a picture has its task on top, above what was drawn."""
    page = open_page(REFERENCE, address)
    with page.expect_download() as started:
        page.get_by_role("button", name="Save as SVG").locator("visible=true").last.click()
    name = started.value.suggested_filename
    started.value.save_as(tmp_path / "chart.svg")
    texts = [element for element in ElementTree.parse(tmp_path / "chart.svg").getroot().iter() if element.text]
    head, *others = [element for element in texts if element.tag.endswith("text")]

    assert name.startswith(begins)
    assert head.text is not None
    assert head.text.lower().startswith(begins.removesuffix("-"))
    assert float(head.attrib["y"]) < 26
    assert others


def test_the_filter_leaves_the_matrix(open_page: Any) -> None:
    """The classes of a confusion matrix are neither filtered nor counted."""
    page = open_page(REFERENCE, "#/task/noisy-digits")
    classes = shown(page, "table.confusion tbody th")
    go(page, "#/task/noisy-digits?q=gru")

    assert len(classes) == 10
    assert shown(page, "table.confusion tbody th") == classes
    assert page.locator("#live").inner_text() == "2 of 29 shown."
    assert not page.locator("main > section:visible details:not(.choose)[open]").count()


def test_the_filter_opens_what_holds_all_that_it_found(open_page: Any) -> None:
    """A claim that is not decided lies in a fold, which opens where nothing else was found."""
    page = open_page(REFERENCE, "#/claims")
    folded = page.locator("#claims-others tbody tr").filter(has_text="classifiers changes")
    assert folded.count() == 1
    assert not folded.is_visible()
    go(page, "#/claims?q=classifiers changes")

    assert folded.is_visible()
    assert not shown(page, "#claims-decided tbody tr")


def test_the_question_of_the_overview_is_in_the_address(open_page: Any) -> None:
    """Another choice changes the address, which restores it; Back takes it back and stays on the page."""
    page = open_page(REFERENCE, "#/")
    first = page.locator("#ask-answer").inner_text()
    page.locator("#ask-a").select_option(label="lstm")
    second, address = page.locator("#ask-answer").inner_text(), page.url
    page.go_back()

    assert page.url.endswith("#/")
    assert page.locator("#ask-answer").inner_text() == first != second
    go(page, "#/" + address.partition("#/")[2])
    assert page.locator("#ask-answer").inner_text() == second
    assert page.locator("#ask-a option:checked").inner_text() == "lstm"
