"""The comparison of all pairs of entrants of a board, and what each row may say because of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from archbench import _statistics
from archbench._report._schema import Comparison, Differences, Row
from archbench._report._statistics import Floats

_Row = TypeVar("_Row", bound=Row)
_Answers = npt.NDArray[np.str_]


class Measured(NamedTuple):
    """The results of some entrants, which are compared.

    Args:
        scores: shape (entrants, seeds), or (entrants, tasks, seeds) of normalised scores.
        paired: a seed is the same data for all entrants.
        higher_is_better: the direction of the scores.
        margin: the smallest difference worth a decision, in the unit of the scores; None if there is none.
        steps: of each entrant that solves the task with every seed, its steps to solve it, else None; None where the
            task has no target.
    """

    scores: Floats
    paired: bool
    higher_is_better: bool = True
    margin: float | None = None
    steps: Sequence[Sequence[int] | None] | None = None

    @property
    def level(self) -> float:
        """The level of each comparison; with a target there are two, of scores and of steps, which share the error."""
        return _statistics.LEVEL if self.steps is None else (1 + _statistics.LEVEL) / 2


def compare(rows: Sequence[_Row], measured: Measured) -> tuple[list[_Row], Comparison]:
    """Return the rows with what can be said of them, and the comparison of all their pairs.

    Two entrants that both solve the task with every seed are compared by their steps to solve it, all others by their
    scores.

    Args:
        rows: the ranked rows, in the order of the board.
        measured: their results, in the same order.
    """
    if not rows:
        return [], Comparison(pairs=0, told_apart=0, equivalent=0, margin=measured.margin, reason="", scores=_nothing())
    sign = 1.0 if measured.higher_is_better else -1.0
    found = _statistics.compare_all(
        sign * measured.scores, paired=measured.paired, margin=measured.margin, level=measured.level
    )
    answers = _statistics.answers(found, measured.margin or 0.0)
    np.fill_diagonal(answers, "")
    steps = _by_steps(rows, measured, answers)
    keys = [row.entrant for row in rows]
    means = measured.scores.reshape(len(rows), -1).mean(axis=1)
    return [_placed(row, answers[place], keys) for place, row in enumerate(rows)], Comparison(
        pairs=len(rows) * (len(rows) - 1) // 2,
        told_apart=int((answers == "better").sum()),
        equivalent=int((answers == "equivalent").sum()) // 2,
        margin=measured.margin,
        reason=found.reason,
        scores=_differences(keys, means, found),
        steps=steps,
    )


def _by_steps(rows: Sequence[Row], measured: Measured, answers: _Answers) -> Differences | None:
    """Replace the answers of pairs that both solve the task by those of their steps, and return these differences.

    Two that cannot be told apart by their steps stay equivalent if their scores are.
    """
    solvers = [place for place, taken in enumerate(measured.steps or []) if taken is not None]
    if len(solvers) < 2 or measured.steps is None:
        return None
    taken = np.array([measured.steps[place] for place in solvers], dtype=np.float64)
    found = _statistics.compare_all(-taken, paired=measured.paired, level=measured.level)
    pairs = np.ix_(solvers, solvers)
    otherwise = np.where(np.isin(answers[pairs], ("", "equivalent")), answers[pairs], "undecided")
    answers[pairs] = np.select([found.better, found.better.T], ["better", "worse"], default=otherwise)
    return _differences([rows[place].entrant for place in solvers], taken.mean(axis=1), found)


def _placed(row: _Row, answers: _Answers, keys: Sequence[str]) -> _Row:
    """Return a row with its relations to the others, and its rank interval by inversion of them."""
    better, worse, equivalent = (
        [key for key, said in zip(keys, answers, strict=True) if said == word]
        for word in ("better", "worse", "equivalent")
    )
    return replace(
        row,
        could_be_best=not worse,
        rank_interval=(1 + len(worse), len(keys) - len(better)),
        better_than=better,
        worse_than=worse,
        equivalent_to=equivalent,
    )


def _differences(keys: Sequence[str], means: Floats, found: _statistics.Comparison) -> Differences:
    """Return the means, and half the widths of the intervals of all differences; none where nothing was compared."""
    halves = [] if found.reason else found.half_widths.tolist()
    return Differences(
        entrants=list(keys),
        means=[float(mean) for mean in means],
        half_widths=[row[:place] for place, row in enumerate(halves)],
    )


def _nothing() -> Differences:
    return Differences(entrants=[], means=[], half_widths=[])
