"""The view of a task: its example, what it costs, the steps to solve it, and where entrants err."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from archbench._protocols import HOUSE_RECIPE
from archbench._records import Example, Record, Resources, TaskFacts, Training
from archbench._report import build_leaderboard
from archbench._report._charts import (
    confused_pairs,
    confusion_rows,
    cost_charts,
    draw_example,
    shade_words,
    steps_chart,
)
from archbench._report._charts._example import make_png
from archbench._report._schema import Leaderboard
from support import MakeRecord, write_page

COSTS = {"a": (100, 8.0, 0.90), "b": (200, 1.0, 0.95), "c": (300, 9.0, 0.93), "d": (400, 2.0, 0.97)}
"""Parameters, seconds and score of four entrants."""


def of_costs(make: MakeRecord, **more: Any) -> Leaderboard:
    """The leaderboard of `COSTS`."""
    return build_leaderboard(
        [
            make(name, seed=seed, score=score, resources=Resources(parameters=size, train_seconds=time, **more))
            for name, (size, time, score) in COSTS.items()
            for seed in range(3)
        ]
    )


def drawn_costs(board: Leaderboard) -> dict[str, str]:
    """The chart of each cost, by its name."""
    entrants = {entrant.id: entrant for entrant in board.entrants}
    return {chart.cost.name: str(chart.figure) for chart in cost_charts(board.boards[0], board.tasks[0], entrants)}


def page_of(records: list[Record], folder: Path) -> str:
    """The text of the page of some records."""
    write_page(records, folder)
    return (folder / "index.html").read_text(encoding="utf-8")


def test_costs_that_are_known_are_drawn(make_record: MakeRecord) -> None:
    """The reader chooses among the costs that the records have; an unknown one is not offered."""
    assert list(drawn_costs(of_costs(make_record))) == ["parameters", "train seconds"]
    assert list(drawn_costs(of_costs(make_record, flops=9, peak_memory_bytes=5_000_000))) == [
        "parameters",
        "FLOPs",
        "train seconds",
        "memory",
    ]


def test_one_entrant_has_nothing_to_be_compared_with(make_record: MakeRecord) -> None:
    """A chart of costs needs two ranked entrants."""
    assert drawn_costs(build_leaderboard([make_record(seed=seed) for seed in range(3)])) == {}


def test_each_cost_has_its_own_front(make_record: MakeRecord) -> None:
    """An entrant is Pareto-optimal if none that costs as little is better, which differs between costs."""
    charts = drawn_costs(of_costs(make_record))

    for place, name in ((0, "parameters"), (1, "train seconds")):
        front = {
            one
            for one, values in COSTS.items()
            if not any(other[place] <= values[place] and other[2] > values[2] for other in COSTS.values())
        }
        filled = set(re.findall(r'<g class="c\d+ filled" data-e="(\d)"', charts[name]))
        assert filled == {str("abcd".index(one)) for one in front}
    assert "Pareto-optimal: b, d." in charts["train seconds"]


def crowd(make: MakeRecord) -> list[Record]:
    """Records of eight entrants whose marks are too near to each other for eight names, and one with a long name."""
    labels = [*(f"network-{n}" for n in range(8)), "long" * 10]
    sizes = [*(1000 + n for n in range(8)), 100_000]
    return [
        make(label, seed=seed, score=0.9, resources=Resources(parameters=size))
        for label, size in zip(labels, sizes, strict=True)
        for seed in range(3)
    ]


def test_marks_without_a_name_are_listed(make_record: MakeRecord, tmp_path: Path) -> None:
    """Below a chart stands every entrant whose name is not whole beside its mark, and its description has all."""
    board = build_leaderboard(crowd(make_record))
    [chart] = cost_charts(board.boards[0], board.tasks[0], {entrant.id: entrant for entrant in board.entrants})
    whole = set(re.findall(r'class="name">(.*?)</text>', str(chart.figure)))
    below = [entrant.label for entrant, _ in chart.nameless]

    assert len(below) > 2
    assert {*below, *whole} >= {entrant.label for entrant in board.entrants}
    assert not whole & {*below}
    assert below[-1] == "long" * 10
    assert chart.nameless[-1][1] == "0.9, 100k"
    assert all(f"{entrant.label} 0.9, 1" in str(chart.figure) for entrant in board.entrants)
    listed = page_of(crowd(make_record), tmp_path).partition("Marks without a whole name")[2].partition("</p>")[0]
    assert re.findall(r'<a href="#/architecture/([\w-]+)" data-e="\d+">\1</a>', listed) == below


@pytest.mark.browser
def test_a_listed_name_lights_its_mark(open_page: Any, make_record: MakeRecord) -> None:
    """Coming to a name below the chart with the Tab key shows which mark it belongs to."""
    page = open_page(crowd(make_record), "#/task/digits")
    link = page.locator("figure:has(svg.cost) p a").first
    mark = page.locator(f"svg.cost g[data-e='{link.get_attribute('data-e')}']")
    outline = "mark => getComputedStyle(mark.querySelector('circle, polygon')).strokeWidth"

    before = mark.evaluate(outline)
    link.focus()
    assert (before, mark.evaluate(outline)) == ("1.5px", "2.5px")


def test_a_score_far_from_all_others_stands_at_the_edge(make_record: MakeRecord) -> None:
    """Of scores of .90 to .98 and one of .2, the axis holds the others; an arrow with the score stands for the one."""
    scores = [*np.linspace(0.90, 0.98, 9), 0.2]
    records = [
        make_record(f"net-{n}", seed=seed, score=float(score), resources=Resources(parameters=10 * (n + 1)))
        for n, score in enumerate(scores)
        for seed in range(3)
    ]

    chart = drawn_costs(build_leaderboard(records))["parameters"]

    assert chart.count("▾") == 1
    assert ">net-9 0.2</text>" in chart
    labels = [float(text) for text in re.findall(r">(0\.\d+)</text>", chart)]
    assert min(labels) > 0.85


def steps_records(make: MakeRecord, steps: dict[str, list[int | None]]) -> list[Record]:
    """Records of a task with a target, solved after these steps, or not within 500."""
    records = []
    for name, taken in steps.items():
        for seed, solved in enumerate(taken):
            facts = Training(
                track="house recipe", recipe=HOUSE_RECIPE, batch_size=1, examples=1, planned_steps=500,
                steps=500, stopped="budget", target=0.9, steps_to_target=solved,
            )  # fmt: skip
            records.append(make(name, seed=seed, score=0.95 if solved else 0.5, training=facts, t_target=0.9))
    return records


def test_seeds_that_did_not_solve_the_task_are_open(make_record: MakeRecord) -> None:
    """A seed stands at the steps after which it solved the task; without success it is open, at those of its budget."""
    board = build_leaderboard(steps_records(make_record, {"a": [100, 200, 300], "b": [250, None, None]}))

    chart = str(steps_chart(board.boards[0], {entrant.id: entrant for entrant in board.entrants}))

    ticks = {
        int(text): float(x)
        for x, text in re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">(\d+)<', chart)
    }
    pixels = (ticks[500] - ticks[0]) / 500
    dots = [
        [float(x) for x in re.findall(r"M([\d.]+) ", path)] for path in re.findall(r'd="([^"]*)" class="dots"', chart)
    ]
    assert [[round((x - ticks[0]) / pixels) for x in row] for row in dots] == [[100, 200, 300], [250]]
    rings = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"[^>]*class="censored"', chart)]
    assert rings == [ticks[500]] * 2


def test_a_task_without_a_target_has_no_steps(make_record: MakeRecord) -> None:
    """Without a target there is nothing to solve, and no chart of steps."""
    board = build_leaderboard([make_record(seed=seed) for seed in range(3)])

    assert steps_chart(board.boards[0], {entrant.id: entrant for entrant in board.entrants}) is None


def test_recall_and_shades() -> None:
    """Recall is the share of a row on the diagonal; shades grow with the share of the row, and one example has one."""
    matrix = [[98, 2, 0], [30, 60, 10], [0, 0, 0]]

    rows = confusion_rows(matrix, ["cat", "dog"])

    assert [row.name for row in rows] == ["cat", "dog", "2"]
    assert [row.recall for row in rows] == [0.98, 0.6, None]
    assert [[shade for _, shade in row.cells] for row in rows] == [[7, 4, 0], [7, 7, 6], [0, 0, 0]]
    assert [row.total for row in rows] == [100, 100, 0]
    assert confused_pairs(matrix, ["cat", "dog"]) == [("dog", "cat", 30), ("dog", "2", 10), ("cat", "dog", 2)]


def test_shades_tell_errors_apart() -> None:
    """One, four, fifteen and 37 errors of a class with 600 examples differ in shade, which goes by the share."""
    counts = [543, 1, 4, 15, 37]
    [row, *_] = confusion_rows([counts, *[[0] * 5] * 4], [])
    [tenth, *_] = confusion_rows([[5430, 10, 40, 150, 370], *[[0] * 5] * 4], [])

    shades = [shade for _, shade in row.cells][1:]
    assert shades == sorted(set(shades))
    assert [shade for _, shade in tenth.cells][1:] == shades
    limits = [confusion_rows([[1000 - n, n], [0, 0]], [])[0].cells[1][1] for n in (4, 5, 9, 10, 199, 200)]
    assert limits == [1, 2, 2, 3, 6, 7]
    assert shade_words() == "0.5, 1, 2, 5, 10 and 20%"


def test_confusions_are_summed_over_seeds(make_record: MakeRecord, tmp_path: Path) -> None:
    """The page shows the sum of the matrices of the best-ranked entrant, and names its most confident errors."""
    two = np.array([[40, 1], [2, 37]])
    facts = TaskFacts(
        kind="image", metric="accuracy", higher_is_better=True, chance=0.5, oracle=1.0, summary="Two", test_examples=80
    )
    records = [
        make_record(
            name, seed=n, score=score, task_facts=facts, confusion=(two + n * spoilt).tolist(), wrong=[7 + n, 3]
        )
        for name, score, spoilt in (("good", 0.96, np.zeros((2, 2), int)), ("bad", 0.6, np.ones((2, 2), int)))
        for n in range(3)
    ]

    page = page_of(records, tmp_path)

    assert build_leaderboard(records).boards[0].rows[0].confusion == (3 * two).tolist()
    shown = page[
        page.index('Where it errs</h3><p class="whose">good') : page.index(
            "Who is better than whom", page.index("Where it errs")
        )
    ]
    assert [int(text) for text in re.findall(r'<td class="(?:own|k\d)">(\d+)</td>', shown)] == [120, 3, 6, 111]
    assert "<td>0.976</td>" in shown  # 120 of 123
    assert "seed 0: 7, 3; seed 1: 8, 3; seed 2: 9, 3." in shown
    assert "80 test images, so one is worth 0.013." in page


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_can_be_read(channels: int) -> None:
    """Another library reads the pixels of the picture of an example."""
    pixels = np.random.default_rng(0).integers(0, 256, (channels, 5, 7))

    read = np.asarray(PIL.Image.open(io.BytesIO(make_png(pixels.shape, pixels.ravel().tolist()))))

    assert (read == (pixels[0] if channels == 1 else pixels.transpose(1, 2, 0))).all()


def test_a_sequence_is_lines() -> None:
    """A sequence is drawn as one line for each of its features, over all of its steps."""
    example = Example(kind="sequence", whole=[9, 2], shape=[4, 2], values=[0, 1, 0, 1, 1, 0, 1, 0], target="1")

    lines = re.findall(r'points="([^"]*)"', str(draw_example(example)))

    heights = [[float(point.split(",")[1]) for point in line.split()] for line in lines]
    assert [len(line) for line in heights] == [4, 4]
    assert heights[0][0] > heights[0][2]  # down is more in pixels
    assert heights[1][0] < heights[1][2]


def test_an_example_that_does_not_fill_its_shape_is_not_drawn() -> None:
    """A record that somebody else made may lie about the shape; the page leaves such an example out."""
    assert draw_example(Example(kind="image", whole=[1, 2, 2], shape=[1, 2, 2], values=[1], target="1")) is None
    assert draw_example(Example(kind="sequence", whole=[1, 1], shape=[1, 1], values=[1], target="1")) is None


def test_tokens_stand_above_their_answers(make_record: MakeRecord, tmp_path: Path) -> None:
    """Where each token has an answer, the two lines are aligned; what does not fit is counted."""
    example = Example(kind="tokens", whole=[80], shape=[4], values=[1, 12, 3, 4], target="- - 7 100")
    facts = TaskFacts(
        kind="tokens", metric="accuracy", higher_is_better=True, chance=0.1, oracle=1.0, summary="T", example=example
    )

    page = page_of([make_record(seed=seed, task_facts=facts) for seed in range(3)], tmp_path)

    assert '<pre tabindex="0">1 12 3   4 … 76 more\n-  - 7 100 … 76 more</pre>' in page


@pytest.mark.parametrize(("seeds", "bars"), [(1, False), (3, True)])
def test_the_words_of_a_task_are_about_what_is_drawn(
    seeds: int, bars: bool, make_record: MakeRecord, tmp_path: Path
) -> None:
    """Intervals are explained where there are some, and so is the number above each learning curve."""
    page = page_of([make_record(n, seed=s, score=0.8 + s / 50) for n in "ab" for s in range(seeds)], tmp_path)

    assert ('class="interval"' in page) == bars
    assert ("the bar is the 95% interval" in page) == bars
    assert ("the stroke is their mean" in page) != bars
    assert "Beside each name stands its test score." in page
