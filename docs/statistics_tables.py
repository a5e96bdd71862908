"""Tables of docs/statistics.md, made of the results that docs/statistics_by_simulation.py writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from generated_pages import markdown

Cell = dict[str, Any]
Key = Callable[[Cell], Any]

FAILING, DECADES = "a fifth fails", "means over decades"
"""Errors for which no promise is made, and those that are not equal."""


def render(results: dict[str, Any]) -> str:
    """Return all tables as Markdown."""
    parts = [
        f"Every cell: {results['boards']:,} simulated boards; a share of 5 % then has a standard error of "
        f"{100 * (0.05 * 0.95 / results['boards']) ** 0.5:.1f} %.",
        promises(results),
        "### Somebody is separated on a board on which all are equal",
        "In brackets: with the groups by the leader that were used before (not computed where scores have a bound).",
        table(results["false_claims"], board, "scores", _claim),
        "### Rank intervals contain the true rank",
        "Per entrant; in brackets: of all entrants of a board together.",
        table(results["ranks"], board, _truth, lambda c: f"{c['each']:.1f} ({c['all']:.1f})"),
        "### Equivalence",
        "Some pair that differs by exactly the margin is called equivalent (in brackets: equal pairs that are found to "
        "be equivalent). The margin is in standard deviations over seeds.",
        table(
            results["equivalences"], board, lambda c: f"margin {c['margin']:g}",
            lambda c: f"{c['wrong']:.1f} ({c['right']:.0f})",
        ),
        "### Power: the share of true differences that is found",
        "This comparison / Bonferroni on paired t / the former groups, which are no fair rival: see how often they "
        "separate equals. Differences in standard deviations over seeds.",
        table(
            results["power"], lambda c: (*board(c), f"{c['spread']:g}"), "truth",
            lambda c: f"{c['moderated']:.0f} / {c['bonferroni']:.0f} / {c['groups']:.0f}",
            heads=("entrants", "seeds", "spread"),
        ),
        "### Errors that lie orders of magnitude apart",
        "Compared by their ratios / by their differences. First: somebody is separated on a board on which all are "
        "equal. Last column: pairs that are told apart where geometric means have a standard deviation of one decade, "
        "and logarithms of the seeds one of 0.3.",
        table([c for c in results["errors"] if c["errors"] != FAILING], board, "errors", _ratios),
        "### `benchmark compare --decide`: errors, however often it looks",
        "Equal entrants are told apart / a difference of the margin is called equivalent; in brackets: a difference of "
        "3 standard deviations is found, and with how many seeds on average. Boards of 10 and 28 entrants have at most "
        "10 seeds here.",
        table(results["sequential"], run, "scores", _sequential, heads=("entrants", "largest number of seeds")),
        "### Curves that are flat, and called not trained long enough to say",
        "In percent of curves of ten validations about a constant, each the mean of three seeds. The margin is in "
        "standard deviations of the noise of that mean; noise is correlated between neighbouring validations as the "
        "column says. No error is promised here: the rule errs on the side of not ranking.",
        table(
            results["flat_curves"], lambda c: (f"{c['margin']:g}",), lambda c: f"correlation {c['correlation']:g}",
            lambda c: f"{c['percent']:.1f}", heads=("margin",),
        ),
        "### Where the promises do not hold",
        "A lottery: every seed scores 1 or chance, with equal probability; seeds that all won then look exact. Where "
        "entrants solve a task at some seeds only, read the number of solved seeds and its interval.",
        table(results["lottery"], board, "scores", _claim),
        "Entrants that are not equivalent, and called so within a margin of 0.05, in percent: one always scores 1, and "
        "the seeds of the other score 1 with probability p, else about 0.5. Some such pair of a board is called "
        "equivalent (in brackets: of all such pairs); half of the entrants always score 1. Seeds that all won look "
        "exact, so *equivalent* means only that no seed failed: read the number of solved seeds and its interval.",
        table(
            results["players"], board, lambda c: f"p = {c['wins']:g}", lambda c: f"{c['some']:.1f} ({c['each']:.1f})"
        ),
        "Errors that are a hundred times as large for one seed in five, by ratios / by differences: another lottery, "
        "whose losers stand out more among ratios.",
        table([c for c in results["errors"] if c["errors"] == FAILING], board, "errors", _ratios),
        "`--decide` where noise has a long tail to one side in one entrant only, errors as above. Look at the single "
        "scores before you believe an early answer about an entrant that once failed.",
        table(results["one_skewed"], run, "scores", _sequential, heads=("entrants", "largest number of seeds")),
    ]  # fmt: skip
    return "\n\n".join(parts)


def promises(results: dict[str, Any]) -> str:
    """Return what must hold, beside what the simulation gives."""
    wrong = [cell["percent"] for cell in results["false_claims"]]
    decide = [max(cell["told_apart"], cell["equivalent"]) for cell in results["sequential"]]
    rows = [
        ("family-wise error, average over cells", "at most 5 %", sum(wrong) / len(wrong)),
        ("family-wise error, worst cell", "at most 7 %", max(wrong)),
        ("the same where errors are compared by ratios, worst cell", "at most 7 %",
         max(cell["ratios"] for cell in results["errors"] if cell["errors"] not in (FAILING, DECADES))),
        ("rank intervals contain the rank of an entrant, worst cell", "at least 95 %",
         min(cell["each"] for cell in results["ranks"])),
        ("equivalence claimed wrongly, worst cell, for normal noise", "at most 5 %",
         max(c["wrong"] for c in results["equivalences"])),
        ("`compare --decide` wrong, average over cells", "at most 5 %", sum(decide) / len(decide)),
        ("`compare --decide` wrong, worst cell", "at most 5 %", max(decide)),
    ]  # fmt: skip
    return markdown(("promise", "must hold", "simulated"), [(a, b, f"{c:.1f} %") for a, b, c in rows])


def table(
    cells: Sequence[Cell], row: Key, column: str | Key, text: Callable[[Cell], str],
    heads: Sequence[str] = ("entrants", "seeds"),
) -> str:  # fmt: skip
    """Return cells as a table: one line for each value of `row`, one column for each of `column`."""
    key: Key = column if callable(column) else lambda cell: cell[column]
    columns = list(dict.fromkeys(key(cell) for cell in cells))
    texts = {(row(cell), key(cell)): text(cell) for cell in cells}
    lines = list(dict.fromkeys(row(cell) for cell in cells))
    return markdown([*heads, *columns], [(*line, *(texts[line, name] for name in columns)) for line in lines])


def board(cell: Cell) -> tuple[int, int | str]:
    """Return the size of a board: entrants and seeds, or how seeds are added."""
    return cell["entrants"], cell["seeds"]


def run(cell: Cell) -> tuple[int, int]:
    """Return the size of a sequential comparison: entrants and the largest number of seeds."""
    return cell["entrants"], cell["max_seeds"]


def _claim(cell: Cell) -> str:
    former = f" ({cell['groups']:.0f})" if "groups" in cell else ""
    return f"{cell['percent']:.1f} ± {cell['error']:.1f}{former}"


def _ratios(cell: Cell) -> str:
    digits = 0 if cell["errors"] == DECADES else 1
    return f"{cell['ratios']:.{digits}f} / {cell['differences']:.{digits}f}"


def _truth(cell: Cell) -> str:
    return cell["truth"] + (f", sd spread {cell['spread']:g}" if cell["spread"] else "")


def _sequential(cell: Cell) -> str:
    errors = f"{cell['told_apart']:.1f} / {cell['equivalent']:.1f}"
    return f"{errors} ({cell['finds_3']:.0f} %, {cell['seeds_for_3']:.1f})"
