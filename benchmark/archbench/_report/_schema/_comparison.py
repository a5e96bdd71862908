"""The comparison of all entrants of a board at once, and the parts that boards and rows of both kinds share."""

from __future__ import annotations

import msgspec


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Every pair of ranked entrants, compared at once: all its intervals hold together with 95 % confidence.

    Args:
        pairs: number of pairs of ranked entrants.
        told_apart: how many of these pairs have a better entrant, since the interval of their difference excludes 0.
        equivalent: how many other pairs lie within the margin, with the whole interval of their difference.
        margin: the smallest difference worth a decision, on the scale of the means; None if there is none.
        entrants: ids of the ranked entrants, in the order of the rows.
        means: the score of each, in the unit of the metric, or normalised in a board over tasks; higher is better or
            lower is better, as on the task.
        half_widths: of the entrant in this place against each of those before it, half the width of the interval of
            their difference, in the same unit; all empty when there are too few seeds to tell anything apart.
    """

    pairs: int
    told_apart: int
    equivalent: int
    margin: float | None
    entrants: list[str]
    means: list[float]
    half_widths: list[list[float]]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The place of an entrant on a board.

    What the lists say holds for all entrants of the board at once, with 95 % confidence.

    Args:
        entrant: id of the entrant.
        rank: its place in the order of the board, from 1; None when it is not ranked. An order is no verdict:
            `rank_interval` says which ranks are possible.
        tied: it shares its rank with another entrant.
        could_be_best: no other entrant is certainly better; None when it is not ranked.
        rank_interval: the lowest and the highest rank that it can have: 1 more than there are entrants that are
            certainly better, and the number of entrants less those that are certainly worse; None when it is not
            ranked.
        better_than: ids of the entrants that it is certainly better than.
        worse_than: ids of the entrants that are certainly better.
        equivalent_to: ids of the entrants from which it differs by less than the margin. Of all others it is undecided.
    """

    entrant: str
    rank: int | None = None
    tied: bool = False
    could_be_best: bool | None = None
    rank_interval: tuple[int, int] | None = None
    better_than: list[str] = []
    worse_than: list[str] = []
    equivalent_to: list[str] = []


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """The results under one protocol, ranked.

    Args:
        id: the id of the protocol and that of the task, or the kind of tasks, joined by `-`.
        protocol: id of the protocol.
        paired: the records prove that all entrants saw the same data at the same seed.
        timings_comparable: all trials ran in one environment.
        verdict: the result in words; each of its statements is one that the comparison covers.
        comparison: every pair of ranked entrants.
    """

    id: str
    protocol: str
    paired: bool
    timings_comparable: bool
    verdict: str
    comparison: Comparison
