"""The result of a board in words. Every statement is one that the comparison of all pairs at once covers."""

from __future__ import annotations

from collections.abc import Sequence

from archbench._report._context import Context
from archbench._report._schema import Comparison, OverRow, ProtocolEntry, TaskRow
from archbench._report._text import UNFINISHED
from archbench._statistics import MIN_SEEDS

MOST_NAMES = 6
"""More entrants than this are counted in a sentence and not named; the table shows which they are."""

_Unbeaten = tuple[str, int]
"""The label of an entrant that nobody is better than, and the number of entrants that it is better than."""


def verdict(
    where: str,
    rows: Sequence[TaskRow] | Sequence[OverRow],
    comparison: Comparison,
    seeds: int,
    context: Context,
    margin: str = "",
) -> str:
    """Return which entrants could be the best, and how many pairs are told apart.

    Args:
        where: the task, or the tasks, in words.
        rows: all rows of the board.
        comparison: every pair of the ranked ones.
        seeds: number of seeds that each of these has.
        context: the labels of the entrants.
        margin: the margin in words, such as `0.01 accuracy`; empty if there is none.
    """
    ranked = [row for row in rows if row.rank is not None]
    left = [row for row in rows if row.rank is None and context.current(row.entrant)]
    if not ranked:
        return _nobody(where, rows, left)
    best = [(context.label(row.entrant), len(row.better_than)) for row in ranked if row.could_be_best]
    said = _say(where, best, comparison, seeds, margin, everyone=not left)
    return f"{said} {_left_out(len(left), sum(row.unfinished for row in left))}" if left else said


def no_verdict(where: str, protocol: ProtocolEntry) -> str:
    """Return that the scores of a board mean nothing."""
    return f"Scores of the {protocol.label} protocol mean nothing, so nobody is ranked on {where}."


def _nobody(where: str, rows: Sequence[TaskRow | OverRow], left: Sequence[TaskRow | OverRow]) -> str:
    """Return why nobody is ranked; only where trials are still to be run, with the hope that somebody will be.

    Args:
        where: as of `verdict`.
        rows: all rows of the board.
        left: those of entrants that are not superseded.
    """
    if not rows:
        return f"No entrant takes {where}, so nobody is ranked."
    if not left:
        return f"Every entrant tried on {where} is superseded, so nobody is ranked."
    if any(_states(row) <= {"complete", "not run"} and not row.unfinished for row in left):
        return f"Nobody is ranked on {where} yet, as trials are still to be run."
    if all(row.unfinished for row in left):
        who = "the only entrant was" if len(left) == 1 else f"{_all(len(left)).lower()} entrants were"
        return f"Nobody is ranked on {where}: {who} {UNFINISHED}."
    if not any(isinstance(row, OverRow) or "ok" in row.counts for row in rows):
        return f"No trial on {where} ended ok, so nobody is ranked."
    long_enough = " and was trained long enough" if any(row.unfinished for row in left) else ""
    return f"Nobody is ranked on {where}: no entrant has a score that counts with every seed{long_enough}."


def _states(row: TaskRow | OverRow) -> set[str]:
    """Return the states of an entrant on the tasks of a board; none if no task of the board counts yet."""
    return {row.state} if isinstance(row, TaskRow) else {cell.state for cell in row.cells}


def _left_out(number: int, unfinished: int) -> str:
    """Return how many entrants are not ranked, and for how many of them that is because of their training."""
    if number == unfinished:
        who = "One entrant was" if number == 1 else f"{number} entrants were"
        return f"{who} {UNFINISHED} and {'is' if number == 1 else 'are'} not ranked."
    since = f", {unfinished} of them since {'it was' if unfinished == 1 else 'they were'} {UNFINISHED}"
    who = "One entrant is" if number == 1 else f"{number} entrants are"
    return f"{who} not ranked{since if unfinished else ''}."


def _say(
    where: str, best: Sequence[_Unbeaten], comparison: Comparison, seeds: int, margin: str, *, everyone: bool
) -> str:
    """Return what the comparison of the ranked entrants allows to say.

    Args:
        where, comparison, seeds, margin: as of `verdict`.
        best: the ranked entrants that nobody is better than.
        everyone: everyone is ranked; False if some are not.
    """
    ranked = len(comparison.scores.entrants)
    if ranked == 1:
        return f"{best[0][0]} is the only ranked entrant on {where}, so there is nothing to compare."
    if seeds < MIN_SEEDS:
        number = "one seed" if seeds == 1 else f"{seeds} seeds"
        return f"With {number} nothing can be told apart on {where}; {MIN_SEEDS} or more are needed."
    who = "entrants" if everyone else "ranked entrants"
    if comparison.reason and not comparison.told_apart:
        return f"{_all(ranked)} {who} have the same score on {where} with every seed."
    return f"{_leaders(where, best, ranked, who)}; {_resolution(comparison, margin)}."


def _leaders(where: str, best: Sequence[_Unbeaten], ranked: int, who: str) -> str:
    """Return who could be the best of so many entrants, who are called `who`.

    Who alone is worse than nobody need not be better than everybody where some pairs are compared by steps and others
    by scores: sooner than one, which is better than a third, does not say how it stands against the third.
    """
    if not best:
        return f"{_all(ranked)} {who} on {where} are worse than another one, by steps to solve it or by scores"
    if len(best) == 1:
        ((name, beaten),) = best
        if beaten < ranked - 1:
            return f"Only {name} of the {ranked} {who} could be the best on {where}, but is not better than all others"
        if who != "entrants":
            return f"{name} is the best of the {ranked} {who} on {where}"
        others = "the other entrant" if ranked == 2 else f"all {ranked - 1} other entrants"
        return f"{name} is the best on {where}, better than {others}"
    named = f": {', '.join(name for name, _ in best)}" if len(best) <= MOST_NAMES else ""
    if len(best) == ranked:
        return f"{_all(ranked)} {who} could be the best on {where}{named}"
    number = f"{len(best)} entrants" if named and who == "entrants" else f"{len(best)} of {ranked} {who}"
    return f"{number} could be the best on {where}{named}"


def _all(number: int) -> str:
    """Return how all of two or more are called: `Both`, or `All 3`."""
    return "Both" if number == 2 else f"All {number}"


def _resolution(comparison: Comparison, margin: str) -> str:
    """Return how many pairs are told apart, and how many are equivalent if there is a margin."""
    apart = f"{comparison.told_apart} of {comparison.pairs} pairs can be told apart"
    if not margin:
        return apart
    number = comparison.equivalent or "none"
    return f"{apart}, {number} {'is' if number == 1 else 'are'} equivalent within {margin}"
