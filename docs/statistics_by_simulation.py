"""Simulate the comparisons that the leaderboard and `benchmark compare` make, and write docs/statistics.{md,json}.

    python docs/statistics_by_simulation.py            # some minutes on one core
    python docs/statistics_by_simulation.py --quick    # a tenth of the boards, and nothing is written

The functions that are simulated are those that the suite calls; only their critical values are interpolated in a table.
Every board has a known truth, so a claim about it is right or wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from generated_pages import rounded, write_page
from statistics_of_errors import errors
from statistics_of_limits import flat_curves, players
from statistics_tables import render

from archbench._statistics._equivalence import classify
from archbench._statistics._noise import critical_value, estimate_noise
from archbench._statistics._ranges import Floats, student_range, studentised_range
from archbench._statistics._sequential import look, nominal_level

ENTRANTS, SEEDS = (5, 10, 28), (3, 5, 10)
FEW, ALL = {2: (5, 10, 20), 3: (5, 10, 20)}, {2: (5, 10, 20), 3: (5, 10, 20), 10: (10,), 28: (10,)}
"""Largest numbers of seeds of `--decide`, for each number of entrants."""

EXAMPLES = 360
"""Test examples behind a simulated accuracy."""

GRID = 1 / np.concatenate([np.linspace(1e-4, 0.6, 60), [1.0]])
Rng = np.random.Generator
Shape = tuple[int, int, int]
Generator = Callable[[Rng, Shape], Floats]


def normal(spread: float) -> Generator:
    """Return normal noise whose log standard deviation differs between entrants by `spread`."""
    return lambda rng, shape: rng.standard_normal(shape) * np.exp(spread * rng.standard_normal((*shape[:2], 1)))


def skewed(rng: Rng, shape: Shape) -> Floats:
    """Return scores with a long lower tail, skewness -2, in all entrants."""
    return 1 - rng.exponential(size=shape)


def half_skewed(rng: Rng, shape: Shape) -> Floats:
    """Return such scores in every second entrant, and normal ones in the others."""
    odd = (np.arange(shape[1]) % 2 == 1)[:, None]
    return np.where(odd, skewed(rng, shape), rng.standard_normal(shape))


def heavy(rng: Rng, shape: Shape) -> Floats:
    """Return Student's t with 3 degrees of freedom, at unit variance."""
    return rng.standard_t(3, size=shape) / np.sqrt(3)


def ceiling(rng: Rng, shape: Shape) -> Floats:
    """Return accuracies of which half are exactly 1."""
    return np.minimum(1, np.round(EXAMPLES * (1 + 0.01 * rng.standard_normal(shape))) / EXAMPLES)


def dips(rng: Rng, shape: Shape) -> Floats:
    """Return accuracies of exactly 1, save for one seed in five that loses up to a tenth."""
    low = np.round(EXAMPLES * (1 - rng.uniform(0, 0.1, shape))) / EXAMPLES
    return np.where(rng.random(shape) < 0.2, low, 1.0)


def near_ceiling(rng: Rng, shape: Shape) -> Floats:
    """Return accuracies of 0.997 with the noise of the test examples alone."""
    return rng.binomial(EXAMPLES, 0.997, size=shape) / EXAMPLES


def one_skewed(rng: Rng, shape: Shape) -> Floats:
    """Return skewed scores of the first entrant; those of the others hardly vary."""
    first = (np.arange(shape[1]) == 0)[:, None]
    return np.where(first, skewed(rng, shape), 0.3 * rng.standard_normal(shape))


def lottery(rng: Rng, shape: Shape) -> Floats:
    """Return accuracies of 1 or of chance, with equal probability."""
    return np.where(rng.random(shape) < 0.5, 1.0, 0.25 + 0.02 * rng.standard_normal(shape))


NORMAL = {f"normal, spread {spread:g}": normal(spread) for spread in (0, 0.4, 0.7, 1.2)}
SHAPES: dict[str, Generator] = {
    **NORMAL,
    "skewed": skewed,
    "every second one skewed": half_skewed,
    "heavy tails": heavy,
    "ceiling, half at 1": ceiling,
    "ceiling, rare dips": dips,
    "near the ceiling": near_ceiling,
}
LIMITS: dict[str, Generator] = {"one entrant skewed, the others nearly exact": one_skewed}
BOUNDED = (ceiling, dips, near_ceiling, lottery)


@cache
def tabulated(entrants: int) -> dict[str, Any]:
    """Return the two ranges as functions that interpolate their quantiles over the degrees of freedom."""

    def of(quantile: Callable[..., Floats]) -> Callable[..., Floats]:
        values = np.log(quantile(0.95, entrants, GRID))
        return lambda _level, _entrants, df: np.exp(np.interp(1 / np.asarray(df), 1 / GRID, values))

    return {"common": of(studentised_range), "own": of(student_range)}


def compare(scores: Floats, step: float = 0.0) -> tuple[Floats, Floats]:
    """Return differences and half widths of many boards, as `compare_all` does of one."""
    noise = estimate_noise(scores, paired=True, step=step)
    critical = critical_value(0.95, scores.shape[1], noise, **tabulated(scores.shape[1]))
    means = scores.mean(axis=2)
    halves = noise.standard_errors(scores.shape[2]) * critical[:, None, None]
    return means[:, :, None] - means[:, None, :], halves


def by_bonferroni(scores: Floats) -> tuple[Floats, Floats]:
    """Return differences and half widths of paired t tests, the error split over the pairs."""
    entrants = scores.shape[1]
    return look(scores, level=0.05 / (entrants * (entrants - 1) / 2), paired=True, step=0.0)


def by_groups(scores: Floats) -> npt.NDArray[np.bool_]:
    """Return which pairs the former rule separates: groups that begin where the leader's paired t interval excludes 0.

    Shape (boards, entrants, entrants): the row's entrant is in a better group than the column's.
    """
    boards, entrants, _ = scores.shape
    gaps, halves = look(scores, level=0.05, paired=True, step=0.0)
    order, row = np.argsort(-scores.mean(axis=2), axis=1), np.arange(boards)
    leader, group = order[:, 0], np.zeros(boards, dtype=np.int_)
    groups = np.zeros((boards, entrants), dtype=np.int_)
    for place in range(1, entrants):
        here = order[:, place]
        split = gaps[row, leader, here] > halves[row, leader, here]
        leader, group = np.where(split, here, leader), group + split
        groups[row, here] = group
    return np.asarray(groups[:, :, None] < groups[:, None, :])


def boards(rng: Rng, shape: Shape, generator: Generator) -> Floats:
    """Return noise of many boards; where scores have no bound, with an effect of the seed that all share."""
    noise = generator(rng, shape)
    return noise if generator in BOUNDED else noise + rng.standard_normal((shape[0], 1, shape[2]))


def percent(wrong: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return a share in percent, and its standard error."""
    share = float(wrong.mean())
    return {"percent": 100 * share, "error": 100 * float(np.sqrt(share * (1 - share) / len(wrong)))}


def false_claims(count: int, names: dict[str, Generator]) -> Iterator[dict[str, Any]]:
    """Yield for every cell how often anybody is separated on a board on which all are equal."""
    for entrants in ENTRANTS:
        for seeds in SEEDS:
            for index, (name, generator) in enumerate(names.items()):
                rng = np.random.default_rng([1, entrants, seeds, index])
                scores = boards(rng, (count, entrants, seeds), generator)
                gaps, halves = compare(scores, 1 / EXAMPLES if generator in BOUNDED else 0.0)
                old = by_groups(scores).any(axis=(1, 2)) if generator not in BOUNDED else None
                former = {} if old is None else {"groups": percent(old)["percent"]}
                cell = {"entrants": entrants, "seeds": seeds, "scores": name}
                yield cell | percent((gaps > halves).any(axis=(1, 2))) | former


def ranks(count: int) -> Iterator[dict[str, Any]]:
    """Yield how often rank intervals contain true ranks: those of each entrant, and those of all together."""
    for entrants in ENTRANTS:
        for seeds in SEEDS:
            for truth, width in {"exact ties": 0.0, "near ties": 0.3, "spread": 3.0}.items():
                for spread in (0.0, 0.7):
                    rng = np.random.default_rng([2, entrants, seeds, int(10 * width), int(10 * spread)])
                    means = width * rng.standard_normal((count, entrants))
                    gaps, halves = compare(boards(rng, (count, entrants, seeds), normal(spread)) + means[:, :, None])
                    true, claimed = means[:, :, None] - means[:, None, :] > 0, gaps > halves
                    # Rank intervals are 1 + those better to K - those worse, of the truth and of the claims.
                    low = claimed.sum(axis=1) <= true.sum(axis=1)
                    high = claimed.sum(axis=2) <= true.sum(axis=2)
                    yield {
                        "entrants": entrants, "seeds": seeds, "truth": truth, "spread": spread,
                        "each": 100 * float((low & high).mean()), "all": percent((low & high).all(axis=1))["percent"],
                    }  # fmt: skip


def equivalences(count: int) -> Iterator[dict[str, Any]]:
    """Yield how often entrants that differ by the margin are called equivalent, and how often equal ones are."""
    for entrants in ENTRANTS:
        for seeds in SEEDS:
            for margin in (1.0, 2.0, 4.0):
                worst, right = 0.0, 0.0
                for spread in (0.0, 0.7):
                    rng = np.random.default_rng([3, entrants, seeds, int(margin), int(10 * spread)])
                    means = margin * (np.arange(entrants) % 2)
                    gaps, halves = compare(boards(rng, (count, entrants, seeds), normal(spread)) + means[:, None])
                    same = means[:, None] == means[None, :]
                    claimed = np.abs(gaps) + halves < margin
                    worst = max(worst, percent((claimed & ~same).any(axis=(1, 2)))["percent"])
                    if spread == 0:
                        right = 100 * float(claimed[:, same & ~np.eye(entrants, dtype=bool)].mean())
                yield {"entrants": entrants, "seeds": seeds, "margin": margin, "wrong": worst, "right": right}


def power(count: int) -> Iterator[dict[str, Any]]:
    """Yield the share of true differences that are found: one entrant that leads, and a board of spread means."""
    for entrants in ENTRANTS:
        for seeds in SEEDS:
            for spread in (0.0, 0.7):
                rng = np.random.default_rng([4, entrants, seeds, int(10 * spread)])
                noise = boards(rng, (count, entrants, seeds), normal(spread))
                leads = {f"lead of {size:g}": size * (np.arange(entrants) == 0.0)[None] for size in (2.0, 4.0, 8.0)}
                for truth, means in (leads | {"spread of 4": 4 * rng.standard_normal((count, entrants))}).items():
                    scores = noise + means[:, :, None]
                    real = np.broadcast_to(means[:, :, None] > means[:, None, :], (count, entrants, entrants))
                    cell = {"entrants": entrants, "seeds": seeds, "spread": spread, "truth": truth}
                    found = {"moderated": compare(scores), "bonferroni": by_bonferroni(scores)}
                    shares = {key: 100 * float((gaps > halves)[real].mean()) for key, (gaps, halves) in found.items()}
                    yield cell | shares | {"groups": 100 * float(by_groups(scores)[real].mean())}


def sequential(count: int, names: dict[str, Generator], sizes: dict[int, tuple[int, ...]]) -> Iterator[dict[str, Any]]:
    """Yield errors of `compare --decide`: equals told apart, and a difference of the margin called equivalent."""
    for entrants, limits in sizes.items():
        for limit in limits:
            for index, (name, generator) in enumerate(names.items()):
                rng = np.random.default_rng([5, entrants, limit, index])
                noise = boards(rng, (count, entrants, limit), generator)
                lead = (np.arange(entrants) == 0)[:, None]
                null, _ = walk(noise, 0.0)
                at_margin = max(_equivalent(noise + sign * lead) for sign in (1, -1))
                ahead, when = walk(noise + 3 * lead, 1.0)
                alike, _ = walk(noise, 3.0)
                upper = np.triu_indices(entrants, 1)
                yield {
                    "entrants": entrants, "max_seeds": limit, "scores": name,
                    "told_apart": percent((null != "undecided")[:, *upper].any(axis=1))["percent"],
                    "equivalent": at_margin,
                    "finds_3": percent(ahead[:, 0, 1] == "better")["percent"],
                    "seeds_for_3": float(when[:, 0, 1][when[:, 0, 1] > 0].mean()),
                    "finds_equivalent": percent(alike[:, 0, 1] == "equivalent")["percent"],
                }  # fmt: skip


def _equivalent(scores: Floats) -> float:
    """Return how often, in percent, the first entrant is called equivalent to another within a margin of 1."""
    answers, _ = walk(scores, 1.0)
    return percent((answers[:, 0, 1:] == "equivalent").any(axis=1))["percent"]


def walk(scores: Floats, margin: float) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int_]]:
    """Return the first answers about all pairs of many boards, and at how many seeds they came."""
    count, entrants, limit = scores.shape
    level = nominal_level(limit, entrants * (entrants - 1) // 2)
    found = np.full((count, entrants, entrants), "undecided", dtype="<U10")
    when = np.zeros(found.shape, dtype=np.int_)
    for used in range(3, limit + 1):
        said = classify(*look(scores[:, :, :used], level=level, paired=True, step=0.0), margin)
        new = (found == "undecided") & (said != "undecided")
        found, when = np.where(new, said, found), np.where(new, used, when)
    return found, when


def main() -> None:
    """Simulate, print the tables, and write them unless `--quick` was given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the boards; print only")
    quick = parser.parse_args().quick
    count = 400 if quick else 4000
    results = rounded(
        {
            "boards": count,
            "false_claims": list(false_claims(count, SHAPES)),
            "lottery": list(false_claims(count, {"lottery": lottery})),
            "ranks": list(ranks(count)),
            "equivalences": list(equivalences(count)),
            "power": list(power(count)),
            "errors": list(errors(count, compare, entrants=ENTRANTS, seeds=SEEDS)),
            "sequential": list(sequential(count, {k: v for k, v in SHAPES.items() if v not in BOUNDED}, ALL)),
            "one_skewed": list(sequential(count, LIMITS, FEW)),
            "players": list(players(count, compare)),
            "flat_curves": list(flat_curves(count)),
        }
    )
    print(render(results))
    if not quick:
        write_page("statistics", results, render)


if __name__ == "__main__":
    main()
