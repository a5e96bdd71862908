"""Reductions of the probes `lesion`, `swap` and `paths`."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from typing import Literal

import archbench

LEARNED = 0.5
"""Nets that learned less than this share of the way from chance to a perfect score are left out: there is nothing in
them that a lesion could take away."""

Surgery = Literal["lesion", "swap"]


def damage(
    data: archbench.StudyData,
    surgery: Surgery,
    blocks: int,
    summary: Callable[[Iterable[float]], float] = statistics.median,
) -> dict[int, float]:
    """Return the share of the score above chance that a seed loses: 0 for no damage, 1 for what is left at chance.

    Args:
        data: records of one net.
        surgery: blocks taken out, or swapped.
        blocks: how many at once.
        summary: of all surgeries of so many blocks: the median, or `max` for the worst.
    """
    return {
        seed: summary(by_count[blocks]) for seed, by_count in _by_seed(data, surgery).items() if by_count.get(blocks)
    }


def counts(data: archbench.StudyData) -> list[int]:
    """Return the numbers of blocks that were taken out at once in any seed."""
    return sorted({count for by_count in _by_seed(data, "lesion").values() for count in by_count})


def _by_seed(data: archbench.StudyData, surgery: Surgery) -> dict[int, dict[int, list[float]]]:
    readings = data.readings(surgery)
    return {
        record.trial.seed: _shares(record, readings[record.trial.seed])
        for record in data.records
        if record.trial.seed in readings and _learned(record)
    }


def _learned(record: archbench.Record) -> bool:
    facts = record.task_facts
    return (
        record.scores is not None
        and (record.scores.test_last - facts.chance) / (facts.oracle - facts.chance) >= LEARNED
    )


def _shares(record: archbench.Record, reading: archbench.Reading) -> dict[int, list[float]]:
    """Return the shares lost of every surgery by its number of blocks. The score is that of the last weights."""
    assert record.scores is not None
    whole, chance = record.scores.test_last, record.task_facts.chance
    found: dict[int, list[float]] = {}
    for name, score in zip(reading.names, reading.values, strict=True):
        if score is not None:
            found.setdefault(name.count("+") + 1, []).append((whole - score) / (whole - chance))
    return found


def path_profile(reading: archbench.Reading) -> dict[float, float]:
    """Return the share of the contribution of all paths by their length, as a share of the longest.

    Contributions of a length are sums over all paths of it, and count by their size.
    """
    sizes = {
        int(name): abs(value) for name, value in zip(reading.names, reading.values, strict=True) if value is not None
    }
    total = sum(sizes.values())
    return {length / max(sizes): size / total for length, size in sorted(sizes.items())} if total else {}


def mean_path(reading: archbench.Reading) -> float | None:
    """Return the mean length of path, each length weighted by its contribution, as a share of the longest."""
    profile = path_profile(reading)
    return sum(length * share for length, share in profile.items()) if profile else None
