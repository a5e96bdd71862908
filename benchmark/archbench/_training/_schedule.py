"""The clock of a budget in seconds, and the learning rate of each step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from archbench._protocols import Recipe


class TrainingClock:
    """Seconds of training so far. The clock runs during chunks of steps and stands still in between.

    Args:
        seconds: the budget in seconds; None where the budget is a number of steps.
        now: waits for the device, then reads a clock.
    """

    def __init__(self, seconds: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.now = seconds, now
        self.before = 0.0
        self.started: float | None = None

    def start(self) -> None:
        """Start the clock at the beginning of a chunk."""
        self.started = self.now()

    def stop(self) -> float:
        """Stop the clock at the end of a chunk, and return the seconds of the chunk."""
        assert self.started is not None
        chunk = self.now() - self.started
        self.before += chunk
        self.started = None
        return chunk

    def share(self) -> float:
        """Return the share of the budget that is used up."""
        assert self.seconds is not None
        running = 0.0 if self.started is None else self.now() - self.started
        return (self.before + running) / self.seconds


Factor = Callable[[float], float]
"""The schedule of an own recipe: from the share of the budget that is used up to the factor on the learning rate."""


def learning_rates(recipe: Recipe, steps: int, factor: Factor | None = None) -> list[float]:
    """Return the learning rate of each step of a budget in steps."""
    if factor is not None:
        return [_scaled(recipe, factor, done / steps) for done in range(steps)]
    warm = round(recipe.warmup * steps)
    if recipe.milestones is None:
        warm = max(1, warm)  # half a cosine begins with a step of warm-up
    falls = [round(share * steps) for share in recipe.milestones or ()]
    return [_rate(recipe, done, 1, warm=warm, end=steps, falls=falls) for done in range(steps)]


def rate_at(recipe: Recipe, share: float, factor: Factor | None = None) -> float:
    """Return the learning rate at a share of a budget in seconds: 0 at its start, 1 at its end."""
    if factor is not None:
        return _scaled(recipe, factor, min(1.0, share))
    return _rate(recipe, min(1.0, share), 0, warm=recipe.warmup, end=1.0, falls=recipe.milestones or ())


def _scaled(recipe: Recipe, factor: Factor, share: float) -> float:
    found = float(factor(share))
    if not 0 <= found < math.inf:
        raise ValueError(f"the schedule returned {found:.3g} at {share:.3g} of the budget; return 0 or more")
    return recipe.learning_rate * found


def _rate(recipe: Recipe, done: float, step: int, *, warm: float, end: float, falls: Sequence[float]) -> float:
    """Return the learning rate at one point of a budget: a warm-up, then half a cosine, or falls at milestones.

    Args:
        recipe: the shape of the schedule.
        done: the budget that is used up, in steps or as a share.
        step: the budget that one step uses up, in the unit of `done`; 0 where the budget is a time.
        warm: end of the warm-up, in the unit of `done`.
        end: end of the budget, in the unit of `done`.
        falls: milestones, in the unit of `done`; at each the rate is multiplied by `decay`.
    """
    if done < warm:
        constant = recipe.warmup and recipe.warmup_rate / recipe.learning_rate
        return recipe.learning_rate * (constant or (done + step) / warm)
    if recipe.milestones is None:
        cosine = 0.5 * (1 + math.cos(math.pi * (done - warm + step) / (end - warm + step)))
        return recipe.learning_rate * (recipe.floor + (1 - recipe.floor) * cosine)
    return recipe.learning_rate * float(recipe.decay ** sum(done >= fall for fall in falls))
