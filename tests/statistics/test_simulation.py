"""Promises of the comparisons: in the committed simulation, and in a small one made here."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from archbench._statistics import compare_all
from support.pages import ROOT, script_of_docs


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
    assert max(max(cell["told_apart"], cell["equivalent"]) for cell in committed["sequential"]) <= 5


def test_page_shows_the_committed_numbers(committed: dict[str, Any]) -> None:
    """The tables of docs/statistics.md are those that the committed numbers give."""
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")

    assert script_of_docs("statistics_tables").render(committed) in page


def test_simulation_compares_as_the_suite_does() -> None:
    """The simulated comparison of many boards at once is `compare_all` of each, up to the table it interpolates."""
    scores = np.random.default_rng(0).standard_normal((5, 6, 4)) * np.exp(np.arange(6) / 3)[:, None]
    gaps, halves = script_of_docs("statistics_by_simulation").compare(scores)

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
    simulation = script_of_docs("statistics_by_simulation")
    wrong = [cell["percent"] for cell in simulation.false_claims(1000, simulation.SHAPES)]

    assert np.mean(wrong) <= 5
    assert max(wrong) <= 9
