"""The claims that the study of the gradient decides, in depth; `lag` has those in time."""

from __future__ import annotations

import math
from functools import partial

import archbench
from archbench_studies._nets import HIGHWAY_2, MLP_TANH, PLAIN, RESIDUAL, RESNET, Family
from archbench_studies._reductions import decay, difference, first_value, last_value, log_ratio, of_readings

VANISHES = -0.04
"""Decades a block at which an error vanishes: a hundredth is left after the fifty blocks that the studies have. A tanh
RNN loses ten times as much in a step."""

RATE_NOISE = 0.002
"""Of fitted decades a block: a twentieth of the threshold; one start differs from another by less in pilot runs."""

LEAST_RANK = 1.0
"""Effective rank of outputs that all lie on one line. Outputs that do not differ at all have 0, and count as this."""

BY_GATE = math.log10(1 - 1 / (1 + math.exp(2.0)))
"""Decades that the error loses in a highway layer of bias -2 if it passes by the straight path alone: log10(1 - T)."""


def _decay(family: Family, depth: int, expected: float, data: archbench.StudyData) -> dict[int, float]:
    """Return the fitted decay before the first step, less what is expected."""
    found = of_readings(family.find(data, depth).readings("block-gradient", first=True), decay)
    return {seed: value - expected for seed, value in found.items()}


def _ranks(data: archbench.StudyData) -> dict[int, float]:
    plain, residual = (
        of_readings(family.find(data, 50).readings("rank", first=True), last_value) for family in (MLP_TANH, RESIDUAL)
    )
    return log_ratio(*({seed: max(rank, LEAST_RANK) for seed, rank in ranks.items()} for ranks in (plain, residual)))


def _correlations(data: archbench.StudyData) -> dict[int, float]:
    plain, residual = (
        of_readings(family.find(data, 56).readings("correlation", first=True), first_value)
        for family in (PLAIN, RESNET)
    )
    return difference(residual, plain)


CLAIMS = (
    archbench.Claim(
        name="error-vanishes-in-depth",
        statement="In a plain net of 50 layers the error vanishes on its way to the first layer, before training.",
        source="Hochreiter 1991; Glorot and Bengio 2010, sec. 4.2.1, for the starts of the time",
        study="gradient",
        effect="decades that the error gains with each block further from the loss, mlp-50 of tanh",
        statistic=partial(_decay, MLP_TANH, 50, 0.0),
        rule="below",
        threshold=VANISHES,
        noise=RATE_NOISE,
        published="back-propagated errors shrink from layer to layer with the usual start, and hardly with Glorot's",
        refuted_by="the error falls by less than a factor of a hundred over 50 blocks",
    ),
    archbench.Claim(
        name="normalised-plain-nets-keep-their-gradient",
        statement="What makes a plain net of 56 normalised layers fail is not a vanishing gradient.",
        source="arXiv:1512.03385, sec. 4.1",
        study="gradient",
        effect="decades that the error gains with each block further from the loss, plain-56, before training",
        statistic=partial(_decay, PLAIN, 56, 0.0),
        rule="above",
        threshold=VANISHES,
        noise=RATE_NOISE,
        published="backward signals of plain nets have healthy norms with batch normalisation",
        refuted_by="the error falls by a factor of a hundred or more in 50 blocks",
    ),
    archbench.Claim(
        name="error-follows-the-gate",
        statement="In a highway net the error passes by the straight path: it falls by 1 - T in each layer.",
        source="arXiv:1507.06228, eq. 3 and 5",
        study="gradient",
        effect="decades a block, less log10(1 - T) of the bias, highway-50 of bias -2, before training",
        statistic=partial(_decay, HIGHWAY_2, 50, BY_GATE),
        rule="within",
        threshold=0.01,  # a fifth of the rate itself, -0.055
        noise=RATE_NOISE,
        refuted_by="the measured rate is off by more than a fifth",
    ),
    archbench.Claim(
        name="information-collapses-in-plain-nets",
        # After training it says nothing of what is lost: nets that learned the classes have few directions left, too.
        statement="In a plain net of 50 layers the outputs of the last layer have collapsed to few directions.",
        source="arXiv:2003.01652, for plain nets without normalisation",
        study="gradient",
        effect="log10 of the effective rank of the last block, mlp-50 over residual-mlp-50, before training",
        note=f"Outputs that do not differ at all have an effective rank of 0, which counts as {LEAST_RANK:g}.",
        statistic=_ranks,
        rule="below",
        threshold=-0.3,  # half
        noise=0.05,
        revision=2,
        published="without normalisation the rank of the outputs falls to 1 with depth, at random weights",
        refuted_by="the last block of the plain net has more than half the effective rank of the residual one",
    ),
    archbench.Claim(
        name="gradients-shatter-in-plain-nets",
        statement="In deep plain nets the gradients of neighbouring inputs are unlike; in residual nets less so.",
        source="arXiv:1702.08591, sec. 2",
        study="gradient",
        effect="correlation between input gradients of near neighbours, resnet-56 less plain-56, before training",
        statistic=_correlations,
        rule="above",
        threshold=0.05,  # white noise of 64 pixels, over 256 pairs, stays within 0.02
        noise=0.01,
        published="it falls as 1 / 2^depth in plain ReLU nets, as 1 / sqrt(depth) in normalised residual ones",
        refuted_by="the correlations differ by less than 0.05, or the other way round",
    ),
)
