"""Metrics that take answers in another form than networks give them, those of `TorchMetric` among them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
import torchmetrics
import torchmetrics.classification
import torchmetrics.regression
from torch import Tensor, nn
from torchmetrics import Metric

from archbench._declarations import Targets, TaskInfo, TorchMetric, resolve
from archbench._errors import DeclarationError
from archbench._training._losses import is_asked

Pair = tuple[Tensor, Tensor]


class Adapted(nn.Module):
    """A metric that is given outputs and targets in its own form.

    Args:
        metric: of torchmetrics.
        adapt: `adapt(outputs, targets)` returns what its `update` takes.
    """

    def __init__(self, metric: Metric, adapt: Callable[[Tensor, Tensor], Pair]) -> None:
        super().__init__()
        self.metric, self.adapt = metric, adapt

    @property
    def device(self) -> torch.device:
        """Where its state lies."""
        return self.metric.device

    def update(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch, unless it asks for nothing."""
        answers, asked = self.adapt(outputs, targets)
        if len(asked):
            self.metric.update(answers, asked)

    def compute(self) -> Any:
        """Return the metric over all batches."""
        return self.metric.compute()

    def reset(self) -> None:
        """Forget all batches."""
        self.metric.reset()


def adapt_known(outputs: Tensor, targets: Tensor) -> Pair:
    """Return outputs and targets, both (N,), that are asked for."""
    asked = is_asked(targets)
    return outputs[asked], targets[asked]


def adapt_answers(outputs: Tensor, targets: Tensor, kind: Targets) -> Pair:
    """Return probabilities and targets, or numbers, in the form of torchmetrics.

    torchmetrics takes numbers between 0 and 1 for probabilities and others for logits, batch by batch. Probabilities
    leave it no choice.

    Args:
        outputs: of the network, the axes before the last flattened or not.
        targets: of the same examples.
        kind: of the targets. A row of several numbers or labels counts if all of it is known.
    """
    if kind == "classes":
        asked = is_asked(targets)
        return outputs[asked].float().softmax(-1), targets[asked]
    outputs, targets = outputs.flatten(0, -2), targets.flatten(0, -2)
    outputs = outputs.float().sigmoid() if kind == "labels" else outputs
    whole = is_asked(targets).all(-1)
    outputs, targets = outputs[whole], targets[whole]
    return (outputs[:, 0], targets[:, 0]) if targets.shape[-1] == 1 else (outputs, targets)


def make_declared(declared: TorchMetric, targets: Targets, info: TaskInfo) -> Adapted:
    """Return the metric of a declaration.

    Raises:
        DeclarationError: there is no such class, or it does not take the arguments.
    """
    made = _class_of(declared)
    try:
        known = inspect.signature(made).parameters
        sizes = {name: info.outputs for name in ("num_classes", "num_labels") if name in known}
        metric: Metric = made(**{**sizes, **declared.arguments})
    except (TypeError, ValueError) as error:
        raise DeclarationError(
            f"metric {declared.name!r}: {declared.metric} does not take these arguments ({error})"
        ) from None
    if not isinstance(metric, Metric):
        raise DeclarationError(f"metric {declared.name!r}: {declared.metric} is no metric of torchmetrics")
    return Adapted(metric, lambda outputs, its: adapt_answers(outputs, its, targets))


def _class_of(declared: TorchMetric) -> Callable[..., Any]:
    if ":" in declared.metric:
        return resolve(declared.metric)
    for module in (torchmetrics.classification, torchmetrics.regression, torchmetrics):
        if (found := getattr(module, declared.metric, None)) is not None:
            made: Callable[..., Any] = found
            return made
    raise DeclarationError(
        f"metric {declared.name!r}: torchmetrics has no class {declared.metric!r}; see its documentation for the names"
    )


def check_metric(metric: nn.Module, name: str, info: TaskInfo, targets: Tensor, where: str) -> None:
    """Check a metric on random outputs, before anything trains: it takes them and gives one number.

    Args:
        metric: of a task; it is reset afterwards.
        name: of the metric.
        info: of the task.
        targets: of a few examples, as the module of a trial hands them over.
        where: the task, for messages.

    Raises:
        DeclarationError: it raises, or gives several numbers.
    """
    of_classes = not targets.is_floating_point() and targets.dim() == 1
    shape = (*targets.shape, info.outputs) if of_classes else targets.shape
    outputs = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    try:
        metric.update(outputs, targets)  # type: ignore[operator]
        float(metric.compute())  # type: ignore[operator]
    except Exception as error:
        raise DeclarationError(
            f"{where}: the metric {name} cannot score its targets ({type(error).__name__}: {error}); it must take "
            "them and return one number"
        ) from error
    finally:
        metric.reset()  # type: ignore[operator]
