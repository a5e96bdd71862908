"""The effect of a claim in each seed, with the records that it was read from. A statistic is a stranger's code."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from archbench._declarations import Claim, Size, resolve
from archbench._errors import ArchbenchError
from archbench._plugins import CallError, Registered, call_apart, plain
from archbench._records import Record, Resources
from archbench._studies import StudyData, StudyResult

MOST_EFFECT = 1e100
"""The largest effect: sums and squares of effects must be floats, too."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The effects of a claim in the records of a study at one size.

    Args:
        size: of the study.
        effects: by seed, in the order of seeds.
        used: the records that the statistic looked at.
        lacking: combinations of entrant and task of the study that have no trial yet.
        problem: why there are no effects, if the study could not be read or the statistic failed; else empty.
        broken: the statistic failed although the study has all its trials: a fault of its plugin.
        mixed: the seeds whose trials ran on several processors or GPUs, if the statistic reads seconds.
    """

    size: Size
    effects: dict[int, float]
    used: tuple[Record, ...] = ()
    lacking: int = 0
    problem: str = ""
    broken: bool = False
    mixed: tuple[int, ...] = ()

    @property
    def missing(self) -> dict[int, list[Record]]:
        """The seeds of the records that have no effect, each with its records that are not ok."""
        seeds = sorted({record.trial.seed for record in self.used} - set(self.effects))
        return {s: [r for r in self.used if r.trial.seed == s and r.status != "ok"] for s in seeds}


class _Effects(msgspec.Struct):
    """The effects by seed, the ids of the records that were looked at, and seeds with seconds of several machines."""

    effects: dict[int, float]
    used: list[str]
    mixed: list[int]


def measure(claim: Claim, result: StudyResult, *, provider: Registered[Claim] | None = None) -> Measured:
    """Return the effects of a claim, or why there are none.

    Args:
        claim: the declaration.
        result: its study.
        provider: the claim with its plugin; None for one of the suite's own.
    """
    if not result.finished:
        problem = "its study cannot be read, see `benchmark study show`" if result.problem else ""
        return Measured(size=result.size, effects={}, lacking=result.records.lacking, problem=problem)
    data, lacking = result.data, result.records.lacking

    find = functools.partial(_find, provider or claim, data.records)
    try:
        found = call_apart(find, _Effects, foreign=provider is not None and provider.foreign)
    except (CallError, ArchbenchError) as error:  # it costs its own claim
        message = f"the statistic of {claim.name} failed: {error}"
        return Measured(size=result.size, effects={}, lacking=lacking, problem=message, broken=not lacking)
    by_id = {record.id: record for record in data.records}
    used = tuple(by_id[name] for name in found.used)
    return Measured(size=result.size, effects=found.effects, used=used, lacking=lacking, mixed=tuple(found.mixed))


def _find(claim: Claim | Registered[Claim], records: Sequence[Record]) -> _Effects:
    declared, data = claim.item if isinstance(claim, Registered) else claim, StudyData(records)
    effects = _checked(resolve(declared.statistic)(data), share=declared.measure == "share")
    used = data.used or data.records
    _check_seeds(effects, {record.trial.seed for record in used})
    mixed = _of_several_machines(used)
    if mixed and not _reads_seconds(declared, records, effects):
        mixed = []
    return _Effects(effects, [record.id for record in used], mixed)


def _of_several_machines(records: Sequence[Record]) -> list[int]:
    """Return the seeds whose trials ran on several processors or GPUs."""
    machines: dict[int, set[tuple[str, str]]] = {}
    for record in records:
        if record.status == "ok" and (where := record.environment) is not None:
            machines.setdefault(record.trial.seed, set()).add((where.processor, where.device))
    return sorted(seed for seed, found in machines.items() if len(found) > 1)


def _reads_seconds(claim: Claim, records: Sequence[Record], effects: Mapping[int, float]) -> bool:
    """Return whether the statistic gives other effects, or fails, where the records hold no seconds."""
    try:
        data = StudyData(map(_without_seconds, records))
        return _checked(resolve(claim.statistic)(data), share=claim.measure == "share") != effects
    except Exception:  # a stranger's code, which found effects before
        return True


def _without_seconds(record: Record) -> Record:
    resources = Resources(
        parameters=record.resources.parameters,
        flops=record.resources.flops,
        peak_memory_bytes=record.resources.peak_memory_bytes,
    )
    curves = record.curves and msgspec.structs.replace(record.curves, seconds=[0.0] * len(record.curves.seconds))
    return msgspec.structs.replace(record, resources=resources, curves=curves)


def _check_seeds(effects: Mapping[int, float], seeds: set[int]) -> None:
    """Raise if an effect is of no seed that was trained: a number that comes from no trial must decide nothing."""
    if strange := [str(seed) for seed in effects if seed not in seeds]:
        given = ", ".join(strange[:3]) + (" ..." if len(strange) > 3 else "")
        allowed = ", ".join(map(str, sorted(seeds)))
        raise ValueError(f"it returned effects for {given}; keys must be seeds of the trials that it read: {allowed}")


def _checked(effects: Any, *, share: bool) -> dict[int, float]:
    if not isinstance(effects, Mapping):
        raise TypeError(f"it returned {effects!r:.80}, not a mapping from seed to effect")
    # Those of numpy are as good as those of Python.
    effects = {_plain(seed): _plain(effect) for seed, effect in effects.items()}
    for seed, effect in effects.items():
        if type(seed) is not int or not isinstance(effect, int | float) or not math.isfinite(effect):
            raise TypeError(f"it returned {effect!r:.80} for seed {seed!r:.80}; give a finite number for a whole one")
        if abs(effect) > MOST_EFFECT:
            allowed = f"give one between -{MOST_EFFECT:g} and {MOST_EFFECT:g}"
            raise ValueError(f"it returned {effect:g} for seed {seed}; {allowed}")
        if share and effect not in (0, 1):
            raise ValueError(f"it returned {effect!r:.80} for seed {seed}; a claim on a share takes 0 and 1")
    return {seed: float(effects[seed]) for seed in sorted(effects)}


def _plain(value: Any) -> Any:
    return plain(value) if callable(getattr(value, "tolist", None)) else value
