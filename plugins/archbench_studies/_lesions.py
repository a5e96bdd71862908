"""Reductions of the probes `lesion`, `swap` and `paths`."""

from __future__ import annotations

import math
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
        record.trial.seed: _shares(readings[record.trial.seed], record.task_facts.chance, record.task_facts.oracle)
        for record in data.records
        if record.trial.seed in readings
    }


def _shares(reading: archbench.Reading, chance: float, oracle: float) -> dict[int, list[float]]:
    """Return the shares lost of every surgery by its number of blocks; none if there was too little to lose."""
    scores = dict(zip(reading.names, reading.values, strict=True))
    whole = scores.pop("whole")
    found: dict[int, list[float]] = {}
    if whole is None or (whole - chance) / (oracle - chance) < LEARNED:
        return found
    for name, score in scores.items():
        if score is not None:
            found.setdefault(name.count("+") + 1, []).append((whole - score) / (whole - chance))
    return found


def path_profile(reading: archbench.Reading) -> dict[float, float]:
    """Return the share of the gradient through all paths of each length, by length as a share of all blocks.

    The paths of a length together carry the mean norm along one of them times their number, which is a binomial
    coefficient (arXiv:1605.06431, sec. 4.3). A reading in which a norm is not finite has no profile.
    """
    norms = {
        int(name.split()[1]): value
        for name, value in zip(reading.names, reading.values, strict=True)
        if name.startswith("gradient ")
    }
    blocks = max(norms, default=0)  # a path through all of them may well carry nothing
    sizes = {length: math.comb(blocks, length) * norm for length, norm in norms.items() if norm is not None}
    total = sum(sizes.values())
    if len(sizes) < len(norms) or not blocks or not total:
        return {}
    return {length / blocks: size / total for length, size in sorted(sizes.items())}


def mean_path(reading: archbench.Reading) -> float | None:
    """Return the mean length of path, each length weighted by its contribution, as a share of all blocks."""
    profile = path_profile(reading)
    return sum(length * share for length, share in profile.items()) if profile else None
