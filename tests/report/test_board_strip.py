"""The strip chart of a board: dots where the scores are, and what lies off the scale in words."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from archbench._protocols import HOUSE_RECIPE
from archbench._records import Component, Record, Resources, Training
from archbench._report import build_leaderboard
from archbench._report._charts import board_strip
from archbench._report._overview import build_overview
from archbench._report._schema import Leaderboard
from support import MakeRecord

CROWD = {f"net-{n}": [0.90 + n / 100, 0.905 + n / 100, 0.91 + n / 100] for n in range(6)}
AIMED = Component(provider="archbench", name="digits", revision=1, options={}, label="digits", target=0.9)


def build(make_record: MakeRecord, scores: dict[str, list[float]], **changes: Any) -> Leaderboard:
    """Return the leaderboard of entrants with a score for each seed."""
    return build_leaderboard(
        [
            make_record(name, seed=seed, score=score, **changes)
            for name, row in scores.items()
            for seed, score in enumerate(row)
        ]
    )


def aimed(make_record: MakeRecord, name: str, scores: list[float]) -> list[Record]:
    """Return records of an entrant on a task with the target 0.9, reached at step 100 or never."""
    records = []
    for seed, score in enumerate(scores):
        training = Training(
            track="house recipe", recipe=HOUSE_RECIPE, batch_size=32, examples=1200, planned_steps=500, steps=500,
            stopped="budget", target=0.9, steps_to_target=100 if score >= 0.9 else None,
        )  # fmt: skip
        record = make_record(name, seed=seed, score=score, training=training)
        records.append(msgspec.structs.replace(record, trial=msgspec.structs.replace(record.trial, task=AIMED)))
    return records


def xs(image: ElementTree.Element, name: str, class_: str) -> list[float]:
    """Return the places of the marks of a class."""
    at = {"circle": "cx", "line": "x1", "text": "x"}[name]
    return [float(e.attrib[at]) for e in image.iter(name) if e.attrib.get("class") == class_]


def dots(image: ElementTree.Element) -> list[float]:
    """Return the places of the filled dots."""
    paths = [e.attrib["d"] for e in image.iter("path") if e.attrib.get("class") == "dot"]
    return [float(x) for path in paths for x in re.findall(r"M([\d.]+) [\d.]+h0", path)]


def draw(board: Leaderboard) -> ElementTree.Element:
    """Return the strip chart of the first board as a tree."""
    entrants = {entrant.id: entrant for entrant in board.entrants}
    return ElementTree.fromstring(str(board_strip(board.boards[0], board.tasks[0], entrants)))


def test_an_entrant_that_would_squeeze_the_rest_is_off_the_scale(make_record: MakeRecord) -> None:
    """Its score is written at the end of the axis, and it has no dot; all others have one for each seed."""
    image = draw(build(make_record, {**CROWD, "far": [0.30, 0.31, 0.32]}))
    (off,) = [e.text for e in image.iter("text") if e.attrib.get("class") == "off-scale"]

    assert off == "◂ 0.310 off the scale"
    assert len(dots(image)) == 3 * len(CROWD)


def test_values_keep_their_places_on_the_axis(make_record: MakeRecord) -> None:
    """Dots are as far apart as their scores are, on the scale of the ticks; intervals end within the axis."""
    scores = {**CROWD, "wide": [0.90, 0.96, 0.90]}  # its interval is wider than the axis
    image = draw(build(make_record, scores))
    ticks = {float(e.text): float(e.attrib["x"]) for e in image.iter("text") if e.attrib.get("y") == "12" and e.text}
    (low, left), *_, (high, right) = sorted(ticks.items())
    expected = sorted(left + (score - low) * (right - left) / (high - low) for row in scores.values() for score in row)

    assert sorted(dots(image)) == pytest.approx(expected, abs=0.2)
    bars = [e.attrib for e in image.iter("line") if e.attrib.get("class") == "interval"]
    assert min(float(bar["x1"]) for bar in bars) == 146
    assert max(float(bar["x2"]) for bar in bars) == 462


def test_chance_is_drawn_where_it_is_on_the_axis(make_record: MakeRecord) -> None:
    """The dashed line has its name below; scores far above chance have none."""
    near = draw(build(make_record, {"a": [0.09, 0.10, 0.12], "b": [0.08, 0.13, 0.11]}))
    far = draw(build(make_record, CROWD))

    assert "chance" in [e.text for e in near.iter("text")]
    assert "chance" not in [e.text for e in far.iter("text")]


def test_cost_and_score_stand_at_the_right(make_record: MakeRecord) -> None:
    """A row ends with its score, its parameters and its seconds."""
    resources = Resources(
        parameters=269_434, step_seconds=0.01, samples_per_second=1.0, train_seconds=30.0, total_seconds=31.0,
        peak_memory_bytes=1,
    )  # fmt: skip
    texts = [e.text for e in draw(build(make_record, {"a": [0.90, 0.91, 0.92]}, resources=resources)).iter("text")]

    assert "0.910" in texts
    assert "269k · 30.0 s" in texts


def test_names_are_whole_or_stay_apart(make_record: MakeRecord) -> None:
    """Names of up to 30 letters are whole beside a shorter axis; longer ones differ in what is left, with a title."""
    whole = ["stochastic-depth-resnet-110", "densenet-bc-40-12-compressed"]
    long = [f"a-network-with-a-rather-long-name-and-depth-{depth}" for depth in (20, 56)]
    fits, cut = (draw(build(make_record, {name: [0.9, 0.91, 0.92] for name in names})) for names in (whole, long))

    def margin(image: ElementTree.Element) -> tuple[list[str], float, float]:
        found = [e for e in image.iter("text") if e.attrib.get("class") == "who"]
        ends = {float(e.attrib["x"]) for e in found}
        return sorted(e.text or "" for e in found), min(ends), max(ends)

    names, end, _ = margin(fits)
    assert names == sorted(whole)
    assert 7 * 28 < end < min(dots(fits))
    names, end, _ = margin(cut)
    assert [name[-3:] for name in names] == ["-20", "-56"]
    assert end < min(dots(cut))
    assert sorted(e.text or "" for e in cut.iter("title")) == long


@pytest.mark.browser
@pytest.mark.parametrize(
    "labels",
    [
        ("www-wide-network-www-wide-30w", "resnet"),
        ("stochastic-depth-resnet-110", "wide-resnet-with-warmup-and-momentum-28"),
    ],
)
def test_names_begin_within_the_chart(labels: tuple[str, ...], open_page: Any, make_record: MakeRecord) -> None:
    """The first letters of a long name are on the chart, in bold and on a phone too, and where they are wide."""
    records = [make_record(label, seed=seed, score=0.9 + seed / 100) for label in labels for seed in range(3)]
    starts = "all => all.map((name) => [name, name.ownerSVGElement].map((one) => one.getBoundingClientRect().left))"

    for width in (1280, 390):
        page = open_page(records, "#/task/digits", viewport={"width": width, "height": 900})
        places = page.locator(".all-seeds svg .best .who:visible").evaluate_all(starts)
        assert len(places) == len(labels)
        assert all(name >= chart for name, chart in places)


def test_split_seeds_have_no_mean(make_record: MakeRecord) -> None:
    """Where the task has a target, seeds that missed it are hollow; row and map say how many solved it."""
    records = [*aimed(make_record, "all", [0.95, 0.96, 0.97]), *aimed(make_record, "two", [0.2, 0.95, 0.96])]
    board = build_leaderboard(records)
    image, heat = draw(board), build_overview(board).heat
    assert heat is not None

    assert len(dots(image)) == 5
    assert len(xs(image, "circle", "missed")) == 1
    assert xs(image, "line", "mean") == xs(image, "line", "interval") == []
    assert {"3/3", "2/3", "target"} <= {e.text for e in image.iter("text")}
    cells = {row.entrant.label: row.cells[0] for row in heat.groups[0].rows}
    assert cells["two"].text == "2/3"
    assert cells["two"].level == 7
    assert cells["all"].text == ".96"
    assert "2/3: only so many seeds" in heat.legend
