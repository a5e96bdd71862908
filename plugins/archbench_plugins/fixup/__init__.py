"""Fixup: residual nets without normalisation, started so that depth does not blow them up.

Paper: Zhang, Dauphin and Ma, "Fixup Initialization: Residual Learning Without Normalization", arXiv:1901.09321,
section 4 and Figure 1.
Reproduced: the nets of `resnet` without batch normalisation. (1) The classifier and the last convolution of each
branch start at 0. (2) The other convolutions of a branch start from He's initialisation times L^(-1/(2m-2)), which is
L^(-1/2) for the m = 2 convolutions of these units. (3) Every branch has one scalar multiplier (1 at the start), and
every convolution, linear layer and ReLU one scalar bias (0 at the start) before it. The shortcut subsamples and pads
with zero channels.

Symbols: the depth is 6n+2, L = 3n units. 268,393 parameters at depth 20. Published on CIFAR-10: 110 layers learn at
the rate of those with batch normalisation and come close to their test error (6.61 %), and 10,000 layers learn.

Deviations: images of any size and any number of channels; the recipe is the protocol's, so the scalars learn at the
common rate and not at a tenth of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import archbench
from archbench_plugins.shared.declaring import CIFAR, check_depth, counted

COUNTS = {20: 268_393, 56: 849_091, 110: 1_720_138, 1202: 19_334_644}  # depth -> parameters


@dataclass(frozen=True, slots=True)
class FixupOptions:
    """Options of `fixup`: its depth, which decides everything else."""

    depth: Annotated[int, archbench.Meta(ge=8, description="layers with weights, 6n+2")] = 20  # as `resnet`

    def __post_init__(self) -> None:
        check_depth(self.depth, 6, 2)


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `fixup` in the depths of `resnet`."""
    yield archbench.Architecture(
        name="fixup",
        build="archbench_plugins.fixup.network:build",
        inputs=("image",),
        options=FixupOptions,
        variants={f"fixup-{depth}": {"depth": depth} for depth in COUNTS},
        summary="resnet without normalisation, from a start that stays calm at any depth",
        expected_failures={"B205": "Fixup starts the last layer at zero (arXiv:1901.09321, sec. 3, rule 1)"},
        source="arXiv:1901.09321, sec. 4",
        parameters=counted(CIFAR, {f"fixup-{depth}": count for depth, count in COUNTS.items()}),
        control="resnet",
        tags=("convolutional", "residual", "unnormalised"),
        recipe=archbench.Published(
            source="first author's code, github.com/hongyi-zhang/Fixup (cifar/cifar_train.py)",
            data="CIFAR-10",
            recipe=archbench.Recipe(
                optimizer="sgd",
                learning_rate=0.1,
                batch_size=128,
                epochs=200,
                momentum=0.9,
                weight_decay=1e-4,
                milestones=(0.5, 0.75),
            ),
            augmentation="padded by 4, cropped to 32x32, mirrored, mixed (mixup, alpha 1)",
            unsupported="scalar biases and multipliers learn at a tenth of the rate, and pairs of images are mixed",
        ),
    )
