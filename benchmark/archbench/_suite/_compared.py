"""Which of some entrants is better: the results of `benchmark compare`, as plain data."""

from __future__ import annotations

from typing import Literal

import msgspec

Answer = Literal["better", "worse", "equivalent", "undecided"]


class PairComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two entrants.

    Args:
        first, second: their labels.
        by: what they are compared by: their scores; or if both solve the task with every seed, their steps to solve it.
        difference: by how much the first is better on average, in the unit of the scores, or by how many steps it is
            sooner; negative if it is worse. Where errors are compared by their ratio, it is the natural logarithm of
            how many times as large the error of the second is.
        low, high: bounds of the simultaneous 95% interval of the difference; None if there is none.
        ratio: the error of the first over that of the second, where errors are compared by their ratio; else None.
        ratio_low, ratio_high: bounds of the same interval for the ratio.
        answer: `better`, `worse`, `equivalent` or `undecided`, of the first against the second.
        decided_at: number of seeds at which a sequential rule gave the answer; None without such a rule or answer.
        seeds_needed: seeds with which a sequential rule (`decide`) would decide it every other time, if what was seen
            is the truth; None if it is decided, or would need too many.
    """

    first: str
    second: str
    difference: float | None
    low: float | None
    high: float | None
    answer: Answer
    by: Literal["scores", "steps"] = "scores"
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    decided_at: int | None = None
    seeds_needed: int | None = None


class Solved(msgspec.Struct, frozen=True, kw_only=True):
    """Seeds of an entrant that reached the target of the task on validation.

    Args:
        seeds: number of seeds that did.
        of: number of seeds that did or did not. One that diverged did not; one that failed otherwise, or ran out of
            time, says nothing of it and is left out.
        low, high: exact 95% interval of the probability that a seed does.
        steps: mean number of steps until then, where a seed that did not counts with the whole budget; None if the
            budget was a time.
    """

    seeds: int
    of: int
    low: float
    high: float
    steps: float | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All pairs of entrants on one task, or over several.

    Args:
        task: label of the task; empty for the mean of the normalised scores of all tasks.
        metric: what was measured.
        higher_is_better: direction of the metric. Differences are turned so that the better one has the larger value.
        margin: smallest difference that matters; 0 if none was declared.
        factor: smallest ratio of two errors that matters; None where differences are compared and not ratios.
        floor: smallest error that counts where ratios are compared: a smaller one counts as it; else None.
        paired: all entrants saw the same data at the same seed.
        seeds: number of seeds; with a sequential rule, those until the last pair was decided.
        means: mean score of each entrant by its label, the geometric one where ratios are compared; None where a seed
            has no score.
        pairs: one for each pair.
        missing: entrants that are not compared, with the reason.
        solved: how many seeds of each entrant solved the task; empty where it has no target, and over tasks.
        alike: the entrants whose seeds all have the same score, with the largest share of other seeds that may have
            another one: the bound of the exact 95% interval.
        unfinished: entrants that were still improving when training ended, so that the answer is about this budget
            only; the page does not rank them.
        reason: why nothing was compared; empty where something was.
    """

    task: str
    metric: str
    higher_is_better: bool
    margin: float
    factor: float | None
    floor: float | None
    paired: bool
    seeds: int
    means: dict[str, float | None]
    pairs: tuple[PairComparison, ...]
    missing: dict[str, str]
    solved: dict[str, Solved] = {}
    alike: dict[str, float] = {}
    unfinished: tuple[str, ...] = ()
    reason: str = ""

    @property
    def decided(self) -> bool:
        """Every pair has an answer."""
        return all(pair.answer != "undecided" for pair in self.pairs)

    @property
    def open(self) -> tuple[PairComparison, ...]:
        """The undecided pairs that more seeds may decide: those of entrants of which no seed is missing."""
        return tuple(p for p in self.pairs if p.answer == "undecided" and not {p.first, p.second} & self.missing.keys())
