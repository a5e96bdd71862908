"""Constants and checks for declarations. Free of torch, like the declarations themselves."""

from __future__ import annotations

from collections.abc import Mapping

from archbench import TaskInfo

# The data on which papers count the parameters of their networks.
MNIST = TaskInfo(kind="image", input_shape=(1, 28, 28), outputs=10)
CIFAR = TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)
IMAGENET = TaskInfo(kind="image", input_shape=(3, 224, 224), outputs=1000)
PIXELS = TaskInfo(kind="sequence", input_shape=(784, 1), outputs=10)  # MNIST, one pixel a step

LOOPS = ("archbench_plugins.shared.loops",)  # the compiled loops, and with them numba


def counted(task: TaskInfo, counts: Mapping[str, int]) -> dict[str, tuple[TaskInfo, int]]:
    """Return `Architecture.parameters` for variants that are all counted on one task.

    Args:
        task: the task of all of them.
        counts: variant -> number of parameters.
    """
    return {variant: (task, count) for variant, count in counts.items()}


def check_depth(depth: int, a: int, b: int) -> None:
    """Raise if no network of a family has this depth, and name the two nearest depths that exist.

    Args:
        depth: layers with weights.
        a: layers that each further block adds to all stages together.
        b: layers outside the blocks. The family has depths a n + b.

    Raises:
        ValueError: the depth is not a n + b.
    """
    n, rest = divmod(depth - b, a)
    if rest:
        near = f"{a * n + b} and {a * (n + 1) + b}"
        raise ValueError(f"depth is {depth}; these nets have {a}n+{b} layers: the nearest depths are {near}")
