"""Residual networks for small images: the straight path through depth, without a gate.

Paper: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, section 4.2.
Reproduced: a 3x3 convolution with 16 filters; three stages of n blocks with 16, 32 and 64 filters, the first
convolution of stages two and three with stride 2; global average pooling; softmax. A block computes
y = relu(F(x) + x), where F is two 3x3 convolutions with batch normalisation after each and a ReLU between them. Where
the shape changes, x is subsampled and padded with zero channels (option A), so that a net has exactly as many
parameters as `plain`, which has no shortcuts: 269,722 at depth 20, 464,154 at 32, 658,586 at 44, 853,018 at 56,
1,727,962 at 110 and 19,421,274 at 1202 (3x32x32 images, 10 classes).

Symbols: the depth is 6n+2. Published test error on CIFAR-10 in per cent (Table 6): 8.75, 7.51, 7.17, 6.97, 6.43, 7.93.

Deviations: images of any size and any number of channels; the recipe is the protocol's. The paper does not say on
which side the zero channels go: here they come last. Convolutions start from He's initialisation in its fan-in form
(arXiv:1502.01852, eq. 10), the classifier from torch's default.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import archbench

CIFAR = archbench.TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)
COUNTS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962, 1202: 19_421_274}  # depth -> parameters


@dataclass(frozen=True, slots=True)
class ResNetOptions:
    """Depth decides everything else."""

    depth: Annotated[int, archbench.Meta(ge=8, description="layers with weights, 6n+2")] = 20  # the paper's smallest

    def __post_init__(self) -> None:
        n, rest = divmod(self.depth - 2, 6)
        if rest:
            near = f"{6 * n + 2} and {6 * n + 8}"
            raise ValueError(f"depth is {self.depth}; these nets have 6n+2 layers: the nearest depths are {near}")


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `resnet` in the depths of Table 6."""
    yield archbench.Architecture(
        name="resnet",
        build="archbench_plugins.networks.residual:build_resnet",
        inputs=("image",),
        options=ResNetOptions,
        variants={f"resnet-{depth}": {"depth": depth} for depth in (20, 32, 44, 56, 110, 1202)},
        summary="Every two layers add to their unchanged input",
        source="arXiv:1512.03385, sec. 4.2",
        parameters={f"resnet-{depth}": (CIFAR, count) for depth, count in COUNTS.items()},
    )
