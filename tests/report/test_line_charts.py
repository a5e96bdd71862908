"""Charts of studies: lines over numbers on plain and logarithmic axes."""

from __future__ import annotations

import itertools
import math
import re
import sys
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from archbench import Chart, Line
from archbench._declarations import check_chart
from archbench._report._charts import line_chart
from archbench._report._charts._axes import Box, power_label
from archbench._report._charts._lines import shown_names
from archbench._report._charts._svg import tag


def draw(*lines: Line, log_x: bool = False, log_y: bool = False) -> ElementTree.Element:
    """Return the parsed image of a chart with these lines."""
    drawn = line_chart(Chart(title="t", x="depth", y="loss", lines=lines, log_x=log_x, log_y=log_y, description="d"))
    assert drawn is not None
    return ElementTree.fromstring(str(drawn))


def corners(image: ElementTree.Element) -> list[list[tuple[float, float]]]:
    """Return the corners of each stretch of a line, in pixels."""
    texts = [element.attrib["points"] for element in image.iter("polyline")]
    return [[(float(x), float(y)) for x, y in re.findall(r"([-\d.]+),([-\d.]+)", text)] for text in texts]


def test_equal_ratios_are_equal_distances_on_a_logarithmic_axis() -> None:
    """Powers of ten lie on a straight line with equal steps, upwards as the values grow."""
    [line] = corners(draw(Line(label="a", x=(1, 10, 100), y=(1e-6, 1e-4, 1e-2)), log_x=True, log_y=True))

    assert abs((line[1][0] - line[0][0]) - (line[2][0] - line[1][0])) < 0.11
    assert abs((line[1][1] - line[0][1]) - (line[2][1] - line[1][1])) < 0.11
    assert line[2][1] < line[0][1]


def test_missing_values_leave_a_gap() -> None:
    """A value that is absent, not finite, or not positive on a logarithmic axis interrupts the line."""
    for hole in (None, float("nan"), float("inf"), 0.0, -1.0):
        line = Line(label="a", x=(1, 2, 3, 4, 5), y=(1.0, 2.0, hole, 3.0, 4.0))

        assert [len(run) for run in corners(draw(line, log_y=True))] == [2, 2], hole


def test_a_chart_without_a_point_is_not_drawn() -> None:
    """Without a value that has a place on the axes there is no image."""
    empty = Line(label="a", x=(1.0,), y=(0.0,))

    assert line_chart(Chart(title="t", x="x", y="y", lines=(empty,), log_y=True)) is None
    assert line_chart(Chart(title="t", x="x", y="y", lines=())) is None


EXTREMES = (0.0, 5e-324, 1e-310, 1e-300, 1.0, math.nextafter(1.0, 2.0), 1e154, 1e300, sys.float_info.max)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("low", EXTREMES)
def test_a_chart_is_drawn_or_refused(low: float, log: bool) -> None:
    """Whatever finite values a chart has, it is refused beforehand or drawn with coordinates that are numbers."""
    for high in EXTREMES:
        line = Line(label="a", x=(high, low), y=(low, high), seeds=((low, low),))
        chart = Chart(title="t", x="x", y="y", lines=(line,), log_x=log, log_y=log)
        if log or sys.float_info.max not in (low, high):
            check_chart(chart)

            assert not re.search(r"\b(nan|inf)\b", str(line_chart(chart))), high


@pytest.mark.parametrize(
    "line",
    [
        Line(label="a", x=(0, 1), y=(-1e308, 1e308)),
        Line(label="a", x=(-1e308, 1e308), y=(0, None)),
        Line(label="a", x=(), y=(), seeds=((0, 1), (1, 1e308))),
    ],
)
def test_values_beyond_the_reach_of_an_axis_are_refused(line: Line) -> None:
    """The distance of two values may be no float; the message says how far an axis reaches, and which one farther."""
    with pytest.raises(ValueError, match=r"t: a has the value -?1e\+308; an axis reaches to 1e\+300, a log"):
        check_chart(Chart(title="t", x="x", y="y", lines=(line,)))


def test_each_seed_is_a_dot_and_every_line_is_named() -> None:
    """Seeds are drawn beside the line, and a name stands at the end of each line, escaped."""
    image = draw(
        Line(label="<b>&", x=(1, 2), y=(1.0, 2.0), seeds=((1, 0.5), (2, 2.5))),
        Line(label="theory", x=(1, 2), y=(1.0, 1.0), dashed=True),
    )

    (seeds,) = [element.attrib["d"] for element in image.iter("path") if element.attrib.get("class") == "seed"]
    assert re.fullmatch(r"(M[\d.]+ [\d.]+h0){2}", seeds)
    assert [e.text for e in image.iter("text") if e.attrib.get("class") == "name"] == ["<b>&", "theory"]


def test_names_keep_apart() -> None:
    """The names of lines that end at one point do not cover each other."""
    image = draw(*(Line(label=str(n), x=(1, 2), y=(0.0, 1.0)) for n in range(4)))
    heights = sorted(float(e.attrib["y"]) for e in image.iter("text") if e.attrib.get("class") == "name")

    assert min(b - a for a, b in itertools.pairwise(heights)) >= 12.9


def test_labels_of_powers() -> None:
    """Small powers are written as such, others as numbers."""
    assert [power_label(e) for e in (-7, -3, 0, 1, 4)] == ["1e−7", "0.001", "1", "10", "10k"]  # noqa: RUF001


def test_text_is_escaped_that_equals_escaped_text() -> None:
    """The value of an attribute is escaped once: text always, and what is escaped already never."""
    for _ in range(2):
        assert tag("p", id="a&amp;b") == '<p id="a&amp;amp;b"/>'
        assert tag("p", id=Markup("a&amp;b")) == '<p id="a&amp;b"/>'


def test_names_are_shown_whole_and_titles_are_not_stretched() -> None:
    """The margin is as wide as the longest name; a title keeps its own width unless it is too long for its side."""
    names = ("highway with bias -2 (50)", "highway with bias -2 (50): theory")
    image = draw(*(Line(label=name, x=(1, 2), y=(1.0, n)) for n, name in enumerate(names)))
    width, end = (float(image.attrib["viewBox"].split()[2]), 1 + max(x for line in corners(image) for x, _ in line))

    assert [text.text for text in image.iter("text") if text.attrib.get("class") == "name"] == [*names]
    assert width - end > 6.5 * len(names[1])
    titles = {"letters" * 5: False, "letters" * 12: True}
    for title, squeezed in titles.items():
        chart = Chart(title="t", x="x", y=title, lines=(Line(label="a", x=(1, 2), y=(1.0, 2.0)),))
        drawn = str(line_chart(chart, Box(430, 236, 100)))
        assert ("textLength" in drawn) == squeezed, title


def test_room_is_kept_only_for_names_that_are_shown() -> None:
    """Where many lines are faint and nameless, the plot does not shrink for their names."""
    lines = [Line(label=f"{'long ' * 6}{n}", x=(1, 2), y=(1.0, n)) for n in range(9)]
    chart = Chart(title="t", x="x", y="y", lines=(*lines, Line(label="short", x=(1, 2), y=(1.0, 2.0))))

    assert shown_names(chart, ["short"]) == ["short"]
    assert len(shown_names(chart, [])) == 10
