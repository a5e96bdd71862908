"""Plain convolutional networks: `resnet` with the shortcuts cut, the control of the degradation experiment.

Paper: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, section 4.2; their
design follows the VGG nets (Simonyan and Zisserman, arXiv:1409.1556).
Reproduced: a 3x3 convolution with 16 filters; three stages of 2n such layers with 16, 32 and 64 filters, the first of
stages two and three with stride 2; batch normalisation and ReLU after each; global average pooling; softmax. Layers
and parameters are exactly those of `resnet` of the same depth (269,722 at depth 20 to 1,727,962 at 110), and with one
seed so are the weights at the start.

The variants `plain-20-orthogonal` to `plain-110-orthogonal` ask whether it is the shortcut that matters or the
isometry: Xiao et al., "Dynamical Isometry and a Mean Field Theory of CNNs", arXiv:1806.05393, trained plain
nets of 10,000 layers from delta-orthogonal kernels: zeros, and an orthogonal matrix in the middle. As there, the
layers are tanh and have biases in place of batch normalisation. 269,034 parameters at depth 20.

Symbols: the depth is 6n+2. Published on CIFAR-10 (Figure 6): training and test error rise from depth 20 to 56; at 110
the error stays above 60 %.

Deviations: as in `resnet`. The nets of arXiv:1806.05393 have one width throughout and circular convolutions; these
double their channels twice and pad with zeros, so that depth for depth they compare with `resnet`. Their weights
have variance 1 and no bias at the start, on the edge of chaos for tanh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import CIFAR, check_depth, counted

COUNTS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}  # depth -> parameters, as of `resnet`
ORTHOGONAL = {20: 269_034, 32: 463_018, 44: 657_002, 56: 850_986, 110: 1_723_914}  # a bias replaces two of batch norm


@dataclass(frozen=True, slots=True)
class PlainOptions:
    """Options of `plain`: its depth, and what takes the place of the shortcut."""

    depth: Annotated[int, archbench.Meta(ge=8, description="layers with weights, 6n+2")] = 20  # the paper's smallest
    start: Annotated[Literal["he", "delta-orthogonal"], archbench.Meta(description="how kernels start")] = (
        "he"  # as in the paper
    )
    activation: Annotated[Literal["relu", "tanh"], archbench.Meta(description="nonlinearity")] = "relu"  # the paper's
    normalise: Annotated[bool, archbench.Meta(description="batch normalisation after each convolution")] = (
        True  # as in the paper: degradation is not for want of it
    )

    def __post_init__(self) -> None:
        check_depth(self.depth, 6, 2)


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `plain` in the depths of Figure 6, from He's weights and from isometric ones."""
    isometric = {"start": "delta-orthogonal", "activation": "tanh", "normalise": False}
    depths = (20, 32, 44, 56, 110)
    yield archbench.Architecture(
        name="plain",
        build="archbench_plugins.plain.network:build",
        inputs=("image",),
        options=PlainOptions,
        variants={
            **{f"plain-{depth}": {"depth": depth} for depth in depths},
            **{f"plain-{depth}-orthogonal": {**isometric, "depth": depth} for depth in depths},
        },
        summary="Convolutions in a row: resnet without its shortcuts",
        source="arXiv:1512.03385, sec. 4.2",
        parameters={
            **counted(CIFAR, {f"plain-{depth}": count for depth, count in COUNTS.items()}),
            **counted(CIFAR, {f"plain-{depth}-orthogonal": count for depth, count in ORTHOGONAL.items()}),
        },
        tags=("convolutional", "control"),
        recipe=own_recipe,
    )


def own_recipe(options: PlainOptions) -> archbench.Published | None:
    """Return the recipe of the paper, or None unless kernels start from He's weights, as its nets do."""
    if options.start != "he":
        return None
    deep = options.depth >= 110
    return archbench.Published(
        source="arXiv:1512.03385, sec. 4.2",
        data="CIFAR-10",
        recipe=archbench.Recipe(
            optimizer="sgd",
            learning_rate=0.1,
            batch_size=128,
            steps=64_000,
            momentum=0.9,
            weight_decay=1e-4,
            warmup=400 / 64_000 if deep else 0.0,
            warmup_rate=0.01 if deep else 0.0,
            milestones=(0.5, 0.75),
        ),
        augmentation="padded by 4, cropped to 32x32, mirrored",
        note=(
            "110 layers start with 0.01 until the training error is below 80 %: some 400 steps. Of the 50,000 images "
            "5,000 are for validation"
        ),
    )
