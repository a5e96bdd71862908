"""The width of names in charts: full-width characters take twice the room, and what does not fit is cut."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from archbench import Chart, Line
from archbench._report._charts import line_chart
from archbench._report._charts._widths import clip, letters

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


def test_full_width_names_of_lines_get_the_room_that_they_need() -> None:
    """The margin of a chart of a study is twice as wide for a Japanese name as for a Latin one of as many letters."""
    lines = (Line(label=JAPANESE * 5, x=(1, 2), y=(1.0, 2.0)),)
    [(name, x, width)] = names(line_chart(Chart(title="t", x="x", y="y", lines=lines)))

    assert name == JAPANESE * 5
    assert width - x >= 12 * 15
