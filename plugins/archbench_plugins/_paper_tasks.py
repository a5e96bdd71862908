"""The data on which papers count the parameters of their networks."""

from __future__ import annotations

from collections.abc import Mapping

from archbench import TaskInfo

MNIST = TaskInfo(kind="image", input_shape=(1, 28, 28), outputs=10)
CIFAR = TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)
IMAGENET = TaskInfo(kind="image", input_shape=(3, 224, 224), outputs=1000)
PIXELS = TaskInfo(kind="sequence", input_shape=(784, 1), outputs=10)  # MNIST, one pixel a step


def counted(task: TaskInfo, counts: Mapping[str, int]) -> dict[str, tuple[TaskInfo, int]]:
    """Variant to (task, number of parameters)."""
    return {variant: (task, count) for variant, count in counts.items()}
