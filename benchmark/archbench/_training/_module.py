"""The one LightningModule: it trains any network on any task under a recipe.

Lightning hands over a *chunk* of steps at a time, and `training_step` takes them in a plain loop under manual
optimisation. Lightning's own loop costs about 0.4 ms a step on a CPU, as much as a small network; a chunk pays once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from archbench._declarations import Outputs, Published, Task, TaskInfo, resolve
from archbench._protocols import Recipe
from archbench._training._augmentation import Augmented
from archbench._training._averaging import WeightAverage
from archbench._training._backends import wait_for
from archbench._training._evaluation import copy_of_state, evaluating
from archbench._training._optimizers import make_optimizer
from archbench._training._penalties import Penalties, total_penalty
from archbench._training._recorded import RecordedSteps, Recorder, Taken, find_obstacle
from archbench._training._schedule import TrainingClock, learning_rates, rate_at
from archbench._training._scoring import ScoredModule
from archbench._training._splits import EvaluationBatches, ResidentSplit, Split
from archbench._training._updates import Updates


class DivergedError(Exception):
    """The training loss is not finite.

    Args:
        step: the first step with such a loss, counted from 1.
    """

    def __init__(self, step: int) -> None:
        super().__init__(f"the training loss is not finite at step {step}")


class TrialModule(ScoredModule):
    """The training, validation and test of one network.

    Args:
        network: maps inputs, and lengths where the splits have them, to logits, or to `Outputs`.
        task, info: the loss, the metric and the shapes.
        recipe: how the weights are updated.
        published: has the optimiser, the schedule and the average of an own recipe, if it adds any; else None.
        steps: the budget in steps, over which the learning rate rises and falls; None where it is a time.
        splits: the splits by name, already on the device.
        train: the augmented training split; None to train on `splits["train"]` as it is.
        clock_start: reading of the monotonic clock from which the first step is timed.
        seconds: the budget in seconds; None where it is a number of steps.
        stop_at_target: whether training ends once validation has reached the target of the task.
        validation: the batches that each chunk of steps is followed by; None to train only.

    Attributes:
        losses: training losses of each chunk, (steps of the chunk,), without penalties.
        penalties: the weighted penalties of each chunk, which training minimises too.
        validations: validation score after each chunk.
        seconds: seconds of training of each chunk.
        running: training losses of the steps of the chunk that is under way.
        clock: seconds of training so far.
        average: the average of the weights that is evaluated; None for the weights themselves.
        reached: index of the chunk after which validation first reached the target of the task; None until then.
        after_validation: called with the steps done after each validation; None for nothing.
        recorder: of the device; None to take steps one by one.
        recorded: the steps that can be repeated from a recording; None before the first one, and where none can.
        cuda_graph: `used` if steps were repeated from a recording, else why not; empty without a recorder.
        before_training: called when the optimiser is there, before the first chunk; None for nothing.
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
        validation: EvaluationBatches | None = None,
        published: Published | None = None,
    ) -> None:
        super().__init__(network, task, info, splits)
        self.automatic_optimization = False
        self.recipe = recipe
        self.train_split = train or splits["train"]
        self.published = published
        self.schedule = resolve(published.schedule) if published and published.schedule else None
        self.average = WeightAverage(network, published.average) if published and published.average else None
        self.rates = [] if steps is None else learning_rates(recipe, steps, self.schedule)
        self.clock = TrainingClock(seconds, self._now)
        self.stop_at_target = stop_at_target
        self.validation = validation
        self.reached: int | None = None
        self.clock_start = clock_start
        self.first_step_seconds: float | None = None
        self.losses: list[Tensor] = []
        self.penalties = Penalties()
        self.validations: list[float] = []
        self.seconds: list[float] = []
        self.running: list[Tensor] = []
        self.after_validation: Callable[[int], None] | None = None
        self.recorder: Recorder | None = None
        self.recorded: RecordedSteps | None = None
        self.cuda_graph = ""
        self.before_training: Callable[[TrialModule], None] | None = None

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser of the recipe."""
        return make_optimizer(self.network, self.recipe, self.published)

    def on_train_start(self) -> None:
        """Put back the state of a training that was stopped, if there is one."""
        if self.before_training is not None:
            self.before_training(self)

    def training_step(self, chunk: Iterable[Tensor], chunk_index: int) -> None:
        """Take the steps of one chunk; it yields the indices of the examples of each step, (batch,)."""
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        done = self.steps[-1] if self.steps else 0
        losses = self.running = []
        self.clock.start()
        for offset, (loss, penalty) in enumerate(self._take_steps(optimizer, chunk, done)):
            losses.append(loss)
            if penalty is not None:
                self.penalties.note(offset, penalty)
            if self.first_step_seconds is None:
                self.first_step_seconds = self._now() - self.clock_start
        self.seconds.append(self.clock.stop())
        self.running = []  # first, since a signal may ask between the two lines, and no step may count twice
        self.steps.append(done + len(losses))
        self.losses.append(self.collect(losses))
        self.penalties.end_chunk(len(losses))
        self._stop_if_diverged(done)
        if self.clock.seconds is not None and self.clock.share() >= 1:
            self.trainer.should_stop = True  # every chunk has at least one step, so fewer may fit than were planned

    def _take_steps(self, optimizer: torch.optim.Optimizer, chunk: Iterable[Tensor], done: int) -> Iterator[Taken]:
        """Take the steps of a chunk after those that are done, and yield the loss and the penalty of each."""
        if self.recorder is not None and self.recorded is None:
            self.cuda_graph = self.obstacle(optimizer)
            self.recorded = None if self.cuda_graph else self._make_recorded(optimizer)
        if self.recorded is not None:
            assert isinstance(chunk, Tensor)
            yield from self.recorded.run(chunk, self.rates[done : done + len(chunk)])
            self.cuda_graph = self.recorded.verdict
            return
        updates = Updates(optimizer, self.recipe.clip_norm)
        for offset, (arguments, targets) in enumerate(self.train_split.batches(chunk)):
            yield self.take_step(updates, arguments, targets, self._rate(done + offset))

    def take_step(self, updates: Updates, arguments: Sequence[Tensor], targets: Tensor, rate: float | Tensor) -> Taken:
        """Take a step on a batch, and return its loss and its penalty, if the network gives one."""
        outputs = self.network(*arguments)
        loss, penalty = self.loss(outputs, targets), total_penalty(outputs)
        updates.clear()
        loss = self.differentiate(loss, penalty)
        if updates.clip_norm:
            updates.clip()
        updates.set_rate(rate)
        updates.apply()
        if self.average is not None:
            self.average.update()
        return loss, penalty

    def obstacle(self, optimizer: torch.optim.Optimizer) -> str:
        """Return why no step can be repeated from a recording; empty if one can be tried."""
        return find_obstacle(len(self.rates), isinstance(self.train_split, ResidentSplit), optimizer)

    def _make_recorded(self, optimizer: torch.optim.Optimizer) -> RecordedSteps:
        assert self.recorder is not None
        split, updates = self.splits["train"], Updates(optimizer, self.recipe.clip_norm)
        return RecordedSteps(
            partial(self.take_step, updates),
            lambda index: next(split.batches([index])),
            self.recorder,
            network=self.network,
            optimizer=optimizer,
            others=lambda: [] if self.average is None else list(self.average.average.values()),
        )

    def differentiate(self, loss: Tensor, penalty: Tensor | None) -> Tensor:
        """Compute the gradients of a loss and a penalty, and return the loss to be noted."""
        (loss if penalty is None else loss + penalty).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def collect(self, losses: list[Tensor]) -> Tensor:
        """Return the losses of a chunk in host memory, (steps,)."""
        return torch.stack(losses).cpu()

    @property
    def done(self) -> int:
        """Optimiser steps done so far, those of the chunk that is under way included."""
        return (self.steps[-1] if self.steps else 0) + len(self.running)

    def _rate(self, step: int) -> float:
        return self.rates[step] if self.rates else rate_at(self.recipe, self.clock.share(), self.schedule)

    def objective(self, outputs: Tensor | Outputs, targets: Tensor) -> Tensor:
        """Return what training minimises: the training loss and the penalties of the network."""
        loss, penalty = self.loss(outputs, targets), total_penalty(outputs)
        return loss if penalty is None else loss + penalty

    def loss(self, outputs: Tensor | Outputs, targets: Tensor) -> Tensor:
        """Return the training loss, auxiliary losses included."""
        if isinstance(outputs, Outputs):
            loss: Tensor = self.task_loss(outputs.logits, targets)
            for logits, weight in outputs.auxiliary.values():
                loss = loss + weight * self.task_loss(logits, targets)
            return loss
        return self.task_loss(outputs, targets)  # type: ignore[no-any-return]

    def _stop_if_diverged(self, done: int) -> None:
        finite = torch.isfinite(self.losses[-1] + self.penalties.chunks[-1])
        if not finite.all():
            raise DivergedError(done + int((~finite).nonzero()[0]) + 1)

    def _now(self) -> float:
        wait_for(self.device)
        return time.monotonic()

    def on_train_batch_end(self, outputs: Any, chunk: Iterable[Tensor], chunk_index: int) -> None:
        """Validate after a chunk, then let probes measure."""
        if self.validation is not None:
            with self.evaluated(), evaluating(self.network):
                self._validate(self.validation)
        if self.after_validation is not None:
            self.after_validation(self.steps[-1])

    def evaluated(self) -> AbstractContextManager[None]:
        """Let the network have the weights that are evaluated meanwhile: their average, if there is one."""
        return self.average.in_place() if self.average else nullcontext()

    def on_train_end(self) -> None:
        """Let the network keep the average of its weights, if that is what is evaluated."""
        self.recorded = None  # gives back its memory
        if self.average is not None:
            self.average.put()

    def _validate(self, batches: EvaluationBatches) -> None:
        """Note the validation score, and keep the weights if none before were better."""
        for batch in batches:
            arguments, targets = self._fetch(batch)
            self._update(self.metric, self.network(*arguments), targets)
        value = float(self.metric.compute())
        self.metric.reset()
        if self._is_best(value):
            self.selected = (self.steps[-1], copy_of_state(self.network))
        self.validations.append(value)
        if self.reached is None and self._solves(value):
            self.reached = len(self.validations) - 1
            self.trainer.should_stop = self.trainer.should_stop or self.stop_at_target

    def _solves(self, value: float) -> bool:
        target = self.task.target
        return target is not None and (value >= target if self.task.higher_is_better else value <= target)

    def _is_best(self, value: float) -> bool:
        """Return whether no validation so far was better; of equal ones the later counts, which trained longer."""
        if not self.validations:
            return True
        best = max(self.validations) if self.task.higher_is_better else min(self.validations)
        return value >= best if self.task.higher_is_better else value <= best
