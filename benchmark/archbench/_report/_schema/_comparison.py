"""The comparison of all entrants of a board at once, and the parts that boards and rows of both kinds share."""

from __future__ import annotations

import msgspec


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """The differences or ratios between all pairs of some entrants; all their intervals hold at once.

    Args:
        entrants: ids of the entrants, in the order of the rows.
        means: the value of each. The difference of a pair is the difference of two of these; their ratio the ratio.
        half_widths: of the entrant in this place against each of those before it, half the width of the interval of
            their difference, in the same unit; where ratios are compared, the factor by which the interval of their
            ratio reaches to both sides: from ratio / factor to ratio * factor. Empty where nothing can be told apart.
    """

    entrants: list[str]
    means: list[float]
    half_widths: list[list[float]]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Every pair of ranked entrants of a board, compared at once; all that it says holds with 95 % confidence.

    Two entrants that both solve the task with every seed are compared by their steps to solve it, all others by their
    scores. These are compared by their differences, or where `factor` is given by their ratios: then the means are
    geometric, and an error that is smaller than the target of the task counts as the target, or without a target one
    smaller than a millionth of chance as that.

    Args:
        pairs: number of pairs of ranked entrants.
        told_apart: how many of these pairs have a better entrant: the interval of their difference excludes 0, and does
            not lie within the margin; or that of their ratio excludes 1, and does not lie within the factor.
        equivalent: how many of them lie within the margin, with the whole interval of their difference; or within the
            factor.
        margin: the smallest difference worth a decision, in the unit of the scores; None if there is none.
        factor: the smallest ratio worth a decision, where ratios are compared; else None.
        reason: why nothing could be compared; empty where something was.
        scores: of all ranked entrants, in the unit of the metric, or normalised in a board over tasks.
        steps: of those that solve the task with every seed, their steps to solve it; None where fewer than two do.
    """

    pairs: int
    told_apart: int
    equivalent: int
    margin: float | None
    factor: float | None
    reason: str
    scores: Differences
    steps: Differences | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The place of an entrant on a board.

    The lists, `could_be_best` and `rank_interval` hold for all entrants of the board at once, with 95 % confidence.

    Args:
        entrant: id of the entrant.
        rank: its place in the order of the board, from 1; None when it is not ranked. An order is no verdict:
            `rank_interval` says which ranks are possible.
        tied: it shares its rank with another entrant.
        unfinished: validation was still improving when training ended, on the task or on any task of the board, so it
            is not ranked.
        could_be_best: no other ranked entrant is certainly better; None when it is not ranked.
        rank_interval: the lowest and the highest rank that it can have: 1 more than there are entrants that are
            certainly better, and the number of entrants less those that are certainly worse; None when it is not
            ranked.
        better_than: ids of the entrants that it is certainly better than.
        worse_than: ids of the entrants that are certainly better.
        equivalent_to: ids of the entrants from which it differs by less than the margin, or the factor. Of all others
            it is undecided.
    """

    entrant: str
    rank: int | None = None
    tied: bool = False
    unfinished: bool = False
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
