"""The protocols that the studies share: studies whose parts have equal protocols share their trials.

Every entrant of a protocol has one grid of learning rates, tuned on validation, so both sides of a claim have the same.
"""

from __future__ import annotations

import archbench

_PROBES = archbench.Probes(
    measure=("gradient", "block-gradient", "rank", "activation", "correlation", "strength", "gate"),
)
_PROBES_AND_LESIONS = archbench.Probes(measure=(*_PROBES.measure, "lesion", "swap", "paths"))


def _in_depth(
    name: str, *, steps: int, seeds: int, rates: tuple[float, ...], probes: archbench.Probes
) -> archbench.Protocol:
    return archbench.Protocol(
        name=name,
        summary="Deep nets on images, probed: trials of depth, gradient, lesion and line",
        steps=archbench.equal_steps(steps),
        batch_size=32,
        validations=5,
        seeds=seeds,
        tuning=archbench.Tuning(rates=rates),
        probes=probes,
        for_studies=True,
    )


# Two rates a factor of ten apart: the lower one is that of plain nets, the higher one that of the others. Steps are as
# few as show the picture in pilot runs; twenty minutes on two cores must do for five studies.
DEPTH = _in_depth("in-depth", steps=200, seeds=5, rates=(0.001, 0.01), probes=_PROBES)
DEPTH_FEW_SEEDS = _in_depth("in-depth", steps=200, seeds=3, rates=(0.001, 0.01), probes=_PROBES)
LESION = _in_depth("in-depth-lesioned", steps=200, seeds=5, rates=(0.001, 0.01), probes=_PROBES_AND_LESIONS)
DEPTH_FULL = _in_depth("in-depth-full", steps=2_000, seeds=10, rates=(0.001, 0.003, 0.01), probes=_PROBES_AND_LESIONS)


def _in_time(seeds: int) -> archbench.Protocol:
    return archbench.Protocol(
        name="in-time",
        summary="Recurrent nets on long lags, probed: trials of lag, gradient and gates",
        steps=archbench.equal_steps(600),  # `adding` takes 2.5 times as many: an LSTM needs 900 at lag 100
        batch_size=32,
        validations=30,  # one in 50 steps of `adding`: steps to solve are read from them
        seeds=seeds,
        recipe=archbench.Recipe(
            optimizer="adamw",
            learning_rate=0.01,
            warmup=0.1,  # without it a tanh RNN does not even solve 10 steps
            milestones=(2 / 3,),  # constant first, so that the steps to solve hardly depend on the budget
            clip_norm=1.0,
        ),
        stop_at_target=True,
        # The identity RNN needs a low rate (arXiv:1504.00941, sec. 4), an LSTM a high one to solve lag 100 in time.
        tuning=archbench.Tuning(rates=(0.001, 0.01)),
        probes=archbench.Probes(measure=("time-gradient", "gate", "strength")),
        for_studies=True,
    )


TIME = _in_time(seeds=5)

TIME_FEW = _in_time(seeds=3)
"""Equal trials, where no claim needs five seeds."""

GRADIENT_TASK = "adding[length=100]"
"""The task on which the gradient is read in time."""

GRADIENT_NETS = ("rnn", "lstm")
"""The entrants whose gradient is read in time; the study `lag` trains them on that task under `TIME` too."""
