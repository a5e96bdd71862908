"""Network in network: a small perceptron in place of each convolution, and no linear layer at the end.

Paper: Lin, Chen and Yan, "Network In Network", arXiv:1312.4400, sections 3 and 4; layers as in the authors' definition
for CIFAR-10.
Reproduced: 5x5 convolution to 192 channels, 1x1 to 160, 1x1 to 96; max-pool 3/2, dropout 0.5; 5x5 to 192, 1x1 to 192
twice; average pool 3/2, dropout 0.5; 3x3 to 192, 1x1 to 192, 1x1 to the classes; global average pooling. ReLU behind
each convolution but the last. 966,986 parameters (3x32x32 images, 10 classes). Published test error on CIFAR-10 in per
cent: 10.41, with augmentation 8.81.

Symbols: `width` is the number of channels that most layers have.

Deviations: images of any size from 4x4 and any number of channels; pools round up, as in the authors' framework. The
last layer has no ReLU (the authors' definition has one), because a class whose logit starts below 0 would never learn.
He's initialisation in place of N(0, 0.05).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import archbench
from archbench_plugins.shared.declaring import CIFAR, counted

SMALLEST = 4  # 4 -> pool 3/2 -> 2 -> pool 3/2 -> 1


@dataclass(frozen=True, slots=True)
class NINOptions:
    """Options of `nin`: its width, which decides everything else."""

    width: Annotated[int, archbench.Meta(ge=6, description="channels, 192 in the paper")] = (
        48  # a sixteenth of the work: seconds on small images
    )


def incompatible(task: archbench.TaskInfo, options: NINOptions) -> str | None:
    """Return why this network cannot take this task, or None if it can."""
    height, width = task.input_shape[-2:]
    if min(height, width) < SMALLEST:
        return f"images are {height}x{width}; the two pools need at least {SMALLEST}x{SMALLEST}"
    return None


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `nin` with the net for CIFAR."""
    yield archbench.Architecture(
        name="nin",
        build="archbench_plugins.nin.network:build",
        inputs=("image",),
        options=NINOptions,
        variants={"nin-cifar": {"width": 192}},
        incompatible=incompatible,
        summary="Perceptrons that slide over the image; averages in place of linear layers",
        source="arXiv:1312.4400, sec. 3 and 4",
        parameters=counted(CIFAR, {"nin-cifar": 966_986}),
        control="alexnet",
        tags=("convolutional",),
    )
