"""The verdict on a claim: what the interval of its effect says, unless something forbids to count it."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from archbench._claims._measuring import Measured
from archbench._declarations import Claim, Study
from archbench._plugins import Registered
from archbench._records import Record

Said = Literal["supported", "contradicted", "undecided"]
Verdict = Said | Literal["tampered"]
FRESH = "fresh"
"""Folder that a command names where the trials have to be run again under the rule as it is now."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A claim and what the records say of it.

    Args:
        claim: the declaration and its provider.
        study: the study that decides it; None if there is none of that name.
        measured: the effects and where they come from.
        verdict: what counts.
        says: what the interval alone says.
        flags: `post hoc`, `tampered` and `missing seeds`, as far as they apply.
        reason: why it is not decided; empty if it is.
        mean: of the effects, which is the share of seeds for a claim on a share; None without any.
        low, high: ends of the interval; None with fewer seeds than an interval needs.
        family: number of claims that the intervals hold for together.
        manifest: hash of the rule as it is now; empty if its source cannot be read.
        decided_by: the command that would decide it, without `--plugin` and mostly without `--out`; empty if it is
            decided, or nothing would.
    """

    claim: Registered[Claim]
    study: Registered[Study] | None
    measured: Measured
    verdict: Verdict
    says: str
    flags: tuple[str, ...]
    reason: str
    mean: float | None
    low: float | None
    high: float | None
    family: int
    manifest: str
    decided_by: str

    @property
    def command(self) -> str:
        """The command that would decide it, to be called where the one-file plugins are; empty as `decided_by`."""
        return self.decided_by and self.decided_by + "".join(f" --plugin {shlex.quote(file)}" for file in self._files)

    @property
    def _files(self) -> list[str]:
        """Names of the one-file plugins that have the claim, its study, or the entrants and tasks of its trials."""
        origins = {registered.origin for registered in (self.claim, self.study) if registered is not None}
        origins.update(*((record.architecture_origin, record.task_origin) for record in self.measured.used))
        return sorted(origin.distribution for origin in origins if not origin.entry_point and not origin.version)

    @property
    def criterion(self) -> str:
        """Rule and threshold in words."""
        item = self.claim.item
        bound = f"within {item.threshold:g} of zero" if item.rule == "within" else f"{item.rule} {item.threshold:g}"
        what = "mean" if item.measure == "mean" else "share of seeds"
        return f"supported if the whole interval of the {what} lies {bound}, contradicted if all of it lies elsewhere"


def judge(
    claim: Registered[Claim], study: Registered[Study], measured: Measured, *, family: int, manifest: str
) -> Judgement:
    """Return the verdict on a claim.

    A verdict counts only if the rule was registered before every trial that it uses, and if every seed of these trials
    has an effect: a mean without the seeds that failed would be of another quantity.

    Args:
        claim: the declaration.
        study: the study that decides it.
        measured: its effects.
        family: number of claims of its distribution, which share the error.
        manifest: hash of its rule as it is now.
    """
    values = list(measured.effects.values())
    low, high, says = _interval(claim.item, values, family)
    case = _Case(claim.item, measured, manifest, claim.canonical, says, family)
    reason, command = case.obstacle()
    return Judgement(
        claim=claim,
        study=study,
        measured=measured,
        verdict="tampered" if case.changed else "undecided" if reason else says,
        says=says,
        flags=case.flags,
        reason=reason,
        mean=statistics.fmean(values) if values else None,
        low=low,
        high=high,
        family=family,
        manifest=manifest,
        decided_by=command,
    )


def _interval(claim: Claim, values: Sequence[float], family: int) -> tuple[float | None, float | None, Said]:
    """Return the ends of the interval, and what it says; None with too few seeds for one."""
    from archbench._statistics import MIN_SEEDS, half_widths, say, say_share, share_interval  # planning does without

    answer: Any
    if len(values) < MIN_SEEDS:
        return None, None, "undecided"
    if claim.measure == "share":
        interval = share_interval(values, family=family)
        answer = say_share(interval, rule=claim.rule, threshold=claim.threshold)
        return interval.low, interval.high, answer
    mean, half = statistics.fmean(values), float(half_widths(values, noise=claim.noise, family=family))
    answer = say(mean, half, rule=claim.rule, threshold=claim.threshold).item()
    return mean - half, mean + half, answer


def _seeds_needed(claim: Claim, values: Sequence[float], family: int) -> int | None:
    """Return with how many seeds the claim would be decided if what was seen is the truth; None if with none."""
    from archbench._statistics import seeds_for_share, seeds_for_verdict

    if claim.measure == "share":
        return seeds_for_share(values, family=family, rule=claim.rule, threshold=claim.threshold)
    return seeds_for_verdict(values, noise=claim.noise, family=family, rule=claim.rule, threshold=claim.threshold)


@dataclass(frozen=True)
class _Case:
    """A claim with its effects, and the obstacles to a verdict."""

    claim: Claim
    measured: Measured
    manifest: str
    key: str
    says: Said
    family: int

    @property
    def changed(self) -> list[Record]:
        """The trials that were planned under another rule of the same revision."""
        return [r for r in self.measured.used if r.manifests.get(self.key, self.manifest) != self.manifest]

    @property
    def before(self) -> list[Record]:
        """The trials that were planned before the claim, or this revision of it, was registered."""
        return [record for record in self.measured.used if self.key not in record.manifests]

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags that apply, also behind an obstacle that comes first."""
        found = {"tampered": self.changed, "post hoc": self.before, "missing seeds": self.measured.missing}
        return tuple(flag for flag, applies in found.items() if applies)

    def obstacle(self) -> tuple[str, str]:
        """Return why there is no verdict, and the command that would help; both empty if there is one."""
        seen, again = len(self.measured.effects), self._run(more=f" --out {FRESH}")
        if not self.manifest:
            return "the source of its statistic cannot be read, so nothing shows that its rule was not changed", ""
        if self.changed:
            return f"its rule was changed after {_trials(self.changed)} that it uses had been planned", again
        if self.before:
            return f"it was registered after {_trials(self.before)} that it uses had been planned", again
        if self.measured.problem or not seen:
            return self._without_effects()
        if missing := self.measured.missing:
            return self._without_seeds(missing)
        if mixed := self.measured.mixed:
            seeds = f"seed{'s' if len(mixed) > 1 else ''} {', '.join(map(str, mixed))}"
            return f"it compares seconds of different processors or GPUs in {seeds}", again
        if seen < self.claim.seeds:
            return f"{seen} of the {self.claim.seeds} seeds that it asks for", self._run(self.claim.seeds)
        return ("", "") if self.says != "undecided" else self._too_wide()

    def _without_effects(self) -> tuple[str, str]:
        if self.measured.lacking:
            return f"{self.measured.lacking} combinations of its study have no trials", self._run()
        return self.measured.problem or "its statistic found no effect in any seed", ""

    def _without_seeds(self, missing: Mapping[int, Sequence[Record]]) -> tuple[str, str]:
        """Return which seeds have no effect and why. To diverge is a result; another try would diverge again."""
        failed = [record for records in missing.values() for record in records]
        names = ", ".join(dict.fromkeys(f"{record.trial.architecture.label} {record.status}" for record in failed))
        seeds = f"seed{'s' if len(missing) > 1 else ''} {', '.join(map(str, missing))}"
        reason = f"no effect of {seeds}{f' ({names})' if names else ''}"
        if not failed:
            return self._without_trials(reason, missing)
        return reason, "" if all(record.status == "diverged" for record in failed) else self._run(more=" --retry")

    def _without_trials(self, reason: str, seeds: Iterable[int]) -> tuple[str, str]:
        """Return the command for seeds that some entrant has no trial of; none if the statistic left them out."""
        cells = {record.trial.cell for record in self.measured.used}
        tried = {(record.trial.cell, record.trial.seed) for record in self.measured.used}
        if all((cell, seed) in tried for cell in cells for seed in seeds):
            return f"{reason}: its statistic gives none there", ""
        return reason, self._run(max(seeds) + 1)

    def _too_wide(self) -> tuple[str, str]:
        from archbench._statistics import MOST_SEEDS

        claim = self.claim
        needed = _seeds_needed(claim, list(self.measured.effects.values()), self.family)
        where = f"on both sides of {claim.threshold:g}"
        if claim.rule == "within":  # it may lie beyond the other edge
            where = f"within {claim.threshold:g} of zero and beyond"
        reason = f"the interval holds effects {where}"
        if needed is None:
            return f"{reason}, and so it would with {MOST_SEEDS} seeds", ""
        return reason, self._run(max(needed, claim.seeds))

    def _run(self, seeds: int | None = None, more: str = "") -> str:
        size = " --size full" if self.measured.size == "full" else ""
        return f"benchmark run {self.claim.study}{size}{f' --seeds {seeds}' if seeds else ''}{more}"


def _trials(records: Sequence[Record]) -> str:
    return f"{len(records)} trial{'' if len(records) == 1 else 's'}"
