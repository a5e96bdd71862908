"""Budgets and schedules: when training ends, and the learning rate of each step."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator

from torch import Tensor

from archbench._recipes import Recipe
from archbench._training._data import shuffled_batches

BLOCK = 64
"""Steps whose batches are drawn at a time where the number of steps is not known ahead."""


class TrainingClock:
    """Seconds of training so far: it runs in chunks of steps and stands still in between.

    Args:
        seconds: the budget; None where that is not a time.
        now: reads a clock when the device has done what it was given.
    """

    def __init__(self, seconds: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.now = seconds, now
        self.before = 0.0
        self.started: float | None = None

    def start(self) -> None:
        """A chunk begins."""
        self.started = self.now()

    def stop(self) -> float:
        """A chunk is over; its seconds."""
        assert self.started is not None
        chunk = self.now() - self.started
        self.before += chunk
        self.started = None
        return chunk

    def share(self) -> float:
        """How much of the budget is used up."""
        assert self.seconds is not None
        running = 0.0 if self.started is None else self.now() - self.started
        return (self.before + running) / self.seconds


class TimedOrder:
    """The same stream of batches as `BatchOrder`, in chunks that end by the clock.

    Iterating yields chunks; a chunk yields int64 index tensors (batch,), at least one, until its share of the budget
    is used up.

    Args:
        examples, batch, seed: as for `BatchOrder`.
        chunks: number of chunks; the seconds are spread evenly over them.
        clock: of the training.
    """

    def __init__(self, examples: int, batch: int, *, chunks: int, clock: TrainingClock, seed: int) -> None:
        self.examples, self.batch, self.chunks, self.clock, self.seed = examples, batch, chunks, clock, seed

    def __len__(self) -> int:
        return self.chunks

    def __iter__(self) -> Iterator[Iterator[Tensor]]:
        blocks = shuffled_batches(self.examples, self.batch, itertools.repeat(BLOCK), seed=self.seed)
        stream = itertools.chain.from_iterable(blocks)
        for chunk in range(self.chunks):
            yield self._chunk(stream, (chunk + 1) / self.chunks)

    def _chunk(self, stream: Iterator[Tensor], end: float) -> Iterator[Tensor]:
        yield next(stream)
        while self.clock.share() < end:
            yield next(stream)


def learning_rates(recipe: Recipe, steps: int) -> list[float]:
    """The learning rate of each step: a warm-up, then half a cosine down to 0, or falls at the milestones."""
    if recipe.milestones is None:
        warm = max(1, round(recipe.warmup * steps))
        rest = [_half_cosine(recipe, math.pi * (i + 1) / (steps - warm + 1)) for i in range(steps - warm)]
    else:
        warm = round(recipe.warmup * steps)
        falls = [round(share * steps) for share in recipe.milestones]
        rest = [recipe.decay ** sum(i >= fall for fall in falls) for i in range(warm, steps)]
    constant = recipe.warmup_rate / recipe.learning_rate if recipe.warmup else 0.0
    rise = [constant or (i + 1) / warm for i in range(min(warm, steps))]
    return [recipe.learning_rate * factor for factor in rise + rest]


def rate_at(recipe: Recipe, share: float) -> float:
    """The learning rate when this share of a budget in seconds is used up."""
    if share < recipe.warmup:
        return recipe.warmup_rate or recipe.learning_rate * share / recipe.warmup
    if recipe.milestones is None:
        along = min(1.0, (share - recipe.warmup) / (1 - recipe.warmup))
        return recipe.learning_rate * _half_cosine(recipe, math.pi * along)
    return recipe.learning_rate * recipe.decay ** sum(share >= fall for fall in recipe.milestones)


def _half_cosine(recipe: Recipe, angle: float) -> float:
    return recipe.floor + (1 - recipe.floor) * (0.5 * (1 + math.cos(angle)))
