"""The one LightningModule: it trains any network on any task under the house recipe.

Lightning hands over a *chunk* of steps at a time, and `training_step` takes them in a plain loop under manual
optimisation. Lightning's own loop costs about 0.4 ms a step on a CPU, as much as a small network; a chunk pays once.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.regression import MeanSquaredError

from archbench._declarations import IGNORED, Outputs, Task, TaskInfo
from archbench._protocols import Protocol, Recipe
from archbench._training._augmentation import Augmented
from archbench._training._data import Split
from archbench._training._metrics import BitsPerCharacter, Perplexity


class DivergedError(Exception):
    """The training loss is not finite."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the training loss is not finite at step {step}")


class TrialModule(pl.LightningModule):
    """Trains, validates and tests one network.

    Args:
        network: maps inputs, and lengths where the parts have them, to logits, or to `Outputs`.
        task, info: the loss, the metric and the shapes.
        protocol: recipe.
        steps: the budget, over which the learning rate rises and falls.
        parts: the splits, already on the device.
        train: what is trained on, if that is not the training split as it is.
        clock_start: reading of the monotonic clock from which the first step is timed.

    Attributes:
        steps, losses, validations, seconds: one entry per chunk; what the learning curves are made of.
        selected: the weights that did best on validation, and the step after which they were taken.
        scores: test scores, by `selected` and `last`.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        info: TaskInfo,
        *,
        protocol: Protocol,
        steps: int,
        parts: Mapping[str, Split],
        train: Augmented | None = None,
        clock_start: float,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network, self.task, self.protocol, self.parts = network, task, protocol, parts
        self.train_part = train or parts["train"]
        self.rates = learning_rates(protocol.recipe, steps)
        self.outputs = info.outputs
        self.metric = make_metric(task, info)
        self.metric_selected = make_metric(task, info)
        self.clock_start = clock_start
        self.first_step_seconds: float | None = None
        self.steps: list[int] = []
        self.losses: list[Tensor] = []
        self.validations: list[float] = []
        self.seconds: list[float] = []
        self.selected: tuple[int, Mapping[str, Tensor]] = (0, {})
        self.scores: dict[str, float] = {}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with decoupled weight decay; the fused kernel updates all parameters in one call."""
        recipe = self.protocol.recipe
        parameters = [p for p in self.network.parameters() if p.requires_grad]
        return torch.optim.AdamW(
            parameters, lr=self.rates[0], betas=recipe.betas, weight_decay=recipe.weight_decay, fused=True
        )

    def training_step(self, chunk: Tensor, chunk_index: int) -> None:
        """Take the steps of one chunk; `chunk` holds the indices of their examples, (steps, batch)."""
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        (group,) = optimizer.param_groups
        network, train = self.network, self.train_part
        clip = self.protocol.recipe.clip_norm
        done = self.steps[-1] if self.steps else 0
        losses = []
        start = self._now()
        for offset, (arguments, targets) in enumerate(train.batches(chunk)):
            loss = self._loss(network(*arguments), targets)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(group["params"], clip)
            group["lr"] = self.rates[done + offset]
            optimizer.step()
            losses.append(loss.detach())
            if self.first_step_seconds is None:
                self.first_step_seconds = self._now() - self.clock_start
        self.seconds.append(self._now() - start)
        self.steps.append(done + len(chunk))
        self.losses.append(torch.stack(losses).cpu())
        self._stop_if_diverged(done)

    def _loss(self, outputs: Tensor | Outputs, targets: Tensor) -> Tensor:
        if isinstance(outputs, Outputs):
            loss = self._logits_loss(outputs.logits, targets)
            for logits, weight in outputs.auxiliary.values():
                loss = loss + weight * self._logits_loss(logits, targets)
            return loss
        return self._logits_loss(outputs, targets)

    def _logits_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        if self.task.loss == "mean_squared_error":
            if logits.shape != targets.shape:  # else broadcasting would train on the wrong thing in silence
                raise ValueError(f"the network returned {tuple(logits.shape)}, the targets are {tuple(targets.shape)}")
            return functional.mse_loss(logits, targets)
        if logits.shape != (*targets.shape, self.outputs):  # else an answer in time order would train on other labels
            raise ValueError(
                f"the network returned {tuple(logits.shape)}, the task needs {(*targets.shape, self.outputs)}"
            )
        return functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=IGNORED)

    def _stop_if_diverged(self, done: int) -> None:
        finite = torch.isfinite(self.losses[-1])
        if not finite.all():
            raise DivergedError(done + int((~finite).nonzero()[0]) + 1)

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.monotonic()

    def validation_step(self, batch: tuple[str, int, int], batch_index: int) -> None:
        """Feed one slice of the validation split to the metric."""
        arguments, targets = self._slice(batch)
        self._update(self.metric, self.network(*arguments), targets)

    def on_validation_epoch_end(self) -> None:
        """Keep the weights if they are the best so far."""
        value = float(self.metric.compute())
        self.metric.reset()
        if self._better(value):
            self.selected = (self.steps[-1], copy.deepcopy(self.network.state_dict()))
        self.validations.append(value)

    def _better(self, value: float) -> bool:
        if not self.validations:
            return True
        best = max(self.validations) if self.task.higher_is_better else min(self.validations)
        return value > best if self.task.higher_is_better else value < best

    def on_test_start(self) -> None:
        """Keep the last weights while the selected ones take their place."""
        self.last = copy.deepcopy(self.network.state_dict())

    def test_step(self, batch: tuple[str, int, int], batch_index: int) -> None:
        """Score the last and the selected weights in one pass over the test split."""
        arguments, targets = self._slice(batch)
        self._update(self.metric, self.network(*arguments), targets)
        # Loaded in place: tied weights stay tied, and what a network refers to elsewhere is what it runs on.
        self.network.load_state_dict(self.selected[1] or self.last)
        self._update(self.metric_selected, self.network(*arguments), targets)
        self.network.load_state_dict(self.last)

    def on_test_epoch_end(self) -> None:
        """Read the two scores."""
        self.scores = {"last": float(self.metric.compute()), "selected": float(self.metric_selected.compute())}

    def _slice(self, batch: tuple[str, int, int]) -> tuple[tuple[Tensor, ...], Tensor]:
        split, start, end = batch
        return self.parts[split].scan(start, end)

    def _update(self, metric: Metric, outputs: Tensor | Outputs, targets: Tensor) -> None:
        logits = outputs.logits if isinstance(outputs, Outputs) else outputs
        if self.task.loss == "cross_entropy":
            metric.update(logits.flatten(0, -2), targets.flatten())
        else:
            metric.update(logits, targets)


def learning_rates(recipe: Recipe, steps: int) -> list[float]:
    """The learning rate of each step: a linear warm-up, then half a cosine down to 0."""
    warm = max(1, round(recipe.warmup * steps))
    rise = [(i + 1) / warm for i in range(min(warm, steps))]
    fall = [0.5 * (1 + math.cos(math.pi * (i + 1) / (steps - warm + 1))) for i in range(steps - warm)]
    return [recipe.learning_rate * factor for factor in rise + fall]


def make_metric(task: Task, info: TaskInfo) -> Metric:
    """The torchmetrics metric that the task names."""
    if task.metric == "accuracy":
        return MulticlassAccuracy(num_classes=info.outputs, average="micro", ignore_index=IGNORED)
    if task.metric == "bits_per_character":
        return BitsPerCharacter()
    return Perplexity() if task.metric == "perplexity" else MeanSquaredError()
