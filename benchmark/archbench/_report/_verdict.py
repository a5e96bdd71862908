"""The result of a board in words. Every statement is one that the comparison of all pairs at once covers."""

from __future__ import annotations

from collections.abc import Sequence

from archbench._report._schema import Comparison

MOST_NAMES = 6
"""More entrants than this are counted in a sentence and not named; the table shows which they are."""


def verdict(where: str, best: Sequence[str], comparison: Comparison, seeds: int, margin: str = "") -> str:
    """Return which entrants could be the best, and how many pairs are told apart.

    Args:
        where: the task, or the tasks, in words.
        best: labels of the ranked entrants that could be the best, in the order of the board.
        comparison: every pair of ranked entrants.
        seeds: number of seeds that each of them has.
        margin: the margin in words, such as `0.01 accuracy`; empty if there is none.
    """
    ranked = len(comparison.entrants)
    if not ranked:
        return "Nobody is ranked yet: no entrant has a complete set of results."
    if ranked == 1:
        return f"{best[0]} is the only ranked entrant on {where}, so there is nothing to compare."
    if not comparison.told_apart and not any(comparison.half_widths):
        number = "one seed" if seeds == 1 else f"{seeds} seeds"
        return f"With {number} nothing can be told apart on {where}; three or more are needed."
    return f"{_leaders(where, best, ranked)}; {_resolution(comparison, margin)}."


def _leaders(where: str, best: Sequence[str], ranked: int) -> str:
    if len(best) == 1:
        others = "the other entrant" if ranked == 2 else f"all {ranked - 1} other entrants"
        return f"{best[0]} is the best on {where}, better than {others}"
    named = f": {', '.join(best)}" if len(best) <= MOST_NAMES else ""
    if len(best) == ranked:
        return f"{'Both' if ranked == 2 else f'All {ranked}'} entrants could be the best on {where}{named}"
    return f"{len(best)}{'' if named else f' of {ranked}'} entrants could be the best on {where}{named}"


def _resolution(comparison: Comparison, margin: str) -> str:
    apart = f"{comparison.told_apart} of {comparison.pairs} pairs can be told apart"
    if not margin:
        return apart
    return f"{apart}, and {comparison.equivalent} are equivalent within {margin}"
