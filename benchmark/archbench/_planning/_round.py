"""Rounds: what a run can train now, given the records there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from archbench._planning._cell import PlannedTrial, Refusal
from archbench._planning._plan import by_seed
from archbench._planning._tuning import CellState


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a run.

    Args:
        trials: to be trained now, in order: tuning first, then the evaluation of the cells that need none any more.
        refused: trials of the evaluation that never will be trained, since no candidate of tuning finished.
    """

    trials: list[PlannedTrial]
    refused: list[tuple[PlannedTrial, Refusal]]


def next_round(states: Sequence[CellState], *, retry: bool, tried: Collection[str]) -> Round:
    """Return what can be trained now.

    Args:
        states: of all cells of the plan.
        retry: also trials that have a record which is not ok.
        tried: ids that this run has trained already; it trains none of them again.
    """
    tuning, evaluation, refused = [], [], []
    for state in states:
        waiting = [trial for trial in state.open_tuning(retry=retry) if trial.id not in tried]
        tuning += waiting
        if waiting or state.cell.refusal is not None:
            continue
        if state.refusal is None:
            evaluation.append([trial for trial in state.open_evaluation(retry=retry) if trial.id not in tried])
        else:
            settled = {*tried, *(trial.id for trial in state.blocked_evaluation())}
            refused += [(trial, state.refusal) for trial in state.trials if trial.id not in settled]
    return Round(tuning + by_seed(evaluation), refused)
