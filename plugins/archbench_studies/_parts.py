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
    LESIONED_LAYERS,
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
from archbench_studies._rules import (
    DEPTH,
    DEPTH_FEW,
    DEPTH_FULL,
    DEPTH_ISOMETRIC,
    LAYERS,
    LAYERS_FEW,
    LAYERS_LESION,
    LESION,
)


def part(protocol: archbench.Protocol, *selectors: str) -> archbench.Part:
    """Return a part on the digits."""
    return archbench.Part(architectures=selectors, tasks=("digits",), protocol=protocol)


LESION_QUICK = (
    part(LAYERS_LESION, *(family.selector() for family in LESIONED_LAYERS)),
    part(LESION, *(family.selector() for family in LESIONED)),
)

DEPTH_QUICK = (
    *LESION_QUICK,
    part(LAYERS, *(family.selector(10, 50, 100) for family in (MLP_TANH, HIGHWAY_4, RESIDUAL))),
    part(LAYERS, HIGHWAY_2.selector(50, 100)),
    part(LAYERS_FEW, HIGHWAY_2.selector(10, 20), MLP_RELU.selector()),
    part(DEPTH, *(family.selector(56) for family in (PLAIN, PRE_ACTIVATED, REZERO, FIXUP))),
    part(DEPTH_FEW, *(family.selector(20) for family in (PRE_ACTIVATED, REZERO, FIXUP)), STOCHASTIC.selector()),
    part(DEPTH_ISOMETRIC, ORTHOGONAL.selector()),
)

GRADIENT_QUICK = (
    part(LESION, RESNET.selector(56)),
    part(LAYERS, *(family.selector(50) for family in (MLP_TANH, HIGHWAY_2, HIGHWAY_4, RESIDUAL))),
    part(LAYERS_FEW, MLP_RELU.selector(50)),
    part(DEPTH, PLAIN.selector(56)),
    part(DEPTH_ISOMETRIC, ORTHOGONAL.selector(56)),
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
