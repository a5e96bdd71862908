"""Promises of the comparisons: in the committed simulation, and in a small one made here."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from archbench._statistics import compare_all
from support.pages import ROOT, script_of_docs

EQUAL = ("log-normal", "half at the floor", "a fifth above the floor", "near chance")
"""Errors of equal entrants, for which a promise is made where they are compared by ratios."""


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
    assert {(cell["entrants"], cell["max_seeds"]) for cell in committed["sequential"]} == {
        *((entrants, seeds) for entrants in (2, 3) for seeds in (5, 10, 20)), (10, 10), (28, 10),
    }  # fmt: skip


def test_page_shows_the_committed_numbers(committed: dict[str, Any]) -> None:
    """The tables of docs/statistics.md are those that the committed numbers give."""
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")

    assert script_of_docs("statistics_tables").render(committed) in page


def test_ratios_find_what_differences_do_not(committed: dict[str, Any]) -> None:
    """At three seeds, ratios tell more than twice as many pairs apart where means lie over decades."""
    cells = [c for c in committed["errors"] if (c["errors"], c["seeds"]) == ("means over decades", 3)]

    assert len(cells) == 3
    assert all(cell["ratios"] > 2 * cell["differences"] for cell in cells)


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


def test_equal_errors_are_seldom_told_apart_by_ratios() -> None:
    """A fresh, small simulation of errors over decades stays within the bounds; it is not the committed one."""
    simulation, made = script_of_docs("statistics_by_simulation"), script_of_docs("statistics_of_errors")
    cells = list(made.errors(400, simulation.compare, entrants=(10,), seeds=(4,)))
    wrong = [cell["ratios"] for cell in cells if cell["errors"] in EQUAL]

    assert len(wrong) == 4
    assert 0 < max(wrong) <= 8


def test_a_player_is_called_equivalent_when_all_its_seeds_won(committed: dict[str, Any]) -> None:
    """Of two entrants, that is in p^n of the boards, under `--decide` p^4: a loss makes the interval far too wide."""
    seeds = {"3": 3, "5": 5, "10": 10, "`--decide`, at most 10": 4}
    fresh = script_of_docs("statistics_of_limits").players(200, script_of_docs("statistics_by_simulation").compare)
    for cells, boards in ((committed["players"], committed["boards"]), (list(fresh), 200)):
        pairs = [cell for cell in cells if cell["entrants"] == 2]

        assert {(cell["seeds"], cell["wins"]) for cell in pairs} == {(s, p) for s in seeds for p in (0.7, 0.8, 0.9)}
        for cell in pairs:
            expected = cell["wins"] ** seeds[cell["seeds"]]
            error = (expected * (1 - expected) / boards) ** 0.5

            assert cell["some"] == cell["each"]
            assert abs(cell["some"] / 100 - expected) < 4 * error, cell


def test_flat_curves_against_plain_arrays(committed: dict[str, Any]) -> None:
    """The committed shares are those of 200,000 quadruples: two points less the two before, beside their changes."""
    rng, cells = np.random.default_rng(5), committed["flat_curves"]
    for correlation in (0.0, 0.5, 0.8):
        distance = np.abs(np.subtract.outer(range(4), range(4)))
        points = rng.multivariate_normal(np.zeros(4), correlation**distance, 200_000)
        gain = points[:, 2:].mean(axis=1) - points[:, :2].mean(axis=1)
        noise = np.sqrt((np.diff(points, axis=1) ** 2).sum(axis=1) / 6)
        for margin in (0.0, 0.5, 1.0, 2.0):
            expected = float(((gain > margin) & (gain > 2 * noise)).mean())
            (cell,) = [c for c in cells if (c["correlation"], c["margin"]) == (correlation, margin)]

            assert abs(cell["percent"] / 100 - expected) < 4 * (expected / committed["boards"]) ** 0.5 + 0.0005, cell
    assert len(cells) == 12
