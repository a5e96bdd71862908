"""How much faster the seeds of a cell train as one batched network, from a few steps of copies."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import torch
from torch import Tensor, nn

from archbench._protocols import Recipe
from archbench._training._backends import wait_for
from archbench._training._module import TrialModule
from archbench._training._optimizers import make_optimizer
from archbench._training._probes import copy_network
from archbench._training._recorded import COMPARED, WARM_UP, RecordedSteps, Recorder
from archbench._training._stack import Stack, Step, make_step
from archbench._training._streaming import Batch
from archbench._training._updates import Updates

PROBE_SECONDS = 1.0
MOST_PAIRS = 7
MOST_STEPS = 200
"""Most steps that are timed at once where they are repeated from a recording."""

Fetch = Callable[[Tensor], Batch]
"""Returns the batch with these indices."""


def measure_gain(module: TrialModule, stack: Stack, index: Tensor, fetch: Fetch) -> float:
    """Return how many times as many steps per second a stack takes as one seed after the other.

    Steps are taken as in a training: repeated from a recording where that can be. They change copies of the weights
    only, and leave no recording.

    Args:
        module: of the first seed.
        stack: the networks of all seeds, whose weights the steps change.
        index: the indices of a batch of each seed, (S, batch), on the device.
        fetch: returns that batch, the seeds first.
    """
    sides = _side_of_all(stack, module.recipe, index, fetch), _side_of_one(module, index[0])
    now = partial(_now, index.device)  # not that of the module, which is told its device when it trains
    rate, recorder = module.recipe.learning_rate, module.recorder
    if recorder is None or any(module.obstacle(side.optimizer) for side in sides):
        together, alone = (side.single(rate) for side in sides)
        return stack.seeds / _ratio(together, alone, now)
    take_together, take_alone = (side.repeated(rate, recorder) for side in sides)
    count = _steps_at_once(lambda: (take_together(1), take_alone(1)), now)
    ratio = _ratio(lambda: take_together(count), lambda: take_alone(count), now)
    for side in sides:
        side.network.zero_grad()  # gradients lie in the memory of the recordings
    return stack.seeds / ratio


@dataclass(frozen=True, slots=True)
class _Side:
    """One of two ways to train, with weights of its own.

    Args:
        step: takes a step.
        network, optimizer: what it changes.
        fetch, index: of the batch that each step takes.
    """

    step: Step
    network: nn.Module
    optimizer: torch.optim.Optimizer
    fetch: Fetch
    index: Tensor

    def single(self, rate: float) -> Callable[[], object]:
        """Return a function that takes a step."""
        arguments, targets = self.fetch(self.index)
        return lambda: self.step(arguments, targets, rate)

    def repeated(self, rate: float, recorder: Recorder) -> Callable[[int], None]:
        """Return a function that takes so many steps, from a recording that is made now, or singly if none can be."""
        steps = RecordedSteps(
            lambda *batch_and_rate: (self.step(*batch_and_rate), None),
            self.fetch,
            recorder,
            network=self.network,
            optimizer=self.optimizer,
        )
        chunk, rates = self.index.expand(MOST_STEPS, *self.index.shape), [rate] * MOST_STEPS

        def take(count: int) -> None:
            for _ in islice(steps.run(chunk, rates), count):
                pass

        take(WARM_UP + COMPARED)
        return take


def _side_of_all(stack: Stack, recipe: Recipe, index: Tensor, fetch: Fetch) -> _Side:
    optimizer = make_optimizer(stack.network, recipe)
    return _Side(make_step(stack, optimizer, recipe.clip_norm), stack.network, optimizer, fetch, index)


def _side_of_one(module: TrialModule, index: Tensor) -> _Side:
    network, split = copy_network(module.network), module.splits["train"]
    optimizer = make_optimizer(network, module.recipe)
    updates = Updates(optimizer, module.recipe.clip_norm)

    def step(arguments: Sequence[Tensor], targets: Tensor, rate: float | Tensor) -> Tensor:
        loss = module.loss(network(*arguments), targets)
        updates.clear()
        loss.backward()  # type: ignore[no-untyped-call]
        if updates.clip_norm:
            updates.clip()
        updates.set_rate(rate)
        updates.apply()
        return loss.detach()

    return _Side(step, network, optimizer, lambda rows: next(split.batches([rows])), index)


def _now(device: torch.device) -> float:
    wait_for(device)
    return time.monotonic()


def _steps_at_once(pair: Callable[[], object], now: Callable[[], float]) -> int:
    """Return how many steps of both sides a pair of measurements has time for, given what takes one of each."""
    start = now()
    pair()
    return max(1, min(MOST_STEPS, int(PROBE_SECONDS / MOST_PAIRS / (now() - start))))


def _ratio(one: Callable[[], object], other: Callable[[], object], now: Callable[[], float]) -> float:
    """Return how many times as long one thing takes as another: the median over pairs, after one that warms up."""
    ratios: list[float] = []
    end = time.monotonic() + PROBE_SECONDS
    while len(ratios) < 2 or (time.monotonic() < end and len(ratios) <= MOST_PAIRS):
        start = now()
        one()
        between = now()
        other()
        ratios.append((between - start) / (now() - between))
    return statistics.median(ratios[1:])
