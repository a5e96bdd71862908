"""Reductions that the studies share: from records to one number for each seed, and from those to one number."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence

import archbench

CHANCE_LOSS = math.log(10)
"""Loss of even odds on ten classes. A net that diverged has it, and one that ends above it counts as at chance."""

LOSS_FLOOR = 0.05
"""Training losses below count as this where it is asked whether a net can be trained: the right class then has 95 % on
average. Nets that train go below it in a few hundred steps, and how far is a matter of the schedule."""

TRAINED = 0.5
"""Training loss above which a net was not trained: the right class then has less than 60 % on average. A comparison
with such a net says nothing, as two nets that both fail are equally good."""

Seeds = Mapping[int, float]


def training_losses(data: archbench.StudyData, *, floor: float = LOSS_FLOOR) -> dict[int, float]:
    """Return the training loss of each seed, between a floor and `CHANCE_LOSS`.

    It is that of the last weights in evaluation mode, without auxiliary losses. A seed that diverged has
    `CHANCE_LOSS`; one that failed for reasons of its own (memory, time) has none.
    """
    losses = {record.trial.seed: CHANCE_LOSS for record in data.records if record.status == "diverged"}
    losses |= data.train_losses
    return {seed: min(max(loss, floor), CHANCE_LOSS) for seed, loss in losses.items() if not math.isnan(loss)}


def floored(losses: Seeds) -> dict[int, float]:
    """Return losses that are at least `LOSS_FLOOR`."""
    return {seed: max(loss, LOSS_FLOOR) for seed, loss in losses.items()}


def log_ratio(above: Seeds, below: Seeds) -> dict[int, float]:
    """Return log10(above / below) of the seeds that both have."""
    return {seed: math.log10(above[seed] / below[seed]) for seed in sorted(above.keys() & below.keys())}


def loss_note(floor: float = LOSS_FLOOR) -> str:
    """Return what a reader has to know of `loss_ratio` with this floor."""
    return (
        f"Training losses below {floor:g} count as {floor:g}, and those above {CHANCE_LOSS:.3g}, chance, as that. "
        f"A seed whose second net, the reference, ends above {TRAINED:g} decides nothing."
    )


def difference(first: Seeds, second: Seeds) -> dict[int, float]:
    """Return first - second of the seeds that both have."""
    return {seed: first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())}


def loss_ratio(
    above: archbench.StudyData, below: archbench.StudyData, *, floor: float = LOSS_FLOOR
) -> dict[int, float]:
    """Return the log10 of the ratio of two training losses, seed by seed.

    A seed in which the net below, which is the reference, was not trained has no ratio: a claim is then undecided.
    """
    reference = {seed: loss for seed, loss in training_losses(below, floor=floor).items() if loss <= TRAINED}
    return log_ratio(training_losses(above, floor=floor), reference)


def median(values: Seeds) -> float | None:
    """Return the median over the seeds, or None if there are none."""
    return statistics.median(values.values()) if values else None


def of_readings(
    readings: Mapping[int, archbench.Reading], measure: Callable[[archbench.Reading], float | None]
) -> dict[int, float]:
    """Return a number of each seed, of the seeds whose reading has it."""
    values = {seed: measure(reading) for seed, reading in readings.items()}
    return {seed: value for seed, value in values.items() if value is not None}


def slope(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Return the slope of the line of least squares, or None with fewer than three points."""
    return statistics.linear_regression(x, y).slope if len(x) >= 3 else None


def gradient_profile(reading: archbench.Reading) -> list[tuple[int, float]]:
    """Return (distance from the loss, gradient relative to that nearest the loss), from the loss outwards.

    Distances count blocks, or time steps, from the last one. Norms of 0, which underflowed, are left out.
    """
    norms = [(index, value) for index, value in enumerate(reversed(reading.values)) if value]
    return [(index, value / norms[0][1]) for index, value in norms]


def decay(reading: archbench.Reading) -> float | None:
    """Return the decades that a gradient gains with each block, or step, further from the loss: below 0 it vanishes."""
    profile = gradient_profile(reading)
    return slope([distance for distance, _ in profile], [math.log10(relative) for _, relative in profile])


def median_profile(readings: Iterable[archbench.Reading]) -> list[tuple[int, float]]:
    """Return the median over seeds of `gradient_profile` at every distance that all seeds have."""
    profiles = [dict(gradient_profile(reading)) for reading in readings]
    shared = set.intersection(*(set(profile) for profile in profiles)) if profiles else set()
    return [(distance, statistics.median(profile[distance] for profile in profiles)) for distance in sorted(shared)]


def first_value(reading: archbench.Reading) -> float | None:
    """Return the first value: of correlations, that of the nearest neighbours."""
    return reading.values[0] if reading.values else None


def last_value(reading: archbench.Reading) -> float | None:
    """Return the value of the last block."""
    return reading.values[-1] if reading.values else None


def mean_value(reading: archbench.Reading) -> float | None:
    """Return the mean of the values that could be measured."""
    values = [value for value in reading.values if value is not None]
    return statistics.fmean(values) if values else None
