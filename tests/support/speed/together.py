"""Seconds of the training of several seeds: as one batched network, and one after the other."""

from __future__ import annotations

from archbench._planning import PlannedTrial
from archbench._training._stack import NotTogetherError
from archbench._training._together import JointTraining
from support.speed.rows import Row, in_pairs, ratio
from support.speed.steps import prepared
from support.speed.trials import plan

SEEDS = 10
WORK = {("mlp", "digits"): 300, ("rnn", "adding"): 60, ("lstm", "adding"): 60, ("gru", "adding"): 60}
"""Steps of a measurement for each network and task."""


def together(trials: list[PlannedTrial]) -> float:
    """Return the seconds of all steps of some seeds as one batched network."""
    runs = [prepared(trial) for trial in trials]
    JointTraining(runs).carry_out()
    return sum(sum(run.module.seconds) for run in runs)  # each has its share


def alone(trials: list[PlannedTrial]) -> float:
    """Return the seconds of all steps of some seeds one after the other, from those of the first."""
    run = prepared(trials[0])
    run.train()
    return len(trials) * sum(run.module.seconds)


def gain(architecture: str, task: str, count: int, seeds: int = SEEDS) -> Row:
    """Return the row of the seconds of seeds one after the other over those together."""
    trials = plan(architecture, task, seeds=seeds, steps=WORK[architecture, task])
    pairs = in_pairs(lambda: alone(trials), lambda: together(trials), count, warm_up=1)
    name = f"{seeds} seeds of {architecture} on {task} one after the other over together"
    return ratio(name, pairs, at_least=1.5)


def is_chosen(architecture: str, task: str, seeds: int = SEEDS) -> bool:
    """Return whether a run trains these seeds together: it does if its probe finds them faster so."""
    trials = plan(architecture, task, seeds=seeds, steps=WORK[architecture, task])
    try:
        JointTraining([prepared(trial) for trial in trials]).probe()
    except NotTogetherError:
        return False
    return True
