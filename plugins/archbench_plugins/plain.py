"""Plain convolutional networks: `resnet` with the shortcuts cut, the control of the degradation experiment.

Paper: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, section 4.2; their
design follows the VGG nets (Simonyan and Zisserman, arXiv:1409.1556).
Reproduced: a 3x3 convolution with 16 filters; three stages of 2n such layers with 16, 32 and 64 filters, the first of
stages two and three with stride 2; batch normalisation and ReLU after each; global average pooling; softmax. Layers
and parameters are exactly those of `resnet` of the same depth (269,722 at depth 20 to 1,727,962 at 110), and with one
seed so are the weights at the start.

Symbols: the depth is 6n+2. Published on CIFAR-10 (Figure 6): training and test error rise from depth 20 to 56; at 110
the error stays above 60 %.

Deviations: as in `resnet`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import archbench

CIFAR = archbench.TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)
COUNTS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}  # depth -> parameters, as of `resnet`


@dataclass(frozen=True, slots=True)
class PlainOptions:
    """Depth decides everything else."""

    depth: Annotated[int, archbench.Meta(ge=8, description="layers with weights, 6n+2")] = 20  # the paper's smallest

    def __post_init__(self) -> None:
        n, rest = divmod(self.depth - 2, 6)
        if rest:
            near = f"{6 * n + 2} and {6 * n + 8}"
            raise ValueError(f"depth is {self.depth}; these nets have 6n+2 layers: the nearest depths are {near}")


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `plain` in the depths of Figure 6."""
    yield archbench.Architecture(
        name="plain",
        build="archbench_plugins.networks.residual:build_plain",
        inputs=("image",),
        options=PlainOptions,
        variants={f"plain-{depth}": {"depth": depth} for depth in (20, 32, 44, 56, 110)},
        summary="Convolutions in a row: resnet without its shortcuts",
        source="arXiv:1512.03385, sec. 4.2",
        parameters={f"plain-{depth}": (CIFAR, count) for depth, count in COUNTS.items()},
    )
