"""Entrants that solve a task with every seed: how soon they do decides between them, and not how small an error is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archbench._statistics._comparison import LEVEL, Booleans, Comparison, compare_all, step_of
from archbench._statistics._equivalence import answers as answers_of
from archbench._statistics._ranges import Floats
from archbench._statistics._scale import Scale

Answers = npt.NDArray[np.str_]


class Steps(NamedTuple):
    """Steps until the target of a task was reached.

    Args:
        taken: shape (entrants, seeds); of a seed that did not reach it, the whole budget.
        solved: which seeds reached it, shape (entrants, seeds).
    """

    taken: Floats
    solved: Booleans

    @property
    def solvers(self) -> npt.NDArray[np.intp]:
        """Positions of the entrants that solve the task with every seed."""
        return np.flatnonzero(self.solved.all(axis=1))

    @property
    def step(self) -> float:
        """Smallest difference that more or fewer steps of a solver can make.

        Steps are seen at validations, and counted from 0: what is least between two of them, 0 included, is at least
        the steps from one validation to the next. Else two that take other steps, each the same with every seed, would
        be measured by their own difference.
        """
        return step_of(np.append(self.taken[self.solvers], 0.0), None)

    def until(self, seeds: int) -> Steps:
        """Return the steps of the first seeds."""
        return Steps(self.taken[:, :seeds], self.solved[:, :seeds])


@dataclass(frozen=True, eq=False, kw_only=True)
class Judgement:
    """The answers about all pairs of entrants on a task.

    Args:
        answers: as of `answers`, shape (K, K).
        by_steps: pairs that were compared by their steps to solve, the others by their scores; shape (K, K).
        half_widths: half the width of the interval of what a pair was compared by, shape (K, K).
        scores: the comparison of the scores.
        steps: the comparison of the steps of `solvers`, fewer being better; None where fewer than two solve the task.
        solvers: positions of the entrants that solve the task with every seed, if the task has a target.
        level: probability that all intervals of one of the two comparisons hold.
    """

    answers: Answers
    by_steps: Booleans
    half_widths: Floats
    scores: Comparison
    steps: Comparison | None
    solvers: npt.NDArray[np.intp]
    level: float


def judge(scores: npt.ArrayLike, *, scale: Scale, paired: bool, steps: Steps | None = None) -> Judgement:
    """Return the answers about all pairs: by steps where both solve the task with every seed, else by scores.

    Args:
        scores: as of `compare_all`, on the scale.
        scale: how they are compared.
        paired: see `compare_all`.
        steps: steps to solve the task; None where it has no target. With them there are two comparisons, of scores and
            of steps, which share the error.
    """
    level = LEVEL if steps is None else (1 + LEVEL) / 2
    found = compare_all(
        scores, paired=paired, step=scale.step, margin=scale.threshold, example=scale.example, level=level
    )
    said, halves = answers_of(found, scale.threshold), found.half_widths
    by_steps, sooner, solvers = np.zeros(said.shape, dtype=np.bool_), None, np.array([], dtype=np.intp)
    if steps is not None and len(solvers := steps.solvers) > 1:
        sooner = compare_all(-steps.taken[solvers], paired=paired, step=steps.step, level=level)
        said, by_steps = prefer_steps(said, sooner.better, solvers)
        around = np.full(said.shape, np.nan)
        around[np.ix_(solvers, solvers)] = sooner.half_widths
        halves = np.where(by_steps, around, halves)
    return Judgement(
        answers=said, by_steps=by_steps, half_widths=halves, scores=found, steps=sooner, solvers=solvers, level=level
    )


def prefer_steps(said: Answers, sooner: Booleans, solvers: npt.NDArray[np.intp]) -> tuple[Answers, Booleans]:
    """Return answers in which steps decide between solvers, and which pairs they decide.

    Two that cannot be told apart by their steps stay equivalent if their scores are; else they are undecided, whatever
    their scores are.

    Args:
        said: the answers by scores, shape (K, K).
        sooner: the solver of the row certainly needs fewer steps than that of the column, shape (solvers, solvers).
        solvers: their positions among the K.
    """
    pairs = np.ix_(solvers, solvers)
    kept = np.where(said[pairs] == "equivalent", "equivalent", "undecided")
    answers, by_steps = said.copy(), np.zeros(said.shape, dtype=np.bool_)
    answers[pairs] = np.select([sooner, sooner.T], ["better", "worse"], default=kept)
    by_steps[pairs] = answers[pairs] != "equivalent"
    np.fill_diagonal(by_steps, val=False)
    return answers, by_steps
