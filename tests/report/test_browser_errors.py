"""The errors of a classification task in a browser: those of every entrant, chosen by the reader."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import numpy as np
import pytest

from archbench._records import Record, TaskFacts
from archbench._report._charts import SHADE_LIMITS, confusion_rows
from support import MakeRecord
from support.browsing import go

pytestmark = pytest.mark.browser

FACTS = TaskFacts(
    kind="image", metric="accuracy", higher_is_better=True, chance=0.5, oracle=1.0, summary="Two", test_examples=80,
    classes=["cat", "dog"],
)  # fmt: skip
MATRICES = {"good": [[40, 1], [2, 37]], "bad": [[21, 20], [19, 20]]}


def build(make: MakeRecord, matrices: dict[str, Any], facts: TaskFacts = FACTS) -> list[Record]:
    """Return two seeds of each of these architectures."""
    return [
        make(
            name,
            seed=seed,
            score=float(np.trace(matrix) / np.sum(matrix)),
            task_facts=facts,
            confusion=np.array(matrix).tolist(),
            wrong=[seed + 5],
        )
        for name, matrix in matrices.items()
        for seed in range(2)
    ]


def cells(page: Any) -> list[str]:
    """Return the cells of the matrix that is shown, row by row."""
    texts: list[str] = page.locator("table.confusion td:visible").all_inner_texts()
    return texts


def test_the_matrix_of_each_entrant_can_be_chosen(open_page: Any, make_record: MakeRecord) -> None:
    """The best is shown first; the address holds another choice, Back returns, and shades are those of Python."""
    page = open_page(build(make_record, MATRICES), "#/task/digits")
    chooser = page.locator(".errs select")
    looks = "cells => cells.map(cell => cell.className)"
    best = page.locator("table.confusion td").evaluate_all(looks)

    assert chooser.locator("option").all_inner_texts() == ["bad", "good"]
    assert cells(page) == ["80", "2", "0.976", "4", "74", "0.949"]
    chooser.select_option(label="bad")
    assert page.url.endswith("?errors=bad")
    assert cells(page) == ["42", "40", "0.512", "38", "40", "0.513"]
    assert page.locator("table.confusion td").evaluate_all(looks)[1] == "k7"
    assert "seed 0: 5; seed 1: 6." in page.locator(".errs .wrong").inner_text()
    page.go_back()
    assert cells(page) == ["80", "2", "0.976", "4", "74", "0.949"]
    assert page.locator("table.confusion td").evaluate_all(looks) == best
    go(page, "#/task/digits?errors=bad")
    assert cells(page)[0] == "42"
    go(page, "#/task/digits?errors=nobody")
    assert cells(page)[0] == "80"


def test_scripts_shade_as_python_does(open_page: Any, make_record: MakeRecord) -> None:
    """A cell has the same shade whoever drew it, also where its share is exactly that of the next shade."""
    other = [[995, 5], [20, 180]]
    page = open_page(build(make_record, {"best": [[1000, 0], [0, 200]], "other": other}), "#/task/digits?errors=other")
    drawn = page.locator("table.confusion td:not(.own)").evaluate_all("cells => cells.map((cell) => cell.className)")

    [[_, first], [second, _]] = [row.cells for row in confusion_rows(other, [])]
    assert [drawn[0], drawn[2]] == [f"k{first[1]}", f"k{second[1]}"] == ["k2", "k6"]


LOOKS = """shades => shades.map((shade) => {
    const cell = document.querySelector("table.confusion td:not(.own)");
    cell.className = `k${shade}`;
    const options = { willReadFrequently: true };
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", options);
    const style = (element) => getComputedStyle(element);
    return [style(cell).color, null].map((ink) => {
        for (const colour of [style(document.body).backgroundColor, style(cell).backgroundColor, ink]) {
            if (colour) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    });
})"""


def luminance(colour: list[int]) -> float:
    """Return the relative luminance of a colour (WCAG 2)."""
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: list[int], other: list[int]) -> float:
    """Return the contrast of two colours, between 1 and 21 (WCAG 2)."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_are_legible_on_every_shade(open_page: Any, make_record: MakeRecord, scheme: str) -> None:
    """Numbers have a contrast of 4.5 or more on all shades, and each shade stands out from the one before it."""
    page = open_page(build(make_record, MATRICES), "#/task/digits", color_scheme=scheme)
    looks = page.evaluate(LOOKS, [*range(len(SHADE_LIMITS) + 2)])

    assert [contrast(ink, paper) for ink, paper in looks if contrast(ink, paper) < 4.5] == []
    steps = [contrast(one, other) for (_, one), (_, other) in itertools.pairwise(looks)]
    assert min(steps) > 1.05
    assert len({tuple(paper) for _, paper in looks}) == len(SHADE_LIMITS) + 2


def test_of_many_classes_the_confusions_are_listed(open_page: Any, make_record: MakeRecord) -> None:
    """More classes than a matrix can show are told in words, for each entrant."""
    facts = msgspec.structs.replace(FACTS, classes=[], chance=0.04, test_examples=26)
    first, second = np.eye(25, dtype=int), np.eye(25, dtype=int)
    first[3, 4], second[7, 9] = 1, 1
    page = open_page(build(make_record, {"a": first, "b": second}, facts), "#/task/digits?errors=b")

    assert page.locator("table.confusion").count() == 0
    assert "of 25 classes: 7 taken for 9 (2)." in page.locator(".errs .pairs").inner_text()
    page.locator(".errs select").select_option(label="a")
    assert "3 taken for 4 (2)." in page.locator(".errs .pairs").inner_text()
