"""The errors of a classification task in a browser: those of every entrant, chosen by the reader."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from archbench._records import Record, TaskFacts
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
    assert page.locator("table.confusion td").evaluate_all(looks)[1] == "k3"
    assert "seed 0: 5; seed 1: 6." in page.locator(".errs .wrong").inner_text()
    page.go_back()
    assert cells(page) == ["80", "2", "0.976", "4", "74", "0.949"]
    assert page.locator("table.confusion td").evaluate_all(looks) == best
    go(page, "#/task/digits?errors=bad")
    assert cells(page)[0] == "42"
    go(page, "#/task/digits?errors=nobody")
    assert cells(page)[0] == "80"


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
