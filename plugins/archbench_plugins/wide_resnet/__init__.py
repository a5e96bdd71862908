"""Wide residual networks: fewer units, more channels.

Paper: Zagoruyko and Komodakis, "Wide Residual Networks", arXiv:1605.07146, section 2 and Table 1.
Reproduced: a 3x3 convolution with 16 filters; three stages of n pre-activated units B(3,3) with 16k, 32k and 64k
filters, the first unit of stages two and three with stride 2; batch normalisation, ReLU, global average pooling;
softmax. A unit computes y = h(x) + F(x), F being batch norm, ReLU, conv3x3 twice with dropout between the
convolutions; h is the identity, or a 1x1 convolution where the shape changes. 36,479,194 parameters for WRN-28-10,
8,949,210 for WRN-40-4 and 10,961,370 for WRN-16-8 (3x32x32 images, 10 classes; Table 4: 36.5M, 8.9M, 11.0M).
`wide-resnet-50-2` is torchvision's ImageNet net, 68,883,240 parameters.

Symbols: the depth is 6n+4, k is the widening factor. Published test error on CIFAR-10 in per cent: 28-10 4.00, with
dropout 3.89.

Deviations: images of any size and any number of channels; the recipe is the protocol's. torchvision widens only the
middle convolution of ResNet-50's bottlenecks, as the authors do, and has the stride there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import CIFAR, IMAGENET, check_depth, counted

COUNTS = {(28, 10): 36_479_194, (40, 4): 8_949_210, (16, 8): 10_961_370}  # (depth, k) -> parameters


@dataclass(frozen=True, slots=True)
class WideResNetOptions:
    """Options of `wide-resnet`: its form, depth and width. The ImageNet form has neither depth nor width."""

    form: Annotated[Literal["cifar", "imagenet"], archbench.Meta(description="WRN-d-k, or WRN-50-2-bottleneck")] = (
        "cifar"  # for small images
    )
    depth: Annotated[int, archbench.Meta(ge=10, description="layers with weights, 6n+4")] = 10  # one unit a stage
    k: Annotated[int, archbench.Meta(ge=1, description="widening factor")] = 2  # about as many weights as resnet-20
    dropout: Annotated[float, archbench.Meta(ge=0, lt=1, description="ratio between the convolutions")] = (
        0.0  # the paper's main table; it uses 0.3 on CIFAR
    )

    def __post_init__(self) -> None:
        check_depth(self.depth, 6, 4)


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `wide-resnet` in three of the paper's sizes."""
    yield archbench.Architecture(
        name="wide-resnet",
        build="archbench_plugins.wide_resnet.network:build",
        inputs=("image",),
        options=WideResNetOptions,
        variants={
            **{f"wide-resnet-{depth}-{k}": {"depth": depth, "k": k} for depth, k in COUNTS},
            "wide-resnet-28-10-dropout": {"depth": 28, "k": 10, "dropout": 0.3},
            "wide-resnet-50-2": {"form": "imagenet"},
        },
        summary="resnet with fewer units and more channels",
        source="arXiv:1605.07146, Table 1",
        parameters={
            **counted(CIFAR, {f"wide-resnet-{depth}-{k}": count for (depth, k), count in COUNTS.items()}),
            **counted(CIFAR, {"wide-resnet-28-10-dropout": COUNTS[28, 10]}),
            **counted(IMAGENET, {"wide-resnet-50-2": 68_883_240}),
        },
        control="resnet",
        tags=("convolutional", "residual"),
        recipe=own_recipe,
    )


def own_recipe(options: WideResNetOptions) -> archbench.Published | None:
    """Return the recipe of the CIFAR nets, or None for the ImageNet net."""
    if options.form == "imagenet":
        return None
    return archbench.Published(
        source="authors' code, github.com/szagoruyko/wide-residual-networks (train.lua, scripts/train_cifar.sh)",
        data="CIFAR-10",
        recipe=archbench.Recipe(
            optimizer="nesterov",
            learning_rate=0.1,
            batch_size=128,
            epochs=200,
            momentum=0.9,
            weight_decay=5e-4,
            milestones=(0.3, 0.6, 0.8),
            decay=0.2,
        ),
        augmentation="padded by 4 with reflections, cropped to 32x32, mirrored",
        note="an epoch leaves out the last, smaller batch",
    )
