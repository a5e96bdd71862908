"""The claims that the study of depth decides: each compares the training losses of two nets.

The net below in a ratio is the reference. A seed with which even that was not trained decides nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import archbench
from archbench_studies._nets import (
    FIXUP,
    HIGHWAY_2,
    HIGHWAY_4,
    MLP_TANH,
    ORTHOGONAL,
    PLAIN,
    PRE_ACTIVATED,
    RESIDUAL,
    RESNET,
    REZERO,
    Family,
)
from archbench_studies._reductions import LOSS_FLOOR, loss_note, loss_ratio


def _ratio(
    above: tuple[Family, int], below: tuple[Family, int], floor: float, data: archbench.StudyData
) -> dict[int, float]:
    return loss_ratio(above[0].find(data, above[1]), below[0].find(data, below[1]), floor=floor)


DEGRADES = 0.5
"""Threshold of every claim that one net trains worse than another, or no worse: a factor of three, between the two of
published.md (five to accept that plain nets degrade, two to accept that residual ones do not), so that both cannot hold
in the middle. Set before any trial of the study was run."""

NOISE = 0.1
"""Of log10 ratios of training losses: a factor of 1.26. Two nets that both reach the floor have a ratio of 1 in every
seed, and must not pass for certain because of it."""

TENFOLD, HUNDREDFOLD = 1.0, 2.0
SMALLEST = 1e-4
"""Floor of the loss where the claim is how far it falls: what the paper calls trained."""

_RESIDUAL_PAPER = "arXiv:1512.03385, Fig. 6 and Table 6"
_HIGHWAY_PAPER = "arXiv:1507.06228, sec. 3.1"


def _claim(
    *,
    above: tuple[Family, int],
    below: tuple[Family, int],
    ratio: str,
    threshold: float = DEGRADES,
    floor: float = LOSS_FLOOR,
    **other: Any,
) -> archbench.Claim:
    return archbench.Claim(
        study="depth",
        effect=f"log10 of the ratio of training losses, {ratio}",
        note=loss_note(floor),
        statistic=partial(_ratio, above, below, floor),
        threshold=threshold,
        noise=NOISE,
        revision=2,
        **other,
    )


CLAIMS = (
    _claim(
        name="degradation",
        statement="A plain net of 56 layers has a higher training error than one of 20.",
        source=_RESIDUAL_PAPER,
        ratio="plain-56 over plain-20",
        above=(PLAIN, 56),
        below=(PLAIN, 20),
        rule="above",
        published="training and test error rise from 20 to 56 layers on CIFAR-10; above 60 % error at 110",
        replications=(
            "techxzen/pytorch-residual-networks: test error 10.08 % at 20, 15.39 % at 56",
            "fish145/ResNet-on-Cifar10: 9.90 % at 20, 14.74 % at 56",
        ),
        refuted_by="plain-56 trains to a loss at most three times that of plain-20",
    ),
    _claim(
        name="residual-nets-do-not-degrade",
        statement="A residual net of 56 layers trains as well as one of 20.",
        source=_RESIDUAL_PAPER,
        ratio="resnet-56 over resnet-20",
        above=(RESNET, 56),
        below=(RESNET, 20),
        rule="below",
        published="test error 8.75 % at 20 layers, 6.97 % at 56",
        replications=(
            "akamaster/pytorch_resnet_cifar10: 8.27 % at 20, 6.61 % at 56",
            "techxzen/pytorch-residual-networks: 8.74 % at 20, 7.41 % at 56",
            "fish145/ResNet-on-Cifar10: 8.26 % at 20, 6.91 % at 56",
        ),
        refuted_by="resnet-56 trains to a loss more than three times that of resnet-20",
    ),
    _claim(
        name="shortcuts-train-deep-nets",
        statement="With shortcuts, which have no weights, a net of 56 layers trains better than without.",
        source=_RESIDUAL_PAPER,
        ratio="plain-56 over resnet-56",
        above=(PLAIN, 56),
        below=(RESNET, 56),
        rule="above",
        published="ImageNet, 34 layers: 28.54 % error plain, 25.03 % with shortcuts (Table 3)",
        replications=(
            "techxzen/pytorch-residual-networks: 15.39 % plain, 7.41 % with shortcuts, at 56 layers",
            "fish145/ResNet-on-Cifar10: 14.74 % plain, 6.91 % with shortcuts, at 56 layers",
        ),
        refuted_by="plain-56 trains to a loss at most three times that of resnet-56",
    ),
    _claim(
        name="isometry-suffices",
        statement="Without any shortcut, a start that keeps lengths lets a plain net of 56 layers train as one of 20.",
        source="arXiv:1806.05393, sec. 4",
        ratio="plain-56-orthogonal over plain-20-orthogonal",
        above=(ORTHOGONAL, 56),
        below=(ORTHOGONAL, 20),
        rule="below",
        published="plain tanh nets of up to 10,000 layers train on MNIST and CIFAR-10, as remembered",
        refuted_by="the orthogonal net of 56 layers trains to a loss more than three times that of 20",
    ),
    _claim(
        name="pre-activation-trains-as-well",
        statement="At 56 layers a pre-activated residual net trains at least as well as the original order.",
        source="arXiv:1603.05027, sec. 4 and Table 2",
        ratio="pre-activated over original order, 56 layers",
        above=(PRE_ACTIVATED, 56),
        below=(RESNET, 56),
        rule="below",
        published="test error 6.37 % against 6.61 % at 110 layers, 4.92 % against 7.61 % at 1001; partly as remembered",
        refuted_by="the pre-activated net trains to a loss more than three times as high",
    ),
    _claim(
        name="rezero-trains-as-well",
        statement="Units that start at nothing, behind a learned factor, train as well at 56 layers as resnet's.",
        source="arXiv:2003.04887, sec. 3",
        ratio="rezero-56 over resnet-56",
        above=(REZERO, 56),
        below=(RESNET, 56),
        rule="below",
        published="ResNet-56 reaches its accuracy on CIFAR-10 in 32 % fewer epochs",
        refuted_by="rezero-56 trains to a loss more than three times as high",
    ),
    _claim(
        name="normalisation-is-not-needed",
        statement="From Fixup's start a residual net of 56 layers trains as well without normalisation as with it.",
        source="arXiv:1901.09321, sec. 4",
        ratio="fixup-56 over resnet-56",
        above=(FIXUP, 56),
        below=(RESNET, 56),
        rule="below",
        published="CIFAR-10, 110 layers: 7.24 % test error, with normalisation 6.61 %; as remembered",
        refuted_by="fixup-56 trains to a loss more than three times as high",
    ),
    _claim(
        name="plain-layers-collapse",
        statement="A plain fully connected net of 100 layers trains to more than three times the loss of one of 10.",
        source=_HIGHWAY_PAPER,
        ratio="mlp-100 over mlp-10",
        above=(MLP_TANH, 100),
        below=(MLP_TANH, 10),
        rule="above",
        published="10 and 20 layers end below a loss of 1e-4, 50 and 100 do much worse",
        refuted_by="mlp-100 trains to a loss at most three times that of mlp-10",
    ),
    _claim(
        name="highway-nets-do-not-degrade",
        statement="A highway net of 100 layers reaches the training loss of one of 10.",
        source=_HIGHWAY_PAPER,
        ratio="100 layers over 10, gate bias -4",
        above=(HIGHWAY_4, 100),
        below=(HIGHWAY_4, 10),
        rule="below",
        published="50 and 100 layers reach the loss of 10 and 20",
        refuted_by="the net of 100 layers trains to a loss more than three times that of 10",
    ),
    _claim(
        name="highway-hundredfold",
        statement="At 100 layers a highway net ends more than two orders of magnitude below a plain net.",
        source=_HIGHWAY_PAPER,
        ratio="mlp-100 over highway-100 of gate bias -4",
        above=(MLP_TANH, 100),
        below=(HIGHWAY_4, 100),
        rule="above",
        threshold=HUNDREDFOLD,
        floor=SMALLEST,
        published="more than two orders of magnitude, each the best of 100 random settings",
        refuted_by="the plain net ends less than a hundred times above the highway net",
    ),
    _claim(
        name="deeper-highways-carry-more",
        statement="A highway net of 100 layers needs a gate bias of about -4; at -2 it trains to more than ten times "
        "the loss.",
        source=_HIGHWAY_PAPER + ": deeper nets got more negative biases from the search",
        ratio="bias -2 over bias -4, 100 layers",
        above=(HIGHWAY_2, 100),
        below=(HIGHWAY_4, 100),
        rule="above",
        threshold=TENFOLD,
        refuted_by="at a bias of -2 the net trains to a loss less than ten times that at -4",
    ),
    _claim(
        name="identity-in-layers-does-not-degrade",
        statement="A fully connected net of 100 layers that adds each layer to its input trains as well as one of 10.",
        source="arXiv:1512.03385, sec. 3.1, in the nets of " + _HIGHWAY_PAPER,
        ratio="residual-mlp-100 over residual-mlp-10",
        above=(RESIDUAL, 100),
        below=(RESIDUAL, 10),
        rule="below",
        refuted_by="residual-mlp-100 trains to a loss more than three times that of residual-mlp-10",
    ),
)
