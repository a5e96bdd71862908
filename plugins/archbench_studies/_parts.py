"""Parts of the studies of depth: a net is trained once, under one protocol, and all studies that ask for it read it."""

from __future__ import annotations

import archbench
from archbench_studies._nets import (
    CONVOLUTIONAL,
    DENSENET,
    FIXUP,
    FULLY_CONNECTED,
    HIGHWAY_2,
    HIGHWAY_4,
    LESIONED,
    MLP_RELU,
    MLP_TANH,
    ORTHOGONAL,
    PLAIN,
    PRE_ACTIVATED,
    RESIDUAL,
    RESNET,
    REZERO,
    STOCHASTIC,
)
from archbench_studies._rules import DEPTH, DEPTH_FEW_SEEDS, DEPTH_FULL, LESION


def part(protocol: archbench.Protocol, *selectors: str) -> archbench.Part:
    """Return a part on the digits."""
    return archbench.Part(architectures=selectors, tasks=("digits",), protocol=protocol)


LESION_PART = part(LESION, *(family.selector() for family in LESIONED))
"""The nets of `LESIONED`. Lesions cost as much as a third of a short training, so no other net has them."""

DEPTH_QUICK = (
    LESION_PART,
    part(  # five seeds, for these decide most claims
        DEPTH,
        *(family.selector(10, 50, 100) for family in (MLP_TANH, HIGHWAY_4, RESIDUAL)),
        PLAIN.selector(56),
    ),
    part(
        DEPTH_FEW_SEEDS,
        *(family.selector() for family in (MLP_RELU, HIGHWAY_2)),
        *(family.selector() for family in (ORTHOGONAL, PRE_ACTIVATED, REZERO, FIXUP, STOCHASTIC, DENSENET)),
    ),
)

GRADIENT_QUICK = (
    part(LESION, RESNET.selector(56)),
    part(DEPTH, *(family.selector(50) for family in (MLP_TANH, HIGHWAY_4, RESIDUAL)), PLAIN.selector(56)),
    part(DEPTH_FEW_SEEDS, *(family.selector(50) for family in (MLP_RELU, HIGHWAY_2)), ORTHOGONAL.selector(56)),
)

DEPTH_FULL_PARTS = (
    part(
        DEPTH_FULL,
        *(family.selector(10, 20, 50, 100, 200) for family in FULLY_CONNECTED),
        *(family.selector(20, 32, 56, 110) for family in CONVOLUTIONAL if family is not DENSENET),
        DENSENET.selector(22, 40, 100),
    ),
)

GRADIENT_FULL = (
    part(
        DEPTH_FULL,
        *(family.selector(50) for family in FULLY_CONNECTED),
        *(family.selector(56) for family in (PLAIN, RESNET, ORTHOGONAL)),
    ),
)

LESION_FULL = (
    part(
        DEPTH_FULL,
        *(family.selector(20, 50) for family in (MLP_TANH, HIGHWAY_4, RESIDUAL)),
        *(family.selector(20, 56, 110) for family in (PLAIN, RESNET)),
    ),
)
