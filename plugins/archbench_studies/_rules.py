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

TIME = archbench.Protocol(
    name="in-time",
    summary="Recurrent nets on long lags, probed: trials of lag, gradient and gates",
    steps=archbench.equal_steps(600),  # of which `adding` takes 2.5 times as many
    batch_size=32,
    validations=15,
    seeds=5,
    tuning=archbench.Tuning(rates=(0.003, 0.01)),
    probes=archbench.Probes(measure=("time-gradient", "gate", "strength")),
    for_studies=True,
)

GRADIENT_TASK = "adding[length=100]"
"""The task on which the gradient is read in time."""

GRADIENT_NETS = ("rnn", "lstm")
"""The entrants whose gradient is read in time; the study `lag` trains them on that task under `TIME` too."""
