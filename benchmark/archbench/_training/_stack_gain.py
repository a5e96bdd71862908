"""How much faster the seeds of a cell train as one batched network, from a few steps of copies."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Callable, Sequence

from torch import Tensor

from archbench._training._module import TrialModule
from archbench._training._optimizers import make_optimizer
from archbench._training._stack import Stack, make_step
from archbench._training._updates import Updates

PROBE_SECONDS = 1.0
MOST_PAIRS = 7


def measure_gain(module: TrialModule, stack: Stack, arguments: Sequence[Tensor], targets: Tensor) -> float:
    """Return how many times as many steps per second a stack takes as one seed after the other.

    The steps change copies of the weights only.
    """
    network, recipe = copy.deepcopy(module.network), module.recipe
    optimizer, together = make_optimizer(network, recipe), make_optimizer(stack.network, recipe)
    updates = Updates(optimizer, recipe.clip_norm)
    mine, their_step = [argument[0] for argument in arguments], make_step(stack, together, recipe.clip_norm)

    def alone() -> None:
        loss = module.loss(network(*mine), targets[0])
        updates.clear()
        loss.backward()  # type: ignore[no-untyped-call]
        if updates.clip_norm:
            updates.clip()
        updates.apply()

    return stack.seeds / _ratio(lambda: their_step(arguments, targets, recipe.learning_rate), alone, module._now)


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
