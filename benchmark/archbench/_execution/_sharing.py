"""How many trials share a device: what was measured, and the number that follows from it. Pure arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import msgspec

FULL = 0.9
"""Share of the memory of a device that trials may take; trials grow, and others are larger than those measured."""

NEARLY = 0.9
"""Share of the best throughput with which fewer trials are preferred: a second of measuring tells no finer."""

NO_GAIN = "more trials take less than a tenth more steps per second"
NO_MEMORY = "the memory has no room for more"
NO_CORES = "there are no cores for more"

PerDevice = int | Literal["auto"]
"""A number of trials on each device, or `auto` to measure how many it takes."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of a device in bytes, as all programs together use it."""

    used: int
    total: int


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A measurement with some trials at a time.

    Args:
        trials: how many.
        steps_per_second: optimiser steps of all of them together.
        memory_bytes: of the device that was in use meanwhile, by other programs too; None if that is not known.
    """

    trials: int
    steps_per_second: float
    memory_bytes: int | None = None


class Sharing(msgspec.Struct, frozen=True, kw_only=True):
    """How many trials share a device.

    Args:
        asked: the number that was asked for, or `auto`.
        trials: how many run at a time, on each GPU, or on a CPU in all.
        device: `cuda`, `mps` or `cpu`.
        service: whether NVIDIA's Multi-Process Service runs, by which trials use a GPU at the same moment instead of in
            turn; None where it does not matter, or is not known.
        measured: with how many trials what was measured; nothing where a number was asked for.
        memory_bytes: of the device in all; None if that is not known.
        reason: why it is this number; empty where it was asked for.
    """

    asked: PerDevice
    trials: int
    device: str
    service: bool | None = None
    measured: list[Level] = []
    memory_bytes: int | None = None
    reason: str = ""


def choose(levels: Sequence[Level], total: int | None) -> tuple[int, str]:
    """Return the fewest trials at a time with nearly the best throughput, and why no more; the reason may be empty.

    Args:
        levels: the measurements, with rising numbers of trials.
        total: bytes of memory of the device; None if that is not known.
    """
    fitting = [level for level in levels if _fits(level, total)] or list(levels[:1])
    if not fitting:
        return 1, ""
    best = max(level.steps_per_second for level in fitting)
    chosen = min(level.trials for level in fitting if level.steps_per_second >= NEARLY * best)
    if chosen < fitting[-1].trials:
        return chosen, NO_GAIN
    return chosen, NO_MEMORY if len(fitting) < len(levels) else ""


def following(levels: Sequence[Level], before: Memory | None, most: int) -> tuple[int, str]:
    """Return with how many trials to measure next: 1, 2, 4 and so on; or 0, and why no more are tried.

    Args:
        levels: the measurements so far.
        before: the memory of the device when no trial ran; None if that is not known.
        most: trials at a time that there are cores for.
    """
    if not levels:
        return 1, ""
    last = levels[-1].trials
    if _has_gained_nothing(levels):
        return 0, NO_GAIN
    room = _room(levels, before)
    if room is not None and room <= 0:
        return 0, NO_MEMORY
    wanted = min(2 * last, most, 2 * last if room is None else last + room)
    return (wanted, "") if wanted > last else (0, NO_CORES)


def _fits(level: Level, total: int | None) -> bool:
    return total is None or level.memory_bytes is None or level.memory_bytes <= FULL * total


def _has_gained_nothing(levels: Sequence[Level]) -> bool:
    """Return whether neither of the last two brought a tenth more than those before; one alone may be noise."""
    rates = [level.steps_per_second for level in levels]
    return len(rates) > 2 and max(rates[-2:]) * NEARLY < max(rates[:-2])


def _room(levels: Sequence[Level], before: Memory | None) -> int | None:
    """Return how many further trials fit, if each takes as much as the largest so far; None if that is not known."""
    if before is None or any(level.memory_bytes is None for level in levels):
        return None
    used = [(0, before.used), *((level.trials, level.memory_bytes or 0) for level in levels)]
    steps = itertools.pairwise(used)
    each = max((after - earlier) / (more - fewer) for (fewer, earlier), (more, after) in steps)
    return None if each <= 0 else int((FULL * before.total - used[-1][1]) // each)
