"""Promises of the comparisons: in the committed simulation, and in a small one made here."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from archbench._statistics import compare_all
from support.pages import ROOT

EQUAL = ("log-normal", "half at the floor", "a fifth above the floor", "near chance")
"""Errors of equal entrants, for which a promise is made where they are compared by ratios."""


def load(name: str) -> ModuleType:
    """A module of docs/."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
        assert spec
        assert spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    """The simulated numbers in docs/statistics.json."""
    found: dict[str, Any] = json.loads((ROOT / "docs" / "statistics.json").read_text(encoding="utf-8"))
    return found


def test_committed_simulation_keeps_the_promises(committed: dict[str, Any]) -> None:
    """Family-wise error, rank intervals, equivalence and sequential decisions are within their bounds in all cells."""
    wrong = [cell["percent"] for cell in committed["false_claims"]]
    cells = {(cell["entrants"], cell["seeds"]) for cell in committed["false_claims"]}

    assert committed["boards"] >= 2000
    assert cells == {(entrants, seeds) for entrants in (5, 10, 28) for seeds in (3, 5, 10)}
    assert np.mean(wrong) <= 5
    assert max(wrong) <= 7
    assert min(cell["each"] for cell in committed["ranks"]) >= 95
    assert max(cell["wrong"] for cell in committed["equivalences"]) <= 5
    assert max(cell["ratios"] for cell in committed["errors"] if cell["errors"] in EQUAL) <= 7
    assert {cell["errors"] for cell in committed["errors"]} == {*EQUAL, "a fifth fails", "means over decades"}
    assert max(max(cell["told_apart"], cell["equivalent"]) for cell in committed["sequential"]) <= 5


def test_page_shows_the_committed_numbers(committed: dict[str, Any]) -> None:
    """The tables of docs/statistics.md are those that the committed numbers give."""
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")

    assert load("statistics_tables").render(committed) in page


def test_ratios_find_what_differences_do_not(committed: dict[str, Any]) -> None:
    """At three seeds, ratios tell more than twice as many pairs apart where means lie over decades."""
    cells = [c for c in committed["errors"] if (c["errors"], c["seeds"]) == ("means over decades", 3)]

    assert len(cells) == 3
    assert all(cell["ratios"] > 2 * cell["differences"] for cell in cells)


def test_simulation_compares_as_the_suite_does() -> None:
    """The simulated comparison of many boards at once is `compare_all` of each, up to the table it interpolates."""
    load("statistics_tables")
    load("statistics_of_errors")
    scores = np.random.default_rng(0).standard_normal((5, 6, 4)) * np.exp(np.arange(6) / 3)[:, None]
    gaps, halves = load("statistics_by_simulation").compare(scores)

    for board, gap, half in zip(scores, gaps, halves, strict=True):
        expected = compare_all(board, paired=True, step=1e-12)
        np.testing.assert_allclose(gap, expected.differences)
        np.testing.assert_allclose(half, expected.half_widths, rtol=0.01)


@pytest.mark.parametrize(("spread", "seed"), [(0.0, 1), (0.7, 2)])
def test_equal_entrants_are_seldom_told_apart(spread: float, seed: int) -> None:
    """Of 250 boards of ten equal entrants with three seeds, some but at most 8% separate anybody."""
    rng = np.random.default_rng(seed)
    wrong = []
    for _ in range(250):
        noise = rng.standard_normal((10, 3)) * np.exp(spread * rng.standard_normal((10, 1)))
        wrong.append(compare_all(noise + 3 * rng.standard_normal(3), paired=True).better.any())

    assert 0 < np.mean(wrong) <= 0.08


@pytest.mark.slow
def test_simulation_can_be_repeated() -> None:
    """A fresh, smaller simulation of false claims stays within the bounds that the committed one keeps."""
    load("statistics_tables")
    load("statistics_of_errors")
    simulation = load("statistics_by_simulation")
    wrong = [cell["percent"] for cell in simulation.false_claims(1000, simulation.SHAPES)]

    assert np.mean(wrong) <= 5
    assert max(wrong) <= 9


def test_equal_errors_are_seldom_told_apart_by_ratios() -> None:
    """A fresh, small simulation of errors over decades stays within the bounds; it is not the committed one."""
    load("statistics_tables")
    load("statistics_of_errors")
    simulation, made = load("statistics_by_simulation"), load("statistics_of_errors")
    cells = list(made.errors(400, simulation.compare, entrants=(10,), seeds=(4,)))
    wrong = [cell["ratios"] for cell in cells if cell["errors"] in EQUAL]

    assert len(wrong) == 4
    assert 0 < max(wrong) <= 8
