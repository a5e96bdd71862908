"""The loss of a task as a function of what a network returned, named or by declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import Metric

from archbench._declarations import IGNORED, Outputs, Task, TaskInfo, TorchLoss, resolve
from archbench._errors import DeclarationError
from archbench._training._precision import widened

ELEMENTWISE: dict[str, Callable[..., Tensor]] = {
    "mean_squared_error": functional.mse_loss,
    "mean_absolute_error": functional.l1_loss,
    "huber": functional.huber_loss,
    "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
}


def describe_no_logits(output: object) -> str:
    """Return what is wrong with an output that is neither a tensor nor `Outputs`."""
    return f"the network returned {type(output).__name__}; return a tensor of logits, or archbench.Outputs"


def logits_of(outputs: Any) -> Tensor:
    """Return the logits of what a network returned.

    Raises:
        TypeError: they are no tensor.
    """
    logits = outputs.logits if isinstance(outputs, Outputs) else outputs
    if not isinstance(logits, Tensor):
        raise TypeError(describe_no_logits(logits))
    return logits


class TaskLoss(nn.Module):
    """The loss of a task. It is a module so that a loss with buffers moves to the device of the trial.

    Args:
        task, info: the declaration.
    """

    def __init__(self, task: Task, info: TaskInfo) -> None:
        super().__init__()
        self.info, self.targets, self.missing = info, task.targets, task.missing_targets
        self.declared = isinstance(task.loss, TorchLoss)
        self.function = _make_function(task.loss, info)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean over the targets that are asked for.

        Raises:
            TypeError: the network returned no tensor.
            ValueError: the network returned another shape than the task needs.
        """
        try:
            return self._mean(logits, targets)
        except (AttributeError, TypeError):  # only now, since to ask in every step would take time
            if isinstance(logits, Tensor):
                raise
            raise TypeError(describe_no_logits(logits)) from None

    def _mean(self, logits: Tensor, targets: Tensor) -> Tensor:
        self._check(logits, targets)
        logits = widened(logits)
        if self.targets == "classes":
            return self._of_classes(logits.flatten(0, -2), targets.flatten())
        if self.missing and not self.declared:
            return self._of_known(logits, targets)
        if self.missing:
            asked = is_asked(targets)
            logits, targets = logits[asked], targets[asked]
        loss: Tensor = self.function(logits, targets if targets.is_floating_point() else targets.float())
        return loss

    def _check(self, logits: Tensor, targets: Tensor) -> None:
        if self.targets != "classes":
            if logits.shape != targets.shape:  # broadcasting would train on the wrong thing in silence
                raise ValueError(f"the network returned {tuple(logits.shape)}, the targets are {tuple(targets.shape)}")
        elif logits.shape != (*targets.shape, self.info.outputs):  # in time order, it would train on other labels
            raise ValueError(
                f"the network returned {tuple(logits.shape)}, the task needs {(*targets.shape, self.info.outputs)}"
            )

    def _of_classes(self, logits: Tensor, targets: Tensor) -> Tensor:
        if not self.declared:
            return functional.cross_entropy(logits, targets, ignore_index=IGNORED)
        asked = targets != IGNORED
        loss: Tensor = self.function(logits[asked], targets[asked])
        return loss

    def _of_known(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean over the targets that are known, 0 without any; nothing waits for the device."""
        asked = is_asked(targets)
        each = self.function(logits, torch.where(asked, targets, 0).float(), reduction="none")
        return torch.where(asked, each, 0).sum() / asked.sum().clamp(min=1)


def _make_function(loss: str | TorchLoss, info: TaskInfo) -> Callable[..., Any]:
    if not isinstance(loss, TorchLoss):
        return ELEMENTWISE.get(loss, functional.cross_entropy)
    if loss.factory is not None:
        made: Callable[..., Any] = resolve(loss.factory)(info, **loss.arguments)
        return made
    named = isinstance(loss.function, str) and ":" not in loss.function
    function = getattr(functional, str(loss.function), None) if named else resolve(loss.function or "")
    if function is None:
        raise DeclarationError(f"torch.nn.functional has no {loss.function!r}; see its documentation for the losses")
    return lambda outputs, targets: function(outputs, targets, **loss.arguments)


def is_asked(targets: Tensor) -> Tensor:
    """Return which targets are known: numbers that are not NaN, and labels and classes that are not `IGNORED`."""
    return ~torch.isnan(targets) if targets.is_floating_point() else targets != IGNORED


class MeanLoss(Metric):
    """The loss of a task over all targets that are asked for, however they are cut into batches.

    Args:
        loss: of the task.
    """

    total: Tensor
    count: Tensor

    def __init__(self, loss: TaskLoss) -> None:
        super().__init__()
        self.loss = loss
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, targets: Tensor) -> None:
        """Add a batch: what the network returned, and the targets."""
        asked = is_asked(targets).sum()
        self.total += torch.where(asked > 0, self.loss(logits, targets).double() * asked, 0)
        self.count += asked

    def compute(self) -> Tensor:
        """Return the mean over all batches."""
        return self.total / self.count


def check_loss(loss: TaskLoss, targets: Tensor, where: str) -> None:
    """Check a loss on random outputs: it is one finite number and tells every output in which direction to go.

    Args:
        loss: of a task.
        targets: of a few examples, those of the task; one at least is asked for.
        where: the task, for messages.

    Raises:
        DeclarationError: it is not, or the gradient is missing, not finite or zero.
    """
    shape = (*targets.shape, loss.info.outputs) if loss.targets == "classes" else targets.shape
    outputs = torch.randn(shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    value = loss(outputs, targets)
    if not isinstance(value, Tensor) or value.dim():
        got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise DeclarationError(f"{where}: the loss returns {got}; it must return one number, such as a mean")
    if not value.isfinite():
        raise DeclarationError(f"{where}: the loss of random outputs is {value.item():g}, which is not finite")
    if not value.requires_grad:
        raise DeclarationError(
            f"{where}: the loss has no gradient; compute it from the outputs with torch, without detach() or argmax()"
        )
    (gradient,) = torch.autograd.grad(value, outputs, allow_unused=True)
    if gradient is None or not gradient.isfinite().all() or not gradient.any():
        found = "missing" if gradient is None else "zero" if gradient.isfinite().all() else "not finite"
        raise DeclarationError(f"{where}: the gradient of the loss is {found}, so that nothing would be learnt")
