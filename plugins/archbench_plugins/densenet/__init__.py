"""Dense convolutional networks: every layer sees all layers before it.

Paper: Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", arXiv:1608.06993,
sections 3 and 4.
Reproduced: layer l of a block computes x_l = H_l([x_0, x_1, ..., x_{l-1}]) (eq. 2). H is batch norm, ReLU and a 3x3
convolution to k channels; in DenseNet-B batch norm, ReLU and a 1x1 convolution to 4k channels stand before it. Three
blocks of N layers; between them batch norm, ReLU, a 1x1 convolution to theta times the channels and 2x2 average
pooling. A 3x3 convolution starts the net, to 16 channels or, in DenseNet-BC, 2k; batch norm, ReLU, global average
pooling and softmax end it. Parameters (3x32x32 images, 10 classes) and published test error in per cent (Table 2:
CIFAR-10, CIFAR-10 with augmentation):

    densenet-40-12        1,019,722   7.00  5.24      densenet-bc-100-12      769,162   5.92  4.51
    densenet-100-12       6,979,642   5.77  4.10      densenet-bc-250-24   15,324,406   5.19  3.62
    densenet-100-24      27,249,082   5.83  3.74      densenet-bc-190-40   25,624,430      -  3.46

`densenet-bc-40-36`, `-48` and `-60` are the wide nets of the authors' repository (1.5M, 2.7M, 4.3M). `densenet-121` to
`densenet-201` are torchvision's ImageNet nets, which are the paper's.

Symbols: L is `depth`, k the growth rate, theta `compression`. L is 3N+4, with bottlenecks 6N+4.

Deviations: images of any number of channels and any size from 4x4 (ImageNet form: 29x29), pools round down; the recipe
is the protocol's. Average pooling before the softmax covers the whole map, 8x8 in the paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import CIFAR, IMAGENET, check_depth, counted

# (L, k) -> parameters: of the basic nets, of DenseNet-BC, and by L of the ImageNet nets.
BASIC = {(40, 12): 1_019_722, (100, 12): 6_979_642, (100, 24): 27_249_082}
COMPACT = {(22, 12): 71_686, (100, 12): 769_162, (250, 24): 15_324_406, (190, 40): 25_624_430}
COMPACT |= {(40, 36): 1_542_682, (40, 48): 2_733_130, (40, 60): 4_261_690}
IMAGENET_COUNTS = {121: 7_978_856, 161: 28_681_000, 169: 14_149_480, 201: 20_013_928}
SMALLEST = {"cifar": 4, "imagenet": 29}  # 4 -> 2 -> 1; 29 -> 15 -> 8 -> 4 -> 2 -> 1


@dataclass(frozen=True, slots=True)
class DenseNetOptions:
    """Options of `densenet`: its form and size. The ImageNet form has only its depth."""

    form: Annotated[Literal["cifar", "imagenet"], archbench.Meta(description="three blocks or four")] = (
        "cifar"  # for small images
    )
    depth: Annotated[int, archbench.Meta(ge=7, description="layers with weights: L, 3N+4; bottlenecks 6N+4")] = (
        22  # three layers a block: 72k weights, for small images
    )
    k: Annotated[int, archbench.Meta(ge=1, description="growth rate")] = 12  # the paper's narrowest
    bottleneck: Annotated[bool, archbench.Meta(description="B: 1x1 convolutions before the 3x3")] = (
        True  # BC is the best
    )
    compression: Annotated[float, archbench.Meta(gt=0, le=1, description="C: theta, the share of channels kept")] = (
        0.5  # the paper's
    )
    dropout: Annotated[float, archbench.Meta(ge=0, lt=1, description="ratio behind each convolution")] = (
        0.0  # the paper uses 0.2, and only without augmentation
    )
    checkpointed: Annotated[bool, archbench.Meta(description="save memory by a second forward pass")] = (
        False  # the small ones fit
    )

    def __post_init__(self) -> None:
        if self.form == "cifar":
            check_depth(self.depth, 6 if self.bottleneck else 3, 4)
        elif self.depth not in IMAGENET_COUNTS:
            allowed = ", ".join(map(str, IMAGENET_COUNTS))
            raise ValueError(f"depth is {self.depth}; the ImageNet nets have {allowed} layers")


def incompatible(task: archbench.TaskInfo, options: DenseNetOptions) -> str | None:
    """Return why this network cannot take this task, or None if it can."""
    height, width = task.input_shape[-2:]
    smallest = SMALLEST[options.form]
    if min(height, width) < smallest:
        return f"images are {height}x{width}; this net halves them until nothing is left below {smallest}x{smallest}"
    return None


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `densenet` with the nets of Tables 1 and 2."""
    basic = {"bottleneck": False, "compression": 1.0}
    yield archbench.Architecture(
        name="densenet",
        build="archbench_plugins.densenet.network:build",
        inputs=("image",),
        options=DenseNetOptions,
        variants={
            **{f"densenet-{L}-{k}": {**basic, "depth": L, "k": k} for L, k in BASIC},
            **{f"densenet-bc-{L}-{k}": {"depth": L, "k": k} for L, k in COMPACT},
            **{f"densenet-{L}": {"form": "imagenet", "depth": L} for L in IMAGENET_COUNTS},
        },
        incompatible=incompatible,
        summary="Every layer sees all layers before it, and adds a few channels",
        source="arXiv:1608.06993, sec. 3 and 4",
        parameters={
            **counted(CIFAR, {f"densenet-{L}-{k}": count for (L, k), count in BASIC.items()}),
            **counted(CIFAR, {f"densenet-bc-{L}-{k}": count for (L, k), count in COMPACT.items()}),
            **counted(IMAGENET, {f"densenet-{L}": count for L, count in IMAGENET_COUNTS.items()}),
        },
        control="resnet",
        tags=("convolutional", "dense"),
        recipe=own_recipe,
    )


def own_recipe(options: DenseNetOptions) -> archbench.Published:
    """Return the recipe of the form, for CIFAR-10 or ImageNet."""
    cifar = options.form == "cifar"
    return archbench.Published(
        source="authors' code, github.com/liuzhuang13/DenseNet",
        data="CIFAR-10" if cifar else "ImageNet",
        recipe=archbench.Recipe(
            optimizer="nesterov",
            learning_rate=0.1,
            batch_size=64 if cifar else 256,
            epochs=300 if cifar else 90,
            momentum=0.9,
            weight_decay=1e-4,
            milestones=(0.5, 0.75) if cifar else (1 / 3, 2 / 3),
        ),
        augmentation="padded by 4, cropped to 32x32, mirrored" if cifar else "crops, mirror images, colours",
        note="without augmentation the net has dropout 0.2; SVHN: 40 epochs" if cifar else "",
    )
