"""The clock of a budget in seconds, and the learning rate of each step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from archbench._protocols import Recipe


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


def learning_rates(recipe: Recipe, steps: int) -> list[float]:
    """Return the learning rate of each step of a budget in steps."""
    least = 1 if recipe.milestones is None else 0  # half a cosine begins with a step of warm-up
    warm = max(least, round(recipe.warmup * steps))
    falls = [round(share * steps) for share in recipe.milestones or ()]
    return [_rate(recipe, done, 1, warm=warm, end=steps, falls=falls) for done in range(steps)]


def rate_at(recipe: Recipe, share: float) -> float:
    """Return the learning rate when this share of a budget in seconds is used up."""
    return _rate(recipe, min(1.0, share), 0, warm=recipe.warmup, end=1.0, falls=recipe.milestones or ())


def _rate(recipe: Recipe, done: float, step: int, *, warm: float, end: float, falls: Sequence[float]) -> float:
    """Return the learning rate at one place of a budget: a warm-up, then half a cosine, or falls at milestones.

    Args:
        recipe: the shape of the schedule.
        done: how much of the budget is used up, in steps or as a share.
        step: what a step adds to that; 0 where the budget is a time.
        warm, end, falls: where the warm-up ends, where the budget ends, and from where on `decay` applies once more;
            in the unit of `done`.
    """
    if done < warm:
        constant = recipe.warmup_rate / recipe.learning_rate if recipe.warmup else 0.0
        return recipe.learning_rate * (constant or (done + step) / warm)
    if recipe.milestones is None:
        cosine = 0.5 * (1 + math.cos(math.pi * (done - warm + step) / (end - warm + step)))
        return recipe.learning_rate * (recipe.floor + (1 - recipe.floor) * cosine)
    return recipe.learning_rate * float(recipe.decay ** sum(done >= fall for fall in falls))
