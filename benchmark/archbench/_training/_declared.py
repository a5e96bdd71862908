"""The loss and the metrics that a task declares itself, tried before anything trains."""

from __future__ import annotations

from torch import Tensor

from archbench._declarations import Task, TaskInfo, TorchLoss, TorchMetric
from archbench._training._adapted_metrics import check_metric
from archbench._training._losses import TaskLoss, check_loss, is_asked
from archbench._training._metrics import make_metric

TRIED = 64
"""Training examples that are tried."""


def check_declared(task: Task, info: TaskInfo, targets: Tensor) -> None:
    """Raise if a loss or a metric that a task declares itself cannot work on its targets.

    Args:
        task, info: the declaration.
        targets: of the training split, on the CPU; the first that ask for something are tried.

    Raises:
        DeclarationError: the loss is not finite or has no gradient, or a metric does not take the targets.
    """
    where = f"task {task.name!r}"
    few = targets[is_asked(targets).flatten(1).any(1) if targets.dim() > 1 else is_asked(targets)][:TRIED].clone()
    if isinstance(task.loss, TorchLoss):
        check_loss(TaskLoss(task, info), few, where)
    for item in task.metrics:
        if isinstance(item, TorchMetric):
            flat = few.flatten() if task.targets == "classes" else few
            check_metric(make_metric(task, info, item.name), item.name, info, flat, where)
