"""The nets that are trained on long lags, how to find their records, and what is read from these."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import archbench
from archbench_studies._reductions import Seeds, decay, of_readings

CHANCE = 1 / 6
"""Error of the best constant on the adding problem, the variance of a sum of two uniform numbers."""


@dataclass(frozen=True, slots=True)
class Net:
    """An entrant on long lags.

    Args:
        name: short, as numbers are named after it.
        label: in legends and sentences.
        selector: as users type it.
        architecture: declared name.
        options: those that tell it from the other entrants of its architecture, defaults included.
    """

    name: str
    label: str
    selector: str
    architecture: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def find(self, data: archbench.StudyData) -> archbench.StudyData:
        """Return its records."""
        return data.where(self.architecture, **self.options)

    def at(self, data: archbench.StudyData, length: int, tested: int = 0) -> archbench.StudyData:
        """Return its records on the adding problem.

        Args:
            data: of any study that trains it.
            length: steps of the sequences, T.
            tested: steps of the test sequences, if they have another length.
        """
        return self.find(data).where(task="adding", task_length=length, task_test_length=tested)


RNN = Net("rnn", "tanh RNN", "rnn", "rnn", {"nonlinearity": "tanh", "width": 128})
IRNN = Net("irnn", "identity RNN", "irnn", "rnn", {"nonlinearity": "relu", "initialisation": "identity"})
LSTM = Net("lstm", "LSTM", "lstm", "lstm", {"forget_bias": 1.0})
LSTM_LOW = Net("lstm-forgets", "LSTM (forget bias -1)", "lstm[forget_bias=-1]", "lstm", {"forget_bias": -1.0})
LSTM_CLOSED = Net("lstm-closed", "LSTM (forget bias -3)", "lstm[forget_bias=-3]", "lstm", {"forget_bias": -3.0})
LSTM_HIGH = Net("lstm-remembers", "LSTM (forget bias 3)", "lstm[forget_bias=3]", "lstm", {"forget_bias": 3.0})
VANILLA = Net("vanilla", "LSTM (peepholes)", "lstm-greff", "lstm-greff", {
    "without": "nothing", "coupled": False, "gate_recurrence": False, "start": "ones",
})  # fmt: skip
CHRONO = Net("chrono", "LSTM (peepholes, chrono start)", "lstm-greff[start=chrono]", "lstm-greff", {"start": "chrono"})
LSTM_1997 = Net("lstm-1997", "LSTM of 1997", "lstm-1997", "lstm-1997")
GRU = Net("gru", "GRU", "gru", "gru")
MIN_GRU = Net("min-gru", "minGRU", "min-gru", "min-gru")
RECURRENT_HIGHWAY = Net("recurrent-highway", "recurrent highway", "recurrent-highway", "recurrent-highway")
TCN = Net("tcn", "TCN", "tcn", "tcn")
TRANSFORMER = Net("transformer", "transformer", "transformer", "transformer")


def errors(data: archbench.StudyData) -> dict[int, float]:
    """Return the test error of each seed as a share of that of the best constant.

    A seed that diverged has the error of the constant, 1, and one with a higher error as well: a net that learned
    nothing is as bad as the constant, however far it is off.
    """
    diverged = {record.trial.seed: 1.0 for record in data.records if record.status == "diverged"}
    found = {seed: score / CHANCE for seed, score in data.scores.items()}
    return {seed: min(error, 1.0) if math.isfinite(error) else 1.0 for seed, error in (diverged | found).items()}


def steps_to_solve(data: archbench.StudyData) -> dict[int, float]:
    """Return the optimiser steps after which each seed reached the target of its task.

    Censored: a seed that did not reach it, or diverged, has all steps of the budget.
    """
    found = {}
    for record in data.records:
        budget = record.trial.steps(record.task_facts.kind, examples=0)  # budgets in steps ask for no examples
        solved = record.training.steps_to_target if record.status == "ok" and record.training else None
        if record.status in ("ok", "diverged") and budget:
            found[record.trial.seed] = float(solved or budget)
    return found


def solves(data: archbench.StudyData) -> dict[int, float]:
    """Return 1 for each seed that reached the target of its task, 0 for each that did not or diverged."""
    ended = [record for record in data.records if record.status in ("ok", "diverged")]
    return {r.trial.seed: float(r.status == "ok" and bool(r.training and r.training.steps_to_target)) for r in ended}


def solves_at(length: int, net: Net, data: archbench.StudyData) -> dict[int, float]:
    """Return 1 for each seed with which a net solves a length, else 0."""
    return solves(net.at(data, length))


def solves_alone(length: int, better: Net, worse: Net, data: archbench.StudyData) -> dict[int, float]:
    """Return 1 for each seed with which the better net solves a length and the worse one does not, else 0."""
    able, unable = (solves(net.at(data, length)) for net in (better, worse))
    return {seed: float(able[seed] > unable[seed]) for seed in sorted(able.keys() & unable.keys())}


def solves_too(length: int, net: Net, reference: Net, data: archbench.StudyData) -> dict[int, float]:
    """Return 1 for each seed with which a net solves a length, else 0, of the seeds with which the reference does.

    A seed with which even the reference fails says nothing of the net; a claim is then undecided.
    """
    able = solves(net.at(data, length))
    return {
        seed: able[seed] for seed, reached in solves(reference.at(data, length)).items() if reached and seed in able
    }


def fails_beside(length: int, net: Net, reference: Net, data: archbench.StudyData) -> dict[int, float]:
    """Return 1 for each seed with which a net does not solve a length, of the seeds with which the reference does."""
    return {seed: 1 - able for seed, able in solves_too(length, net, reference, data).items()}


def speed(length: int, faster: Net, slower: Net, data: archbench.StudyData) -> dict[int, float]:
    """Return the log2 of the steps to solve of the slower net over those of the faster one, seed by seed."""
    slow, fast = (steps_to_solve(net.at(data, length)) for net in (slower, faster))
    return {seed: math.log2(slow[seed] / fast[seed]) for seed in sorted(slow.keys() & fast.keys())}


SPEED_NOTE = "A seed that does not solve the task counts with all steps of its budget."
"""What a reader has to know of `speed`."""


def solved(data: archbench.StudyData) -> tuple[int, int]:
    """Return how many seeds reached the target of their task, and how many there are, diverged ones included."""
    reached = solves(data)
    return int(sum(reached.values())), len(reached)


def longest_solved(net: Net, data: archbench.StudyData, lengths: tuple[int, ...]) -> int | None:
    """Return the longest length that more than half of the seeds of a net solve, as they do all shorter ones.

    0 if they do not solve the shortest; None if there are no records of it at the first length.
    """
    longest = None
    for length in lengths:
        some, total = solved(net.at(data, length))
        if not total:
            continue
        if 2 * some <= total:
            return longest or 0
        longest = length
    return longest


def kept_over(steps: int, data: archbench.StudyData, *, first: bool = False) -> dict[int, float]:
    """Return the decades that the gradient gains on its way back over so many time steps: below 0 it vanishes.

    The line of least squares through the logarithm of the gradient against the lag, for each seed.

    Args:
        steps: how many.
        data: of one net on one task.
        first: before the first step of training instead of after the last.
    """
    slopes = of_readings(data.readings("time-gradient", first=first), decay)
    return {seed: steps * slope for seed, slope in slopes.items()}


def middle(values: Seeds) -> float:
    """Return the median over the seeds; NaN if there are none."""
    return statistics.median(values.values()) if values else math.nan
