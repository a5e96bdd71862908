"""The width of names in charts: full-width characters take twice the room, and what does not fit is cut."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from archbench import Chart, Line
from archbench._records import Resources
from archbench._report import build_leaderboard
from archbench._report._charts import cost_charts, line_chart
from archbench._report._charts._widths import clip, letters, shorten
from support import MakeRecord

JAPANESE = "\N{CJK UNIFIED IDEOGRAPH-6DF1}\N{CJK UNIFIED IDEOGRAPH-5C64}\N{KATAKANA LETTER NE}"
TEXTS = {
    "": 0,
    "stochastic-depth-20": 19,
    JAPANESE: 6,
    f"{JAPANESE}-20": 9,
    "\N{HANGUL SYLLABLE GA}\N{FULLWIDTH LATIN CAPITAL LETTER A}\N{IDEOGRAPHIC SPACE}": 6,
    "\N{HALFWIDTH KATAKANA LETTER A}\N{GREEK SMALL LETTER ALPHA}\N{HEBREW LETTER SHIN}": 3,
    "e\N{COMBINING ACUTE ACCENT}\N{ZERO WIDTH JOINER}": 1,
    "\N{GRINNING FACE}\N{CJK UNIFIED IDEOGRAPH-20000}": 4,
}
"""Texts and their width in Latin letters."""


@pytest.mark.parametrize(("text", "width"), TEXTS.items())
def test_width_of_a_text(text: str, width: int) -> None:
    """Chinese, Japanese, Korean and emoji take two letters each, marks above others none."""
    assert letters(text) == width


def test_a_text_is_cut_where_it_gets_too_wide() -> None:
    """A text that fits is whole; of a longer one, what fits beside the ellipsis is left, and no half of a character."""
    assert clip("resnet-20", 9) == "resnet-20"
    assert clip("resnet-20", 8) == "resnet-…"
    assert clip(JAPANESE, 6) == JAPANESE
    assert clip(JAPANESE, 5) == f"{JAPANESE[:2]}…"
    assert clip(JAPANESE, 4) == f"{JAPANESE[:1]}…"


def test_long_names_stay_apart() -> None:
    """They keep their ends, in which variants differ; what is alike even so is numbered, and all fit."""
    names = [f"a-network-with-a-long-name-{end}" for end in ("20", "56")]
    middles = [f"the-same-beginning-{middle}-the-same-end" for middle in "ab"]
    marks = ["e\N{COMBINING ACUTE ACCENT}" * 40]
    found = shorten([*names, *middles, *marks, "short", JAPANESE * 8], 16)

    assert [found[name] for name in names] == [
        "a-network-…me-20",
        "a-network-…me-56",
    ]
    assert [found[name] for name in middles] == ["the-same-begin…1", "the-same-begin…2"]
    assert found["short"] == "short"
    assert all(letters(text) <= 16 for text in found.values())
    assert found[JAPANESE * 8].endswith(JAPANESE[-2:])
    assert found[marks[0]].count("e") == found[marks[0]].count("\N{COMBINING ACUTE ACCENT}") == 15


@pytest.mark.browser
def test_scripts_measure_as_python_does(page: Any) -> None:
    """Charts that the browser draws give names the same room, and cut them at the same place."""
    measured = page.evaluate("texts => texts.map((text) => page.names.letters(text))", [*TEXTS])
    cut = page.evaluate("texts => texts.map((text) => page.names.clip(text, 5))", [*TEXTS])

    assert measured == [*TEXTS.values()]
    assert cut == [clip(text, 5) for text in TEXTS]


def names(chart: object) -> list[tuple[str, float, float]]:
    """Return each name in a chart, where it starts, and the width of the chart."""
    image = ElementTree.fromstring(str(chart))
    width = float(image.attrib["viewBox"].split()[2])
    found = [text for text in image.iter("text") if text.attrib.get("class") == "name"]
    return [(text.text or "", float(text.attrib["x"]), width) for text in found]


def test_names_in_a_chart_of_costs_are_whole(make_record: MakeRecord) -> None:
    """Names of up to 27 letters are whole and end within the chart; longer ones are cut, and shown when pointed at."""
    whole = [f"net-{n}" for n in range(6)] + ["stochastic-depth-20", "x" * 27, JAPANESE * 4]
    far, long = "also-far-off-and-very-long-too", "long" * 10
    scores = [*(0.8 + n / 50 for n in range(len(whole) + 1)), 0.1]
    records = [
        make_record(label, seed=seed, score=score, resources=Resources(parameters=2**n))
        for n, (label, score) in enumerate(zip([*whole, long, far], scores, strict=True))
        for seed in range(3)
    ]
    board = build_leaderboard(records)
    entrants = {entrant.id: entrant for entrant in board.entrants}
    [(_, chart, _)] = cost_charts(board.boards[0], board.tasks[0], entrants)

    shown = names(chart)
    assert {name for name, _, _ in shown} == {*whole, "longlonglonglonglonglonglo…", "also-far-off-and-very-… 0.1"}
    assert max(x + 6.7 * letters(name) - width for name, x, width in shown) <= 0
    assert sorted(re.findall(r"<title>([\w-]+) ", str(chart))) == [far, long]


def test_full_width_names_of_lines_get_the_room_that_they_need() -> None:
    """The margin of a chart of a study is twice as wide for a Japanese name as for a Latin one of as many letters."""
    lines = (Line(label=JAPANESE * 5, x=(1, 2), y=(1.0, 2.0)),)
    [(name, x, width)] = names(line_chart(Chart(title="t", x="x", y="y", lines=lines)))

    assert name == JAPANESE * 5
    assert width - x >= 12 * 15


@pytest.mark.browser
def test_long_names_in_a_comparison_are_whole(open_page: Any, make_record: MakeRecord) -> None:
    """Three architectures with names of 19 letters are named in full below their seeds and beside their curves."""
    labels = ["stochastic-depth-20", "densenet-bc-22-12-k", "recurrent-highway-2"]
    records = [make_record(label, seed=seed, score=0.8 + seed / 50) for label in labels for seed in range(3)]
    page = open_page(records, f"#/compare?with={','.join(labels)}")

    by_seed = page.locator("svg.drawn[aria-label^='accuracy on digits by seed'] text.name")
    assert by_seed.all_text_contents() == labels
    assert len(set(by_seed.evaluate_all("names => names.map((name) => name.getBoundingClientRect().top)"))) == 2
    assert sorted(page.locator("svg.drawn[aria-label^=Validation] text.name").all_text_contents()) == sorted(labels)
    ends = "all => all.map((name) => [name, name.ownerSVGElement].map((box) => box.getBoundingClientRect().right))"
    assert all(name <= chart for name, chart in page.locator("svg.drawn text.name").evaluate_all(ends))
