"""The result of a board in one sentence."""

from __future__ import annotations

from collections.abc import Sequence


def verdict(ranked: Sequence[tuple[str, int | None, int | None]], seeds: int) -> str:
    """Return the result of a board in one sentence.

    Args:
        ranked: label, rank and tie group of each ranked entrant, the best first.
        seeds: number of seeds that each of them has.
    """
    if not ranked:
        return "Nobody is ranked yet: no entrant has a complete set of results."
    best = [label for label, rank, _ in ranked if rank == 1]
    if len(ranked) == 1:
        return f"{best[0]} is the only entrant with a complete set of results."
    lead = f"{_join(best)} {'has' if len(best) == 1 else 'share'} the best mean"
    if ranked[0][2] is None:
        few = f"{seeds} seed{'' if seeds == 1 else 's'}"
        return f"{lead}, but {few} cannot separate entrants; three or more are needed."
    close = [label for label, rank, group in ranked if group == 1 and rank != 1]
    if close:
        them = "it" if len(best) == 1 else "them"
        return f"{lead}; {_join(close)} cannot be told apart from {them} with these seeds."
    if len(best) == len(ranked):
        return f"{lead}."
    return f"{best[0]} leads, separated from all others." if len(best) == 1 else f"{lead}, separated from all others."


def _join(labels: Sequence[str]) -> str:
    if len(labels) > 3:
        return f"{', '.join(labels[:2])} and {len(labels) - 2} more"
    return " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))
