"""The protocols that the studies share: studies whose parts have equal protocols share their trials.

Every entrant of a protocol has one grid of learning rates, tuned on validation, so both sides of a claim have the same.
"""

from __future__ import annotations

import archbench

_GRADIENTS = archbench.Probes(
    measure=("rank", "strength", "activation", "gate", "gradient", "block-gradient", "correlation")
)
_LESIONS = archbench.Probes(measure=(*_GRADIENTS.measure, "lesion", "swap", "paths"))


def _in_depth(
    name: str,
    *,
    steps: int,
    probes: archbench.Probes,
    seeds: int = 5,
    rates: tuple[float, ...] = (0.001, 0.01),
) -> archbench.Protocol:
    return archbench.Protocol(
        name=name,
        summary="Deep nets on images, probed: trials of depth, gradient, lesion and line",
        steps=archbench.equal_steps(steps),
        batch_size=32,
        validations=5,
        seeds=seeds,
        # A factor of ten apart: deep plain nets need the lower one, all others learn more from the higher one.
        tuning=archbench.Tuning(rates=rates),
        probes=probes,
        for_studies=True,
    )


# Twenty minutes on two cores must do for five studies. So convolutional nets, which take eight seconds for 150 steps at
# 56 layers, get fewer steps than fully connected ones, and lesions, which cost as much again, are made to no more nets
# than the study of lesions reads. Nets that no claim compares have three seeds, which changes none of their trials.
DEPTH = _in_depth("convolutions", steps=150, probes=_GRADIENTS)
DEPTH_FEW = _in_depth("convolutions", steps=150, probes=_GRADIENTS, seeds=3)
LESION = _in_depth("convolutions-lesioned", steps=150, probes=_LESIONS)

DEPTH_ISOMETRIC = _in_depth("convolutions-isometric", steps=150, probes=_GRADIENTS, rates=(0.0005, 0.001, 0.01))
"""For nets that keep lengths only at the start: in pilot runs those of 56 layers wanted a lower rate than the grid of
the others has. Both depths of the claim about them have it."""

_DENSE = archbench.Probes(measure=(*_GRADIENTS.measure, "reuse"), at=(0.0, 0.5, 1.0))
DEPTH_DENSE = _in_depth("convolutions-dense", steps=150, probes=_DENSE)
DEPTH_DENSE_FEW = _in_depth("convolutions-dense", steps=150, probes=_DENSE, seeds=3)

LAYERS = _in_depth("layers", steps=200, probes=_GRADIENTS)
LAYERS_FEW = _in_depth("layers", steps=200, probes=_GRADIENTS, seeds=3)
LAYERS_LESION = _in_depth("layers-lesioned", steps=200, probes=_LESIONS)

_ALL = archbench.Probes(measure=(*_LESIONS.measure, "reuse"))
DEPTH_FULL = _in_depth("depth-full", steps=2_000, probes=_ALL, seeds=10, rates=(0.0005, 0.001, 0.003, 0.01))
"""For GPUs: every net has every probe."""


def _in_time(
    seeds: int, *, name: str = "in-time", steps: int = 480, rates: tuple[float, ...] = (0.001, 0.01)
) -> archbench.Protocol:
    return archbench.Protocol(
        name=name,
        summary="Recurrent nets on long lags, probed: trials of lag, gradient, line and gates",
        steps=archbench.equal_steps(steps),  # `adding` takes 2.5 times as many: an LSTM needs 900 at lag 100
        batch_size=32,
        validations=24,  # one in 50 steps of `adding`: steps to solve are read from them
        seeds=seeds,
        recipe=archbench.Recipe(
            optimizer="adamw",
            learning_rate=0.01,
            warmup=0.125,  # without it a tanh RNN at 0.01 does not learn even 10 steps
            milestones=(5 / 6,),  # constant for the first 1,000 steps, in which those that solve `adding` do so
            clip_norm=1.0,
        ),
        stop_at_target=True,
        # The identity RNN needs a low rate (arXiv:1504.00941, sec. 4), an LSTM a high one to solve lag 100 in time.
        tuning=archbench.Tuning(rates=rates),
        probes=archbench.Probes(measure=("time-gradient", "gate", "strength")),
        for_studies=True,
    )


TIME = _in_time(seeds=5)

TIME_FEW = _in_time(seeds=3)
"""Equal trials, where no claim needs five seeds."""

TIME_MANY = _in_time(seeds=12)
"""Equal trials, where claims ask for the share of seeds that solve a task: with 12 seeds that agree, the exact interval
of a share excludes one half, at the level that holds for all built-in claims together."""

TIME_FULL = _in_time(seeds=12, name="in-time-full", steps=4_000, rates=(0.001, 0.003, 0.01))

GRADIENT_LENGTH = 50
"""Steps of the task on which the gradient is read in time; the study `lag` trains both nets on it, too."""

GRADIENT_TASK = f"adding[length={GRADIENT_LENGTH}]"
GRADIENT_NETS = ("rnn", "lstm")
"""The entrants whose gradient is read in time."""
