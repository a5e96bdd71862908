"""Simulate the verdicts on claims, and write docs/claims.json and the tables of docs/studies.md.

    python docs/claims_by_simulation.py            # a minute or two on one core
    python docs/claims_by_simulation.py --quick    # a tenth of the families, and nothing is written

The functions that are simulated are those that the suite calls. Every claim has a known truth, so that a verdict is
right or wrong; a family of claims is wrong if one verdict in it is.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import claims_of_shares
import numpy as np
import numpy.typing as npt
from generated_pages import markdown
from statistics_tables import table

from archbench._statistics import half_widths, say

DOCS = Path(__file__).parent
BEGIN, END = "<!-- simulation -->", "<!-- end of simulation -->"
FAMILIES = "<!-- families -->", "<!-- end of families -->"
FAMILY = 25
"""Claims of a distribution, all of them in the hardest place."""

SEEDS = (3, 5, 10)
THRESHOLD = 3.0
"""Of `within`, in standard deviations over seeds."""

Rng = np.random.Generator
Floats = npt.NDArray[np.float64]
Shape = tuple[int, ...]


def lognormal(sigma: float) -> Callable[[Rng, Shape], Floats]:
    """Return log-normal noise at mean 0 and unit variance; `sigma` is that of the logarithm."""
    mean, deviation = np.exp(sigma**2 / 2), np.sqrt(np.expm1(sigma**2) * np.exp(sigma**2))
    return lambda rng, shape: (rng.lognormal(0, sigma, shape) - mean) / deviation


def two_point(share: float) -> Callable[[Rng, Shape], Floats]:
    """Return the noise of seeds of which this share solves a task, and the others do not, at unit variance."""
    return lambda rng, shape: ((rng.random(shape) < share) - share) / np.sqrt(share * (1 - share))


SHAPES: dict[str, Callable[[Rng, Shape], Floats]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "t with 3 degrees": lambda rng, shape: rng.standard_t(3, shape) / np.sqrt(3),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "log-normal, 0.5": lognormal(0.5),
    "log-normal, 1": lognormal(1.0),
    "half of the seeds solve": two_point(0.5),
    "65 % solve": two_point(0.65),
    "80 % solve": two_point(0.8),
    "95 % solve": two_point(0.95),
}
"""Noise between seeds, all with mean 0 and standard deviation 1; the skewed ones are met from both sides."""

TWO_VALUED = [name for name in SHAPES if name.endswith("solve")]

PLACES = {
    "at the threshold": ("above", 0.0, 0.0, ("supported", "contradicted")),
    "at the upper edge": ("within", THRESHOLD, THRESHOLD, ("supported", "contradicted")),
    "at the lower edge": ("within", THRESHOLD, -THRESHOLD, ("supported", "contradicted")),
    "in the middle": ("within", 0.5, 0.0, ("contradicted",)),
}
"""Where the true effect is: the rule, its threshold, the effect, and the verdicts that are wrong there."""


def verdicts(effects: Floats, noise: float, rule: str, threshold: float) -> npt.NDArray[np.str_]:
    """Return the verdicts on claims, from effects of shape (families, claims, seeds)."""
    halves = half_widths(effects, noise=noise, family=FAMILY)
    return say(effects.mean(axis=-1), halves, rule=rule, threshold=threshold)


def wrong_families(said: npt.NDArray[np.str_], wrong: tuple[str, ...]) -> dict[str, float]:
    """Return in how many of the families some verdict is wrong, in percent, and the standard error of that."""
    share = float(np.isin(said, wrong).any(axis=1).mean())
    return {"percent": 100 * share, "error": 100 * float(np.sqrt(share * (1 - share) / len(said)))}


def errors(count: int, ratios: tuple[float, ...]) -> Iterator[dict[str, Any]]:
    """Yield how often some verdict of a family is wrong, for declared noise of some ratios to the true one."""
    for index, (name, draw) in enumerate(SHAPES.items()):
        for seeds in SEEDS:
            noise = draw(np.random.default_rng([1, index, seeds]), (count, FAMILY, seeds))
            for ratio in ratios:
                for place, (rule, threshold, effect, wrong) in PLACES.items():
                    said = verdicts(noise + effect, ratio, rule, threshold)
                    cell = {"noise": name, "seeds": seeds, "declared": ratio, "place": place}
                    yield cell | wrong_families(said, wrong)


def looks(count: int, ratios: tuple[float, ...]) -> Iterator[dict[str, Any]]:
    """Yield how often some verdict is wrong if one looks after every seed from 3 to 10, and keeps the first verdict."""
    for index, (name, draw) in enumerate(SHAPES.items()):
        noise = draw(np.random.default_rng([2, index]), (count, FAMILY, max(SEEDS)))
        for ratio in ratios:
            decided = np.zeros((count, FAMILY), dtype=np.bool_)
            for seeds in range(min(SEEDS), max(SEEDS) + 1):
                decided |= verdicts(noise[..., :seeds], ratio, "above", 0.0) != "undecided"
            share = float(decided.any(axis=1).mean())
            yield {"noise": name, "declared": ratio, "percent": 100 * share}


def power(count: int) -> Iterator[dict[str, Any]]:
    """Yield the share of true claims that are found, by how far their effect is from the threshold."""
    for index, (name, draw) in enumerate(SHAPES.items()):
        for seeds in SEEDS:
            noise = draw(np.random.default_rng([3, index, seeds]), (count, FAMILY, seeds))
            for distance in (1.0, 2.0, 4.0, 8.0):
                said = verdicts(noise + distance, 1.0, "above", 0.0)
                found = 100 * float((said == "supported").mean())
                yield {"noise": name, "seeds": seeds, "distance": distance, "percent": found}


def simulate(count: int) -> dict[str, Any]:
    """Return all results."""
    return {
        "families": count,
        "claims": FAMILY,
        "errors": list(errors(count, (1.0, 0.5))),
        "looks": list(looks(count, (1.0, 0.5))),
        "power": list(power(count // 4)),
        "beyond": list(errors(count // 4, (0.25, 0.1))),
        "shares": list(claims_of_shares.errors(count, FAMILY)),
        "shares_power": list(claims_of_shares.power(count, FAMILY)),
    }


def render(results: dict[str, Any]) -> str:
    """Return the tables as Markdown."""
    kept = {
        "the noise is declared as it is": [c for c in results["errors"] if c["declared"] == 1],
        "it is declared as it is, and one looks after every seed": [c for c in results["looks"] if c["declared"] == 1],
        "it is declared at half of what it is, and effects take many values": halved(results["errors"]),
        "the claim is on a share of seeds": results["shares"],
    }
    rows = [(name, "at most 5 %", f"{max(cell['percent'] for cell in cells):.1f} %") for name, cells in kept.items()]
    parts = [
        f"Every cell: {results['families']:,} families of {results['claims']} claims, all of which have their true "
        "effect at the threshold, where every verdict is wrong, or in the middle of *within*, where *contradicted* is.",
        markdown(("some verdict of the family is wrong, worst cell", "must hold", "simulated"), rows),
        "### A wrong verdict anywhere in the family, in percent",
        "In the worst place of the effect: at the threshold of *above* or *below*, at either edge of *within*, or in "
        "its middle. The standard deviation is declared as it is, or half as large.",
        _table(_worst_place(results["errors"])),
        "With a look after every seed from the third to the tenth, and the first verdict kept:",
        table(results["looks"], lambda c: (c["noise"],), _declared, _percent, heads=("noise between seeds",)),
        "### Power: true claims that are found, in percent",
        "By the distance of the effect from the threshold, in standard deviations between seeds; the noise is declared "
        "as it is.",
        table(
            results["power"], lambda c: (c["noise"], c["seeds"]), lambda c: f"{c['distance']:g}",
            lambda c: f"{c['percent']:.0f}", heads=("noise between seeds", "seeds"),
        ),
        *claims_of_shares.render(results),
        "### Where the promise does not hold",
        "If a claim declares far less noise than there is, and effects are skewed, seeds that happen to agree pass for "
        "certainty; if effects take two values, half of the noise is too little already (see above). No rule can see "
        "that in a few seeds. The declared noise is what protects from it, so take it from other runs, and rather too "
        "large. Where some seeds solve a task and others do not, let the claim be on the share of those that do.",
        _table(_worst_place(results["beyond"])),
    ]  # fmt: skip
    return "\n\n".join(parts)


def halved(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells in which half of the noise is declared, without effects that take two values."""
    return [cell for cell in cells if cell["declared"] == 0.5 and cell["noise"] not in TWO_VALUED]


def _worst_place(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the worst of the places for each noise, number of seeds and declared noise."""
    worst: dict[Any, dict[str, Any]] = {}
    for cell in cells:
        key = cell["noise"], cell["seeds"], cell["declared"]
        if key not in worst or cell["percent"] > worst[key]["percent"]:
            worst[key] = cell
    return list(worst.values())


def _table(cells: list[dict[str, Any]]) -> str:
    return table(
        cells, lambda c: (c["noise"],), lambda c: f"{c['seeds']} seeds, {_declared(c)}", _percent,
        heads=("noise between seeds",),
    )  # fmt: skip


def _declared(cell: dict[str, Any]) -> str:
    return f"declared {cell['declared']:g} of it"


def _percent(cell: dict[str, Any]) -> str:
    return f"{cell['percent']:.1f}"


def main() -> None:
    """Simulate; write the numbers and the tables, or print them."""
    parser = argparse.ArgumentParser(description="Simulate verdicts on claims.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the families; print, and write nothing")
    quick = parser.parse_args().quick
    results = simulate(400 if quick else 4000)
    if quick:
        print(render(results))
        return
    (DOCS / "claims.json").write_text(json.dumps(results, indent=0) + "\n", encoding="utf-8")
    page = DOCS / "studies.md"
    text = page.read_text(encoding="utf-8")
    for (begin, end), made in {
        (BEGIN, END): render(results),
        FAMILIES: claims_of_shares.table_of_families(FAMILY),
    }.items():
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{made}\n\n{end}{rest.partition(end)[2]}"
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
