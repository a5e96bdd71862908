"""ReZero: a residual net in which every unit starts as the identity.

Paper: Bachlechner, Majumder, Mao, Cottrell and McAuley, "ReZero is All You Need: Fast Convergence at Large Depth",
arXiv:2003.04887, section 3. A unit computes x_{i+1} = x_i + alpha_i F(x_i) (eq. 1), with one learned scalar alpha_i
that is 0 at the start.

Reproduced: the nets of `resnet` with the sum of every unit so weighted, 3n parameters more: 853,045 at depth 56.

Symbols: the depth is 6n+2. Published: ResNet-56 reaches its accuracy on CIFAR-10 in a third fewer epochs.

Deviations: here the ReLU after the sum stays, as in `resnet`, so that alpha alone differs; with all alpha at 0 a unit
still is the identity, because what comes in is a ReLU's output. Where the shape changes x is subsampled and
padded with zero channels. `normalise=false` takes batch normalisation away, which the paper does in Transformers and
fully connected nets; convolutions then have biases.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import archbench
from archbench_plugins.shared.declaring import CIFAR, check_depth, counted


@dataclass(frozen=True, slots=True)
class ReZeroOptions:
    """Options of `rezero`: its depth and normalisation."""

    depth: Annotated[int, archbench.Meta(ge=8, description="layers with weights, 6n+2")] = 20  # as `resnet`
    normalise: Annotated[bool, archbench.Meta(description="batch normalisation in each branch F")] = (
        True  # so that alpha alone differs
    )

    def __post_init__(self) -> None:
        check_depth(self.depth, 6, 2)


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `rezero` in the paper's depth, and in those of `resnet` around it."""
    yield archbench.Architecture(
        name="rezero",
        build="archbench_plugins.rezero.network:build",
        inputs=("image",),
        options=ReZeroOptions,
        variants={f"rezero-{depth}": {"depth": depth} for depth in (20, 56, 110)},
        summary="resnet whose units start at nothing, each behind a learned factor",
        source="arXiv:2003.04887, sec. 3",
        parameters=counted(CIFAR, {"rezero-20": 269_731, "rezero-56": 853_045, "rezero-110": 1_728_016}),
        control="resnet",
        tags=("convolutional", "residual"),
        recipe=archbench.Published(
            source="authors' notebook on ResNets, github.com/tbachlechner/ReZero-examples",
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
            augmentation="padded by 4, cropped to 32x32, mirrored",
            note="its default settings; the runs it shows end after 1 to 8 epochs, depth 20 at a rate of 0.2",
        ),
    )
