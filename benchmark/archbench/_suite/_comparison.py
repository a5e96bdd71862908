"""Which of some entrants is better: how the answers of `benchmark compare` follow from records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt

from archbench._planning import Cell
from archbench._records import Record, strangers
from archbench._report._cells import still_improving
from archbench._report._rows import margin_share, normalised
from archbench._report._scales import scale_of
from archbench._report._seeds import finished, same_data, status_of, steps_to_solve
from archbench._statistics import (
    MOST_SEEDS,
    Decision,
    Judgement,
    Scale,
    Steps,
    binomial_interval,
    decide,
    judge,
    nominal_level,
    restricted_mean_steps,
    seeds_to_decide,
    step_of,
)
from archbench._suite._compared import Answer, Comparison, PairComparison, Solved
from archbench._suite._settings import MAX_SEEDS

Floats = npt.NDArray[np.float64]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of some entrants on one task, or over several, before they are compared.

    Args:
        labels: of the entrants.
        raw: scores in the unit of the metric, shape (entrants, seeds), NaN where a seed has none.
        scale: how they are compared.
        steps: steps to solve the task; None where it has no target, and over tasks.
        missing: why seeds have no score, by the label of their entrant and their number.
        records: those of each entrant that count; none over tasks.
        facts: the other fields that a `Comparison` takes over.
    """

    labels: list[str]
    raw: Any
    scale: Scale
    steps: Steps | None
    missing: dict[str, dict[int, str]]
    records: list[list[Record]]
    facts: dict[str, Any]

    @property
    def scores(self) -> Floats:
        """The scores on their scale, higher is better."""
        return self.scale.oriented(self.raw)

    def until(self, seeds: int) -> Measured:
        """Return what was measured at the first seeds."""
        return msgspec.structs.replace(
            self,
            raw=self.raw[:, :seeds],
            steps=self.steps and self.steps.until(seeds),
            missing={
                label: {seed: reason for seed, reason in reasons.items() if seed < seeds}
                for label, reasons in self.missing.items()
            },
            records=[[record for record in group if record.trial.seed < seeds] for group in self.records],
        )


def measure(cells: Sequence[Cell], records: Sequence[Record], margin: float | None) -> Measured:
    """Return the scores of all cells of one task.

    Args:
        cells: one for each entrant.
        records: of all their trials.
        margin: in the unit of the metric, or where the task is compared by ratios a factor; None for that of the task.
    """
    facts, seeds = cells[0].facts, cells[0].seeds
    everything = [[record for record in records if record.trial.cell == cell.key] for cell in cells]
    apart = [strangers(group) for group in everything]  # as on the page, no mean mixes devices or versions
    groups = [[r for r in group if r.id not in out] for group, out in zip(everything, apart, strict=True)]
    tested = next((r.task_facts for group in groups for r in group if r.task_facts.test_examples), facts)
    scale = _with_margin(scale_of(tested, cells[0].task.component.target), margin)
    return Measured(
        labels=[cell.architecture.component.label for cell in cells],
        raw=np.array([_scores(group, seeds) for group in groups]),
        scale=scale,
        steps=_steps(groups, seeds),
        missing={
            cell.architecture.component.label: _missing(group, out)
            for cell, group, out in zip(cells, everything, apart, strict=True)
        },
        records=groups,
        facts={
            "task": cells[0].task.component.label,
            "metric": facts.metric,
            "higher_is_better": facts.higher_is_better,
            "margin": scale.margin or 0.0,
            "factor": scale.factor,
            "floor": None if scale.factor is None else scale.floor,
            "paired": same_data([record for group in groups for record in group], range(seeds)),
        },
    )


def over_tasks(measured: Sequence[Measured], cells: Sequence[Sequence[Cell]]) -> Measured:
    """Return the mean over tasks of the normalised scores; the margin is the mean of the normalised margins.

    Args:
        measured: one for each task, with the same entrants in the same order.
        cells: those of each task.
    """
    facts = [group[0].facts for group in cells]
    normal = [normalised(m.raw, f) for m, f in zip(measured, facts, strict=True)]
    margins = [margin_share(m.facts["margin"], f) for m, f in zip(measured, facts, strict=True)]
    margin = float(np.mean(margins)) if all(margins) else 0.0
    return Measured(
        labels=measured[0].labels,
        raw=np.mean(normal, axis=0),
        scale=Scale(margin=margin),
        steps=None,
        missing={label: _missing_on(measured, label) for label in measured[0].labels},
        records=[[] for _ in measured[0].labels],
        facts={
            "task": "",
            "metric": "normalised score",
            "higher_is_better": True,
            "margin": margin,
            "factor": None,
            "floor": None,
            "paired": all(m.facts["paired"] for m in measured),
        },
    )


def compare(measured: Measured, *, max_seeds: int | None) -> Comparison:
    """Return the comparison of measured entrants.

    Args:
        measured: their scores.
        max_seeds: largest number of seeds of a sequential rule; None for one comparison of the seeds there are.
    """
    scale, paired = measured.scale, measured.facts["paired"]
    found: Judgement | Decision
    if max_seeds is None:
        found = judge(measured.scores, scale=scale, paired=paired, steps=measured.steps)
    else:
        found = decide(
            measured.scores, margin=scale.threshold, max_seeds=max_seeds, paired=paired, step=scale.step,
            example=scale.example, steps=measured.steps,
        )  # fmt: skip
        measured = measured.until(found.seeds)  # other tasks may have needed more
    level = _level(measured, found)
    pairs = tuple(_pair(measured, found, pair, level) for pair in _all_pairs(measured))
    means = scale.restored(measured.scores.mean(axis=1)).tolist()
    return Comparison(
        **measured.facts,
        seeds=measured.raw.shape[1],
        means={label: _number(mean) for label, mean in zip(measured.labels, means, strict=True)},
        pairs=pairs,
        missing={label: ", ".join(reasons.values()) for label, reasons in measured.missing.items() if reasons},
        solved={
            label: solved
            for label, group in zip(measured.labels, measured.records, strict=True)
            if (solved := _solved(group))
        },
        alike=_alike(measured),
        unfinished=tuple(
            label
            for label, group in zip(measured.labels, measured.records, strict=True)
            if (counted := [r for r in group if finished(r)]) and still_improving(counted, counted[0].task_facts)
        ),
        reason=_reason(measured, found),
    )


def _reason(measured: Measured, found: Judgement | Decision) -> str:
    """Return why no pair was compared; empty where one was."""
    if isinstance(found, Decision):
        if any(np.isfinite(found.half_widths[pair]) for pair in _all_pairs(measured)):
            return ""
        found = judge(measured.scores, scale=measured.scale, paired=measured.facts["paired"], steps=measured.steps)
    return found.scores.reason


def _alike(measured: Measured) -> dict[str, float]:
    """Return the entrants whose seeds all have the same score, with how many others may still have another one."""
    seeds = measured.raw.shape[1]
    share = 1 - binomial_interval(seeds, seeds).low
    return {label: share for label, row in zip(measured.labels, measured.raw, strict=True) if np.ptp(row) == 0}


def generous(seeds: int) -> int:
    """Return a largest number of seeds for a sequential rule that needs so many if what was seen is the truth."""
    return min(max(MAX_SEEDS, round(1.5 * seeds)), MOST_SEEDS)


def _all_pairs(measured: Measured) -> list[tuple[int, int]]:
    return list(combinations(range(len(measured.labels)), 2))


def _level(measured: Measured, found: Judgement | Decision) -> float:
    """Return the nominal level of the sequential rule that is to decide the open pairs.

    It depends on the largest number of seeds, which in turn depends on the level, though little.
    """
    count = len(_all_pairs(measured)) * (1 if measured.steps is None else 2)
    level = found.level if isinstance(found, Decision) else (1 - found.level) / len(_all_pairs(measured))
    for _ in range(2):
        needed = [_needed(measured, found, pair, level) for pair in _all_pairs(measured)]
        if not any(needed):
            break
        level = nominal_level(generous(max(filter(None, needed))), count)
    return level


def _pair(measured: Measured, found: Judgement | Decision, pair: tuple[int, int], level: float) -> PairComparison:
    """Return what was found about two entrants; `level` is that of a rule that goes on."""
    (first, second), half, by_steps = pair, float(found.half_widths[pair]), bool(found.by_steps[pair])
    gaps = _gaps(measured, pair, by_steps=by_steps)
    mean = float(gaps.mean())
    ratios = measured.scale.factor is not None and not by_steps
    return PairComparison(
        first=measured.labels[first],
        second=measured.labels[second],
        by="steps" if by_steps else "scores",
        difference=_number(mean),
        low=_number(mean - half),
        high=_number(mean + half),
        answer=cast(Answer, str(found.answers[pair])),
        ratio=_number(np.exp(-mean)) if ratios else None,
        ratio_low=_number(np.exp(-mean - half)) if ratios else None,
        ratio_high=_number(np.exp(-mean + half)) if ratios else None,
        decided_at=int(found.decided_at[pair]) or None if isinstance(found, Decision) else None,
        seeds_needed=_needed(measured, found, pair, level),
    )


def _gaps(measured: Measured, pair: tuple[int, int], *, by_steps: bool) -> Floats:
    """Return by how much the first of a pair is better at each seed: in scores on their scale, or sooner in steps."""
    first, second = pair
    if by_steps and measured.steps is not None:
        return np.asarray(measured.steps.taken[second] - measured.steps.taken[first])
    return np.asarray(measured.scores[first] - measured.scores[second])


def _needed(measured: Measured, found: Judgement | Decision, pair: tuple[int, int], level: float) -> int | None:
    """Return how many seeds would decide a pair that is undecided, at this level of each look.

    Returns:
        None for a pair that is decided, cannot be compared, or would need too many.
    """
    by_steps = bool(found.by_steps[pair])
    gaps = _gaps(measured, pair, by_steps=by_steps)
    if found.answers[pair] != "undecided" or not np.isfinite(gaps.mean()):
        return None
    margin = 0.0 if by_steps else measured.scale.threshold
    deviation = _deviation(measured, pair, by_steps=by_steps)
    return seeds_to_decide(float(gaps.mean()), deviation, margin=margin, seen=len(gaps), level=level)


def _deviation(measured: Measured, pair: tuple[int, int], *, by_steps: bool) -> float:
    """Return the standard deviation over seeds of the difference of a pair, as the sequential rule reckons with it.

    It is at least one step of the scores, and without pairing what two entrants share by chance is no help.
    """
    if by_steps and measured.steps is not None:
        table, least = measured.steps.taken, measured.steps.step
    else:
        table = measured.scores
        seen = table[np.isfinite(table).all(axis=1)]
        scale = measured.scale
        least = step_of(seen, scale.threshold, scale.example) if scale.step is None else scale.step
    first, second = table[list(pair)]
    variance = (first - second).var(ddof=1) if measured.facts["paired"] else first.var(ddof=1) + second.var(ddof=1)
    return float(np.sqrt(max(variance, least**2)))


def _with_margin(scale: Scale, margin: float | None) -> Scale:
    """Return a scale with the margin, or the factor, that a user gave in place of that of the task."""
    if margin is None:
        return scale
    return replace(scale, margin=margin) if scale.factor is None else replace(scale, factor=margin)


def _scores(records: Sequence[Record], seeds: int) -> list[float]:
    """Return the test score of each seed; NaN where there is none."""
    found = {r.trial.seed: r.scores.test for r in records if finished(r) and r.scores is not None}
    return [found.get(seed, np.nan) for seed in range(seeds)]


def _missing(records: Sequence[Record], apart: Mapping[str, str]) -> dict[int, str]:
    """Return why seeds of an entrant have no score, by their number in rising order.

    Args:
        records: of its trials.
        apart: those that do not count beside the others, by id, with the reason.
    """
    reasons = {}
    for record in sorted(records, key=lambda record: record.trial.seed):
        seed = record.trial.seed
        if record.id in apart:
            reasons[seed] = f"seed {seed} does not count, since {apart[record.id]}"
        elif not finished(record):
            status, message = status_of(record)
            reasons[seed] = f"{status} at seed {seed}" + (f", since {message}" if record.status == "ok" else "")
    return reasons


def _missing_on(measured: Sequence[Measured], label: str) -> dict[int, str]:
    """Return why seeds of an entrant have no score over tasks, by their number, with the task of every reason."""
    reasons: dict[int, list[str]] = {}
    for found in measured:
        for seed, reason in found.missing[label].items():
            reasons.setdefault(seed, []).append(f"{reason} on {found.facts['task']}")
    return {seed: ", ".join(reasons[seed]) for seed in sorted(reasons)}


def _solved(records: Sequence[Record]) -> Solved | None:
    """Return how many seeds solved the task; None where it has no target or nothing was trained."""
    taken = steps_to_solve(records)
    if not taken:
        return None
    count = sum(steps is not None for steps in taken)
    trained = [record.training for record in records if record.training is not None]
    budgets = [training.planned_steps for training in trained if training.planned_steps is not None]
    low, high = binomial_interval(count, len(taken))
    steps = restricted_mean_steps(taken, max(budgets)) if len(budgets) == len(trained) else None
    return Solved(seeds=count, of=len(taken), low=low, high=high, steps=steps)


def _steps(groups: Sequence[Sequence[Record]], seeds: int) -> Steps | None:
    """Return the steps to solve the task of each seed, the whole budget where it did not; None without a target."""
    aimed = [
        (place, record.trial.seed, training)
        for place, group in enumerate(groups)
        for record in group
        if finished(record) and (training := record.training) is not None and training.target is not None
    ]
    if not aimed:
        return None
    budget = max(training.planned_steps or training.steps for _, _, training in aimed)
    steps = Steps(np.full((len(groups), seeds), float(budget)), np.zeros((len(groups), seeds), dtype=np.bool_))
    for place, seed, training in aimed:
        if training.steps_to_target is not None and seed < seeds:
            steps.taken[place, seed], steps.solved[place, seed] = training.steps_to_target, True
    return steps


def _number(value: float) -> float | None:
    """Return a finite number, and None for any other."""
    return float(value) if np.isfinite(value) else None
