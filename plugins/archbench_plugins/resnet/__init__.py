"""Residual networks: the straight path through depth, without a gate.

Papers: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, sections 3.3 and 4.2,
and by the same authors "Identity Mappings in Deep Residual Networks", arXiv:1603.05027, sections 3 and 4.

A unit computes y = relu(h(x) + F(x)), h the identity. Pre-activated it is y = h(x) + F(x), where batch normalisation
and ReLU stand before each convolution and not behind. F is two 3x3 convolutions (`basic`), or 1x1, 3x3, 1x1 with a
quarter of the channels inside (`bottleneck`).

Reproduced:

- `cifar`: a 3x3 convolution with 16 filters; three stages of n units with 16, 32 and 64 filters (bottleneck: 64, 128
  and 256), the first unit of stages two and three with stride 2; global average pooling; softmax. With option A a net
  has exactly as many parameters as `plain`, which has no shortcuts: 269,722 at depth 20, 464,154 at 32, 658,586 at 44,
  853,018 at 56, 1,727,962 at 110 and 19,421,274 at 1202 (3x32x32 images, 10 classes). Test error on CIFAR-10 in per
  cent (Table 6 of the first paper): 8.75, 7.51, 7.17, 6.97, 6.43, 7.93. The pre-activated bottlenecks `resnet-164`
  (1,703,258) and `resnet-1001` (10,327,706) have option B; published (Table 3 of the second paper): 5.46 and 4.92, the
  latter 4.62 with batches of 64; `preresnet-110` has 6.37.
- `imagenet`: torchvision's nets of 18 to 152 layers with option B; 11,689,512, 21,797,672, 25,557,032, 44,549,160 and
  60,192,808 parameters on 1000 classes. From 50 layers on, stride 2 is in the 3x3 convolution, in the paper in the
  1x1 before it: the same parameters, 8 % more work (4.1 against 3.8 GMAC at depth 50).

The shortcut, by option `shortcut`. Where the shape changes: `A` subsamples and pads with zero channels, `B` is a 1x1
convolution; `C` is that in every unit. The others leave option A there, and elsewhere put for x + F what section 3 of
the second paper tried (error of ResNet-110 in per cent, its Table 1; the identity has 6.61): `scaled` x/2 + F (fails),
`averaged` x/2 + F/2 (12.35), `exclusive-gate` (1-g) x + g F (8.70 at b_g = -6), `shortcut-gate` (1-g) x + F (6.91 at
-6, 12.86 at 0) with g = sigmoid(W_g x + b_g), `dropout` dropout(x) + F (fails); C has 12.22. `none` is `plain`.

Symbols: the depth is 6n+2, for bottlenecks 9n+2; b_g is `gate_bias`.

Deviations: images of any size and any number of channels; the recipe is the protocol's. The first paper does not say on
which side the zero channels go: here they come last. Convolutions start from He's initialisation in its fan-in form
(arXiv:1502.01852, eq. 10), the classifier from torch's default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import CIFAR, IMAGENET, check_depth, counted

Shortcut = Literal["A", "B", "C", "scaled", "averaged", "exclusive-gate", "shortcut-gate", "dropout", "none"]

COUNTS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962, 1202: 19_421_274}  # depth -> parameters
COUNTS |= {164: 1_703_258, 1001: 10_327_706}
IMAGENET_COUNTS = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}


@dataclass(frozen=True, slots=True)
class ResNetOptions:
    """Options of `resnet`: its form and depth, and how a unit is made. The ImageNet form has only its depth."""

    form: Annotated[Literal["cifar", "imagenet"], archbench.Meta(description="the nets of section 4.2 or of 4.1")] = (
        "cifar"  # for small images
    )
    depth: Annotated[int, archbench.Meta(ge=8, description="layers with weights, 6n+2; bottleneck 9n+2")] = (
        20  # the paper's smallest
    )
    block: Annotated[Literal["basic", "bottleneck"], archbench.Meta(description="layers of F")] = (
        "basic"  # as in Table 6
    )
    order: Annotated[
        Literal["post-activation", "pre-activation"],
        archbench.Meta(description="ReLU and norm behind convolutions or before"),
    ] = "post-activation"  # the first paper's
    shortcut: Annotated[Shortcut, archbench.Meta(description="what carries x to the sum")] = (
        "A"  # costs no parameter, so that `plain` is its equal
    )
    gate_bias: Annotated[float, archbench.Meta(description="b_g at the start: lower carries more")] = (
        -6.0  # the best of the second paper
    )

    def __post_init__(self) -> None:
        if self.form == "cifar":
            check_depth(self.depth, *((9, 2) if self.block == "bottleneck" else (6, 2)))
            return
        if self.depth not in IMAGENET_COUNTS:
            allowed = ", ".join(map(str, IMAGENET_COUNTS))
            raise ValueError(f"depth is {self.depth}; the ImageNet nets have {allowed} layers")
        if (self.block, self.order, self.shortcut) != ("basic", "post-activation", "A"):
            raise ValueError("block, order and shortcut are options of form=cifar; the ImageNet nets are as published")


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `resnet` in the depths of both papers."""
    deep = {"block": "bottleneck", "order": "pre-activation", "shortcut": "B"}
    yield archbench.Architecture(
        name="resnet",
        revision=2,  # since then shortcuts and gates draw their weights last
        build="archbench_plugins.resnet.network:build",
        inputs=("image",),
        options=ResNetOptions,
        variants={
            **{f"resnet-{depth}": {"depth": depth} for depth in (20, 32, 44, 56, 110, 1202)},
            **{f"resnet-{depth}": {**deep, "depth": depth} for depth in (164, 1001)},
            "preresnet-110": {"depth": 110, "order": "pre-activation"},
            **{f"resnet-{depth}": {"form": "imagenet", "depth": depth} for depth in IMAGENET_COUNTS},
        },
        summary="Every two layers add to their unchanged input",
        source="arXiv:1512.03385, sec. 4.2; arXiv:1603.05027",
        parameters={
            **counted(CIFAR, {f"resnet-{depth}": count for depth, count in COUNTS.items()}),
            **counted(CIFAR, {"preresnet-110": COUNTS[110]}),
            **counted(IMAGENET, {f"resnet-{depth}": count for depth, count in IMAGENET_COUNTS.items()}),
        },
        control="plain",
        tags=("convolutional", "residual"),
        recipe=own_recipe,
    )


def own_recipe(options: ResNetOptions) -> archbench.Published | None:
    """Return the recipe of the CIFAR nets, or None for the ImageNet nets.

    The rate of the ImageNet nets falls when the error reaches a plateau, which no recipe here can say.
    """
    if options.form == "imagenet":
        return None
    pre = options.order == "pre-activation"
    warm = pre or options.depth >= 110
    return archbench.Published(
        source="arXiv:1603.05027, appendix" if pre else "arXiv:1512.03385, sec. 4.2",
        data="CIFAR-10",
        recipe=archbench.Recipe(
            optimizer="sgd",
            learning_rate=0.1,
            batch_size=128,
            steps=64_000,
            momentum=0.9,
            weight_decay=1e-4,
            warmup=400 / 64_000 if warm else 0.0,
            warmup_rate=0.01 if warm else 0.0,
            milestones=(0.5, 0.75),
        ),
        augmentation="padded by 4, cropped to 32x32, mirrored",
        note=(
            "pre-activated nets start with 0.01 for 400 steps; others of 110 layers and more until the training error "
            "is below 80 %, some 400 steps. Of the 50,000 images 5,000 are for validation; the authors' code for "
            "pre-activation has batches of 64 and 200 epochs"
        ),
    )
