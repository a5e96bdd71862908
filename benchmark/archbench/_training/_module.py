"""The one LightningModule: it trains any network on any task under a recipe.

Lightning hands over a *chunk* of steps at a time, and `training_step` takes them in a plain loop under manual
optimisation. Lightning's own loop costs about 0.4 ms a step on a CPU, as much as a small network; a chunk pays once.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import Metric

from archbench._declarations import IGNORED, Outputs, Task, TaskInfo
from archbench._protocols import Recipe
from archbench._training._augmentation import Augmented
from archbench._training._metrics import make_metric
from archbench._training._optimizers import make_optimizer
from archbench._training._schedule import TrainingClock, learning_rates, rate_at
from archbench._training._splits import Split


class DivergedError(Exception):
    """The training loss is not finite."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the training loss is not finite at step {step}")


class TrialModule(pl.LightningModule):
    """Trains, validates and tests one network.

    Args:
        network: maps inputs, and lengths where the splits have them, to logits, or to `Outputs`.
        task, info: the loss, the metric and the shapes.
        recipe: how the weights are updated.
        steps: the budget, over which the learning rate rises and falls; None where it is a time.
        seconds: the budget where it is a time.
        stop_at_target: training ends once validation has reached the target of the task.
        splits: the splits, already on the device.
        train: what is trained on, if that is not the training split as it is.
        clock_start: reading of the monotonic clock from which the first step is timed.

    Attributes:
        steps, losses, validations, seconds: one entry per chunk; what the learning curves are made of.
        clock: seconds of training.
        reached: the entry of these lists at which validation first reached the target of the task.
        selected: the weights that did best on validation, and the step after which they were taken.
        scores: test scores, by `selected` and `last`.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        info: TaskInfo,
        *,
        recipe: Recipe,
        steps: int | None,
        splits: Mapping[str, Split],
        train: Augmented | None = None,
        clock_start: float,
        seconds: float | None = None,
        stop_at_target: bool = False,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network, self.task, self.recipe, self.splits = network, task, recipe, splits
        self.train_split = train or splits["train"]
        self.rates = [] if steps is None else learning_rates(recipe, steps)
        self.clock = TrainingClock(seconds, self._now)
        self.stop_at_target = stop_at_target
        self.reached: int | None = None
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
        """The optimiser of the recipe."""
        return make_optimizer(self.network, self.recipe)

    def training_step(self, chunk: Iterable[Tensor], chunk_index: int) -> None:
        """Take the steps of one chunk, which yields the indices of their examples, (batch,) each."""
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        groups = optimizer.param_groups
        trained = [parameter for group in groups for parameter in group["params"]]
        network = self.network
        clip = self.recipe.clip_norm
        done = self.steps[-1] if self.steps else 0
        losses = []
        self.clock.start()
        for offset, (arguments, targets) in enumerate(self.train_split.batches(chunk)):
            loss = self._loss(network(*arguments), targets)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            if clip:
                nn.utils.clip_grad_norm_(trained, clip)
            rate = self._rate(done + offset)
            for group in groups:
                group["lr"] = rate * group["share"]
            optimizer.step()
            losses.append(loss.detach())
            if self.first_step_seconds is None:
                self.first_step_seconds = self._now() - self.clock_start
        self.seconds.append(self.clock.stop())
        self.steps.append(done + len(losses))
        self.losses.append(torch.stack(losses).cpu())
        self._stop_if_diverged(done)
        if self.clock.seconds is not None and self.clock.share() >= 1:
            self.trainer.should_stop = True  # a chunk has one step at least, so fewer chunks may fit than planned

    def _rate(self, step: int) -> float:
        return self.rates[step] if self.rates else rate_at(self.recipe, self.clock.share())

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
        if self.reached is None and self._solves(value):
            self.reached = len(self.validations) - 1
            self.trainer.should_stop = self.trainer.should_stop or self.stop_at_target

    def _solves(self, value: float) -> bool:
        target = self.task.target
        return target is not None and (value >= target if self.task.higher_is_better else value <= target)

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
        answer = self.network(*arguments)
        self._update(self.metric, answer, targets)
        step, weights = self.selected
        if weights and step != self.steps[-1]:
            # Loaded in place: tied weights stay tied, and what a network refers to elsewhere is what it runs on.
            self.network.load_state_dict(weights)
            answer = self.network(*arguments)
            self.network.load_state_dict(self.last)
        self._update(self.metric_selected, answer, targets)

    def on_test_epoch_end(self) -> None:
        """Read the two scores."""
        self.scores = {"last": float(self.metric.compute()), "selected": float(self.metric_selected.compute())}

    def _slice(self, batch: tuple[str, int, int]) -> tuple[tuple[Tensor, ...], Tensor]:
        name, start, end = batch
        return self.splits[name].scan(start, end)

    def _update(self, metric: Metric, outputs: Tensor | Outputs, targets: Tensor) -> None:
        logits = outputs.logits if isinstance(outputs, Outputs) else outputs
        if self.task.loss == "cross_entropy":
            metric.update(logits.flatten(0, -2), targets.flatten())
        else:
            metric.update(logits, targets)
