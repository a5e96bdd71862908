"""ConvNeXt: a convolutional net with what was learned from Transformers, a modern control.

Paper: Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, "A ConvNet for the 2020s", arXiv:2201.03545, section 2 and Table 9.
Reproduced: a convolution of p x p pixels with stride p; stages of units y = x + g * W2 gelu(W1 norm(conv7x7(x))), the
7x7 convolution one channel at a time, W1 to four times the channels, norm over the channels of each pixel, g one
learned factor a channel that starts at 1e-6; between stages norm and a 2x2 convolution with stride 2; global average
pooling, norm, softmax. In training units are dropped at random (stochastic depth). `convnext-tiny`: p = 4, stages of
3, 3, 9, 3 units and 96 to 768 channels: 28,589,128 parameters (3x224x224 images, 1000 classes). Published top-1
accuracy on ImageNet: 82.1 %.

The units are torchvision's, which are the paper's.

Symbols: C is `width`, the channels of the first stage; each stage has twice those of the one before.

Deviations: three stages and p = 1 by default, for small images. The published start, truncated normal weights of 0.02
and g = 1e-6, is made for widths from 96 on: at width 16 the loss on the task `shapes` stays at ln 10, with learning
rates from 0.001 to 0.01. By default weights have He's start and g is 1; `start=published` brings the paper's back.
Units are dropped image by image, as in the authors' code. The recipe is the protocol's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import IMAGENET, counted


@dataclass(frozen=True, slots=True)
class ConvNeXtOptions:
    """Options of `convnext`: its size."""

    patch: Annotated[int, archbench.Meta(ge=1, description="p, side of the first convolution and its stride")] = (
        1  # small images have no pixel to spare
    )
    width: Annotated[int, archbench.Meta(ge=1, description="C, channels of the first stage")] = 16  # as `resnet`
    depths: Annotated[tuple[int, ...], archbench.Meta(min_length=1, description="units of each stage")] = (
        1,
        1,
        1,
    )  # three stages as in `resnet`; seconds on small images
    start: Annotated[
        Literal["he", "published"],
        archbench.Meta(description="He's weights and g = 1, or weights of 0.02 and g = 1e-6"),
    ] = "he"  # the published start needs the published widths
    drop: Annotated[float, archbench.Meta(ge=0, lt=1, description="chance that the last unit is dropped")] = (
        0.0  # regularisation for long schedules
    )

    def __post_init__(self) -> None:
        if min(self.depths) < 1 or (self.drop and sum(self.depths) < 2):
            raise ValueError(f"depths is {self.depths}; every stage needs a unit, and dropping units needs two")


def incompatible(task: archbench.TaskInfo, options: ConvNeXtOptions) -> str | None:
    """Return why this network cannot take this task, or None if it can."""
    height, width = task.input_shape[-2:]
    smallest = options.patch * 2 ** (len(options.depths) - 1)
    if min(height, width) < smallest:
        return f"images are {height}x{width}; patch and stages shrink them {smallest} times: nothing is left"
    return None


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `convnext`, small and as published."""
    yield archbench.Architecture(
        name="convnext",
        revision=2,  # since then the small form starts from He's initialisation with g = 1
        build="archbench_plugins.convnext.network:build",
        inputs=("image",),
        options=ConvNeXtOptions,
        variants={
            "convnext-tiny": {"patch": 4, "width": 96, "depths": (3, 3, 9, 3), "drop": 0.1, "start": "published"}
        },
        incompatible=incompatible,
        summary="Residual units of wide depthwise kernels and a perceptron per pixel",
        source="arXiv:2201.03545, sec. 2",
        parameters=counted(IMAGENET, {"convnext-tiny": 28_589_128}),
        control="resnet",
        tags=("convolutional", "residual"),
        recipe=archbench.Published(
            source="authors' code, github.com/facebookresearch/ConvNeXt (main.py, TRAINING.md)",
            data="ImageNet",
            recipe=archbench.Recipe(
                optimizer="adamw",
                learning_rate=4e-3,
                batch_size=4096,
                epochs=300,
                weight_decay=0.05,
                warmup=20 / 300,
                milestones=None,
                floor=1e-6 / 4e-3,
            ),
            augmentation="crops, mirror images, RandAugment, colours, random erasing, mixup 0.8, CutMix 1",
            unsupported="labels smoothed by 0.1, mixup, CutMix, units dropped with 0.1, weights averaged with 0.9999",
        ),
    )
