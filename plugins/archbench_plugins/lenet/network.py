"""LeNet-5: two convolutions, two pools, three linear layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from archbench_plugins.shared.images import Chain

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.lenet import LeNetOptions

FIELD = 32  # the paper centres 28x28 images in it


def build(task: TaskInfo, options: LeNetOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    channels, height, width = task.input_shape
    H, W = max(height, FIELD), max(width, FIELD)
    top, left = (H - height) // 2, (W - width) // 2
    pool = nn.AvgPool2d if options.pool == "average" else nn.MaxPool2d
    squash = nn.Tanh if options.activation == "tanh" else nn.ReLU
    return Chain(
        nn.ZeroPad2d((left, W - width - left, top, H - height - top)),  # (B, C, 32, 32) from smaller images
        *(nn.Conv2d(channels, 6, 5), squash(), pool(2)),  # C1, S2: (B, 6, 14, 14)
        *(nn.Conv2d(6, 16, 5), squash(), pool(2)),  # C3, S4: (B, 16, 5, 5)
        nn.Flatten(),
        *(nn.Linear(16 * _after(H) * _after(W), 120), squash()),  # C5: (B, 120)
        *(nn.Linear(120, 84), squash()),  # F6: (B, 84)
        nn.Linear(84, task.outputs),
    )


def _after(size: int) -> int:
    """Return a side after both convolutions and pools: 32 -> 28 -> 14 -> 10 -> 5."""
    return ((size - 4) // 2 - 4) // 2
