"""Promises of verdicts on claims: in the committed simulation, and in a small one made here."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

from archbench._statistics import Interval, half_widths, say, say_share, share_interval
from support.pages import ROOT, script_of_docs


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    """The script that simulates."""
    return script_of_docs("claims_by_simulation")


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    """The simulated numbers in docs/claims.json."""
    found: dict[str, Any] = json.loads((ROOT / "docs" / "claims.json").read_text(encoding="utf-8"))
    return found


def test_committed_simulation_keeps_the_promises(committed: dict[str, Any], simulation: ModuleType) -> None:
    """Some verdict of a family is wrong in at most 5% of the families, in every place and under every noise."""
    exact = [cell for cell in committed["errors"] if cell["declared"] == 1]
    looks = [cell for cell in committed["looks"] if cell["declared"] == 1]
    half = simulation.halved(committed["errors"])

    assert (committed["families"], committed["claims"]) == (4000, 25)
    assert {(cell["noise"], cell["seeds"], cell["place"]) for cell in exact} == {
        (noise, seeds, place)
        for noise in simulation.SHAPES
        for seeds in (3, 5, 10)
        for place in ("at the threshold", "at the upper edge", "at the lower edge", "in the middle")
    }
    assert len(half) == len([name for name in simulation.SHAPES if not name.endswith("solve")]) * 3 * 4
    assert max(cell["percent"] for cell in exact + looks + half) <= 5


def test_page_shows_the_committed_numbers(committed: dict[str, Any], simulation: ModuleType) -> None:
    """The tables of docs/studies.md are those that the committed numbers give."""
    assert simulation.render(committed) in (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")


def test_page_has_what_the_built_in_claims_can_decide(simulation: ModuleType) -> None:
    """The number of built-in claims and what so many can decide stand in docs/studies.md as the code gives them."""
    found = script_of_docs("claims_of_shares").table_of_families(simulation.FAMILY)

    assert found in (ROOT / "docs" / "studies.md").read_text(encoding="utf-8")


def test_committed_simulation_keeps_the_promise_for_shares(committed: dict[str, Any]) -> None:
    """Where seeds solve a task or do not, a verdict on their share is wrong in at most 5% of the families."""
    cells = committed["shares"]

    assert {cell["share"] for cell in cells} == {0.2, 0.5, 0.65, 0.8, 0.95}
    assert {cell["seeds"] for cell in cells} == {3, 5, 10, 12, 20}
    assert max(cell["percent"] for cell in cells) <= 5


@pytest.mark.parametrize("family", [25, 55])
@pytest.mark.parametrize("seeds", [3, 5, 10, 12, 20])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.9])
def test_error_of_a_share_by_the_binomial_law(seeds: int, share: float, family: int) -> None:
    """The chance of any verdict at a threshold that is the true share is at most 0.05 for all claims together."""
    wrong = sum(
        stats.binom.pmf(ones, seeds, share)
        for ones in range(seeds + 1)
        if say_share(share_interval([1] * ones + [0] * (seeds - ones), family=family), rule="above", threshold=share)
        != "undecided"
    )

    assert family * wrong <= 0.05


def test_an_interval_that_touches_the_threshold_decides_nothing() -> None:
    """An interval of a share must lie beyond the threshold; one that ends there holds it."""
    assert say_share(Interval(0.5, 0.9), rule="above", threshold=0.5) == "undecided"
    assert say_share(Interval(0.1, 0.5), rule="below", threshold=0.5) == "undecided"
    assert say_share(Interval(0.51, 0.9), rule="above", threshold=0.5) == "supported"


def test_power_is_not_nothing(committed: dict[str, Any]) -> None:
    """Five seeds find effects eight standard deviations away nearly always, and ten seeds those four away."""
    found = {(cell["noise"], cell["seeds"], cell["distance"]): cell["percent"] for cell in committed["power"]}

    assert min(found["normal", 5, 8.0], found["exponential", 5, 8.0], found["normal", 10, 4.0]) >= 98


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(("rule", "truth"), [("above", 0.0), ("below", 0.0), ("within", 1.0), ("within", -1.0)])
def test_effects_at_the_threshold_are_seldom_decided(seeds: int, rule: str, truth: float) -> None:
    """Of 1,000 families of 25 claims with normal noise, half of it declared, at most 5% decide anything."""
    rng = np.random.default_rng([seeds, len(rule), int(truth) + 1])
    effects = truth + rng.standard_normal((1000, 25, seeds))
    said = say(effects.mean(axis=-1), half_widths(effects, noise=0.5, family=25), rule=rule, threshold=abs(truth))

    wrong = (said != "undecided").any(axis=1).mean()
    print(f"\n{seeds} seeds, {rule}, true effect {truth:g}: a wrong verdict in {wrong:.1%} of families (at most 5 %)")

    assert wrong <= 0.05


@pytest.mark.slow
def test_simulation_can_be_repeated(simulation: ModuleType) -> None:
    """A fresh, smaller simulation keeps the promises that the committed one keeps, but for its own noise."""
    cells = list(simulation.errors(500, (1.0, 0.5)))
    exact = [cell["percent"] for cell in cells if cell["declared"] == 1]

    assert max(exact) <= 1
    assert max(cell["percent"] for cell in simulation.halved(cells)) <= 8
