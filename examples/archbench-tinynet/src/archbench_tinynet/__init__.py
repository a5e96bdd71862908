"""Depthwise-separable convolutions for small images, with a linear shortcut around each block.

Paper: Howard et al., "MobileNets", arXiv:1704.04861, section 3.1: a 3x3 convolution of each channel by itself, then a
1x1 convolution across channels.
Deviations: far smaller; a shortcut around each block, as in MobileNetV2 (arXiv:1801.04381, section 3.3).
No published number fits this size.

Nothing here imports torch: every command of the suite loads this file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import archbench

DIGITS = archbench.TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)


@dataclass(frozen=True, slots=True)
class TinyNetOptions:
    """The options that users may set: `benchmark run 'tinynet[width=64]'`."""

    width: Annotated[int, archbench.Meta(ge=1, description="channels")] = 32  # enough for ten classes of 8x8 pixels
    blocks: Annotated[int, archbench.Meta(ge=1, description="depthwise-separable blocks")] = 2


def incompatible(task: archbench.TaskInfo, options: TinyNetOptions) -> str | None:
    """Return why this network cannot take this task, or None if it can."""
    height, width = task.input_shape[1:]
    return None if min(height, width) >= 4 else f"images are {height}x{width}; at least 4x4 is needed"


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `tinynet` and a deeper variant."""
    yield archbench.Architecture(
        name="tinynet",
        build="archbench_tinynet.network:build",
        inputs=("image",),
        options=TinyNetOptions,
        variants={"tinynet-deep": {"blocks": 6}},
        incompatible=incompatible,
        summary="Depthwise-separable convolutions with shortcuts",
        source="after arXiv:1704.04861, sec. 3.1",
        parameters={"tinynet": (DIGITS, 3_530), "tinynet-deep": (DIGITS, 9_290)},
    )
