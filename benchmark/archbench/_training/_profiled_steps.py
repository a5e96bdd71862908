"""The steps of a trial, taken as the suite takes them or timed phase by phase."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from archbench._training._backends import wait_for
from archbench._training._trial_run import TrialRun
from archbench._training._updates import Updates

Arguments = tuple[tuple[Tensor, ...], Tensor]


class Watcher(Protocol):
    """Is told what happens within a step."""

    def enter(self, phase: str) -> None:
        """Begin a phase; the one before it ends."""

    def before_backward(self, loss: Tensor) -> None:
        """See the graph that the backward pass is about to walk."""

    def after_backward(self) -> None:
        """Learn that the backward pass is over."""


class ProfiledSteps:
    """Takes training steps of a trial, one after the other on one stream of batches.

    Args:
        run: a trial that is prepared and not trained.
    """

    def __init__(self, run: TrialRun) -> None:
        assert run.module is not None
        self.device = run.splits["train"].targets.device
        self.module = run.module.to(self.device).train()
        self.stream: Iterator[Arguments] = self.module.train_split.batches(itertools.chain.from_iterable(run.order))
        self.optimizer: Any = self.module.configure_optimizers()
        self.updates = Updates(self.optimizer, self.module.recipe.clip_norm)
        self.done = 0
        # In the place of Lightning, which hands over the optimiser, and of the split: all steps share one stream.
        self.module.optimizers = lambda use_pl_optimizer: self.optimizer  # type: ignore[method-assign, assignment]
        self.module.train_split = self  # type: ignore[assignment]

    def batches(self, chunk: Iterable[Any]) -> Iterator[Arguments]:
        """Yield a batch of the stream for each element of a chunk."""
        for _ in chunk:
            yield next(self.stream)

    def take_as_the_suite(self, count: int) -> float:
        """Take a chunk of steps with the loop that trains, and return the seconds of one step."""
        chunk: Any = range(count)  # `batches` above needs no indices
        self.module.training_step(chunk, 0)
        return float(self.module.seconds[-1]) / count

    def take(self, watcher: Watcher) -> None:
        """Take one step that does the same work as one of `TrialModule.training_step`."""
        module = self.module
        watcher.enter("data")
        arguments, targets = next(self.stream)
        watcher.enter("forward")
        outputs = module.network(*arguments)
        watcher.enter("backward")
        loss = module.objective(outputs, targets)
        self.updates.clear()
        watcher.before_backward(loss)
        loss.backward()  # type: ignore[no-untyped-call]
        watcher.after_backward()
        if self.updates.clip_norm:
            watcher.enter("clip")
            self.updates.clip()
        watcher.enter("host")
        rate = module._rate(self.done)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        watcher.enter("optimizer")
        self.updates.apply()
        if module.average is not None:
            module.average.update()
        watcher.enter("host")
        loss.detach()
        self.done += 1


class PhaseClock:
    """A watcher that times the phases of each step.

    Attributes:
        steps: the seconds of each phase, one table per step.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.steps: list[dict[str, float]] = []

    def time_step(self, steps: ProfiledSteps) -> None:
        """Take a step and keep its times."""
        self.times: dict[str, float] = {}
        self.phase, self.since = "host", self.now()
        steps.take(self)
        self.enter("host")
        self.steps.append(self.times)

    def enter(self, phase: str) -> None:
        """End the phase before and begin this one; a phase may come several times in a step."""
        now = self.now()
        self.times[self.phase] = self.times.get(self.phase, 0.0) + now - self.since
        self.phase, self.since = phase, now

    def before_backward(self, loss: Tensor) -> None:
        """Do nothing."""

    def after_backward(self) -> None:
        """Do nothing."""


def make_clock(device: torch.device) -> Callable[[], float]:
    """Return a function that reads a clock when the device has done what it was given; seconds."""
    if device.type == "cpu":
        return time.perf_counter

    def now() -> float:
        wait_for(device)
        return time.perf_counter()

    return now
