"""VGG nets: small kernels in a row, as deep as went without help.

Paper: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", arXiv:1409.1556,
section 2 and Table 1.
Reproduced: five stages of 3x3 convolutions (in column C the last of stages three to five is 1x1) with ReLU behind
each, max-pooling 2x2 after each stage, 64 to 512 channels. Columns A, B, C, D, E are `depth` 11, 13, 16-C, 16, 19.

- `imagenet`: two linear layers of 4096 with dropout 0.5 and the classifier: 132,863,336, 133,047,848, 133,638,952,
  138,357,544 and 143,667,240 parameters (3x224x224 images, 1000 classes; torchvision's nets, which lack C, are the
  same). Published top-1 error, single scale, in per cent: 29.6, 28.7, 28.1, 27.0, 27.3.
- `cifar`: one linear layer, as is usual for 32x32 images: 9,225,610, 9,410,122, 14,719,818 and 20,029,514 parameters
  for A, B, D, E on 10 classes.

With `normalise`, as in the variants `-bn`, batch normalisation (a year younger) stands behind each convolution, which
keeps its bias.

Symbols: `width` is the number of channels of the first stage; the others have 2, 4, 8 and 8 times as many.

Deviations: images of any size and any number of channels; pools round up, so that small ones are left with one pixel.
He's initialisation in place of N(0, 0.01) and of starting deeper nets from the layers of A: the authors note that
Glorot's random start makes the latter unnecessary. The form `imagenet` pools averages to 7x7 from other sizes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import CIFAR, IMAGENET

# Column -> parameters: plain, and with batch normalisation; with one linear layer (CIFAR), and with three (ImageNet).
COUNTS = {
    "11": ((9_225_610, 9_231_114), (132_863_336, 132_868_840)),
    "13": ((9_410_122, 9_416_010), (133_047_848, 133_053_736)),
    "16-c": ((10_001_226, 10_009_674), (133_638_952, 133_647_400)),
    "16": ((14_719_818, 14_728_266), (138_357_544, 138_365_992)),
    "19": ((20_029_514, 20_040_522), (143_667_240, 143_678_248)),
}


@dataclass(frozen=True, slots=True)
class VGGOptions:
    """Options of `vgg`: its column of Table 1, its classifier and its width."""

    form: Annotated[Literal["cifar", "imagenet"], archbench.Meta(description="one linear layer, or three")] = (
        "cifar"  # for small images
    )
    depth: Annotated[Literal["11", "13", "16-C", "16", "19"], archbench.Meta(description="layers with weights")] = (
        "11"  # the shallowest
    )
    width: Annotated[int, archbench.Meta(ge=1, description="channels of the first stage, 64 in the paper")] = (
        16  # a sixteenth of the work: seconds on small images
    )
    normalise: Annotated[bool, archbench.Meta(description="batch normalisation behind each convolution")] = (
        True  # the form in which VGG nets are used on small images today
    )

    def __post_init__(self) -> None:
        if self.form == "imagenet" and self.width != 64:
            raise ValueError(f"width is {self.width}; the ImageNet nets have width 64")


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `vgg` with Table 1, with and without batch normalisation, for CIFAR and for ImageNet."""
    variants = {
        f"vgg-{depth.lower()}{norm}{suffix}": {"form": form, "depth": depth, "width": 64, "normalise": bool(norm)}
        for depth in ("11", "13", "16-C", "16", "19")
        for norm in ("", "-bn")
        for form, suffix in (("cifar", ""), ("imagenet", "-imagenet"))
    }
    yield archbench.Architecture(
        name="vgg",
        build="archbench_plugins.vgg.network:build",
        inputs=("image",),
        options=VGGOptions,
        variants=variants,
        summary="3x3 convolutions in a row, halved five times",
        source="arXiv:1409.1556, Table 1",
        parameters={
            f"vgg-{column}{norm}{suffix}": (task, count)
            for column, forms in COUNTS.items()
            for pair, task, suffix in zip(forms, (CIFAR, IMAGENET), ("", "-imagenet"), strict=True)
            for count, norm in zip(pair, ("", "-bn"), strict=True)
        },
        control="alexnet",
        tags=("convolutional",),
        recipe=archbench.Published(
            source="arXiv:1409.1556, sec. 3.1",
            data="ImageNet",
            recipe=archbench.Recipe(
                optimizer="sgd",
                learning_rate=0.01,
                batch_size=256,
                epochs=74,
                momentum=0.9,
                weight_decay=5e-4,
                milestones=(1 / 4, 1 / 2, 3 / 4),
            ),
            augmentation="scaled, cropped to 224x224, mirrored, colours shifted",
            note="the authors let the rate fall three times by hand, when the validation accuracy stalled",
        ),
    )
