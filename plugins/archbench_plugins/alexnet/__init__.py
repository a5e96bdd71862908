"""AlexNet: depth, ReLU and dropout on large images.

Papers: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NeurIPS
2012; Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997, its form in one
column without response normalisation.
Reproduced:

- `imagenet`: torchvision's net, the second paper's: 61,100,840 parameters (3x224x224 images, 1000 classes). The first
  paper's has 60 million in two columns, response normalisation and overlapping pools.
- `cifar`: the five convolutions for 32x32 images as in the repository pytorch-classification: 11x11 with stride 4 to
  64 channels, 5x5 to 192, 3x3 to 384, 256 and 256, ReLU behind each, max-pooling 2x2 after the 1st, 2nd and 5th, one
  linear layer. 2,472,266 parameters on 10 classes; test error on CIFAR-10 22.8 % (there).

Symbols: `width` is the number of channels of the first layer; the others have 3, 6, 4 and 4 times as many.

Deviations: images of any number of channels; form `cifar` of any size, with pools that round up; `imagenet` needs
63x63. By default the stride is 1, because stride 4 leaves four positions of an 8x8 image. He's initialisation in form
`cifar`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import CIFAR, IMAGENET, counted

SMALLEST_IMAGENET = 63  # 63 -> conv 11/4 -> 15 -> pool 3/2 -> 7 -> pool -> 3 -> pool -> 1; at 62 the last pool is empty


@dataclass(frozen=True, slots=True)
class AlexNetOptions:
    """Options of `alexnet`: its form, and the size of the CIFAR form."""

    form: Annotated[Literal["cifar", "imagenet"], archbench.Meta(description="one linear layer, or three")] = (
        "cifar"  # for small images
    )
    width: Annotated[int, archbench.Meta(ge=1, description="channels of the first layer, 64 in form cifar")] = (
        16  # a sixteenth of the work: seconds on small images
    )
    stride: Annotated[int, archbench.Meta(ge=1, description="stride of the first layer, 4 on 32x32 images")] = (
        1  # on 8x8 images nothing can be left out
    )


def incompatible(task: archbench.TaskInfo, options: AlexNetOptions) -> str | None:
    """Return why this network cannot take this task, or None if it can."""
    height, width = task.input_shape[-2:]
    if options.form == "imagenet" and min(height, width) < SMALLEST_IMAGENET:
        smallest = f"{SMALLEST_IMAGENET}x{SMALLEST_IMAGENET}"
        return f"images are {height}x{width}; form=imagenet needs at least {smallest}; form=cifar takes any size"
    return None


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `alexnet` for CIFAR and for ImageNet."""
    yield archbench.Architecture(
        name="alexnet",
        build="archbench_plugins.alexnet.network:build",
        inputs=("image",),
        options=AlexNetOptions,
        variants={"alexnet-cifar": {"width": 64, "stride": 4}, "alexnet-imagenet": {"form": "imagenet"}},
        incompatible=incompatible,
        summary="Five convolutions from wide kernels to narrow ones",
        source="arXiv:1404.5997; Krizhevsky et al. 2012",
        parameters={
            **counted(CIFAR, {"alexnet-cifar": 2_472_266}),
            **counted(IMAGENET, {"alexnet-imagenet": 61_100_840}),
        },
        control="lenet",
        tags=("convolutional",),
        recipe=archbench.Published(
            source="Krizhevsky et al. 2012, sec. 5",
            data="ImageNet",
            recipe=archbench.Recipe(
                optimizer="sgd",
                learning_rate=0.01,
                batch_size=128,
                epochs=90,
                momentum=0.9,
                weight_decay=5e-4,
                milestones=(1 / 4, 1 / 2, 3 / 4),
            ),
            augmentation="crops, mirror images, shifted colours",
            note="the authors let the rate fall three times by hand, when the validation error stalled",
        ),
    )
