"""Which of some entrants is better: results of `benchmark compare`, as plain data, and how they follow from records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

import msgspec
import numpy as np

from archbench._planning import Cell
from archbench._records import Record, strangers
from archbench._report._rows import margin_share, normalised
from archbench._report._seeds import finished, same_data
from archbench._statistics import (
    LEVEL,
    answers,
    binomial_interval,
    compare_all,
    decide,
    nominal_level,
    oriented,
    restricted_mean_steps,
    seeds_to_decide,
)

Answer = Literal["better", "worse", "equivalent", "undecided"]


class PairComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two entrants.

    Args:
        first, second: their labels.
        difference: by how much the first is better on average, in the unit of the scores; negative if it is worse.
        low, high: bounds of the simultaneous 95% interval of the difference; None if there is none.
        answer: `better`, `worse`, `equivalent` or `undecided`, of the first against the second.
        decided_at: number of seeds at which a sequential rule gave the answer; None without such a rule or answer.
        seeds_needed: seeds that would decide it if what was seen is the truth; None if it is decided, or hopeless.
    """

    first: str
    second: str
    difference: float | None
    low: float | None
    high: float | None
    answer: Answer
    decided_at: int | None = None
    seeds_needed: int | None = None


class Solved(msgspec.Struct, frozen=True, kw_only=True):
    """Seeds of an entrant that reached the target of the task on validation.

    Args:
        seeds: number of seeds that did.
        of: number of seeds in all.
        low, high: exact 95% interval of the probability that a seed does.
        steps: mean number of steps until then, where a seed that did not counts with the whole budget; None if the
            budget was a time.
    """

    seeds: int
    of: int
    low: float
    high: float
    steps: float | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All pairs of entrants on one task, or over several.

    Args:
        task: label of the task; empty for the mean of the normalised scores of all tasks.
        metric: what was measured.
        higher_is_better: direction of the metric. Differences are turned so that the better one has the larger value.
        margin: smallest difference that matters; 0 if none was declared.
        paired: all entrants saw the same data at the same seed.
        seeds: number of seeds.
        means: mean score of each entrant by its label; None where a seed has no score.
        pairs: one for each pair.
        missing: entrants that are not compared, with the reason.
        solved: how many seeds of each entrant solved the task; empty where it has no target, and over tasks.
        reason: why nothing was compared; empty where something was.
    """

    task: str
    metric: str
    higher_is_better: bool
    margin: float
    paired: bool
    seeds: int
    means: dict[str, float | None]
    pairs: tuple[PairComparison, ...]
    missing: dict[str, str]
    solved: dict[str, Solved] = {}
    reason: str = ""

    @property
    def decided(self) -> bool:
        """Every pair has an answer."""
        return all(pair.answer != "undecided" for pair in self.pairs)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of some entrants on one task, or over several, before they are compared.

    Args:
        labels: of the entrants.
        scores: shape (entrants, seeds), higher is better, NaN where a seed has no score.
        raw: the same in the unit and the direction of the metric.
        facts: the fields that a `Comparison` takes over.
    """

    labels: list[str]
    scores: Any
    raw: Any
    facts: dict[str, Any]


def measure(cells: Sequence[Cell], records: Sequence[Record], margin: float | None) -> Measured:
    """Return the scores of all cells of one task.

    Args:
        cells: one for each entrant.
        records: of all their trials.
        margin: in the unit of the metric; None for that of the task.
    """
    facts, seeds = cells[0].facts, cells[0].seeds
    everything = [[record for record in records if record.trial.cell == cell.key] for cell in cells]
    apart = [strangers(group) for group in everything]  # as on the page, no mean mixes devices or versions
    groups = [[r for r in group if r.id not in out] for group, out in zip(everything, apart, strict=True)]
    raw = np.array([_scores(group, seeds) for group in groups])
    return Measured(
        labels=[cell.architecture.component.label for cell in cells],
        scores=oriented(raw, higher_is_better=facts.higher_is_better),
        raw=raw,
        facts={
            "task": cells[0].task.component.label,
            "metric": facts.metric,
            "higher_is_better": facts.higher_is_better,
            "margin": (facts.margin or 0.0) if margin is None else margin,
            "paired": same_data([record for group in groups for record in group], range(seeds)),
            "missing": {
                cell.architecture.component.label: reason
                for cell, group, out in zip(cells, everything, apart, strict=True)
                if (reason := _missing(cell, group, out))
            },
            "solved": {
                cell.architecture.component.label: solved
                for cell, group in zip(cells, groups, strict=True)
                if (solved := _solved(group))
            },
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
    scores = np.mean(normal, axis=0)
    return Measured(
        labels=measured[0].labels,
        scores=scores,
        raw=scores,
        facts={
            "task": "",
            "metric": "normalised score",
            "higher_is_better": True,
            "margin": float(np.mean(margins)) if all(margins) else 0.0,
            "paired": all(m.facts["paired"] for m in measured),
            "missing": {label: reason for m in measured for label, reason in m.facts["missing"].items()},
        },
    )


def compare(measured: Measured, *, max_seeds: int | None) -> Comparison:
    """Return the comparison of measured entrants.

    Args:
        measured: their scores.
        max_seeds: largest number of seeds of a sequential rule; None for one comparison of the seeds there are.
    """
    seeds, facts = measured.scores.shape[1], measured.facts
    count = len(measured.labels) * (len(measured.labels) - 1) // 2
    if max_seeds is None:
        found, level = compare_all(measured.scores, paired=facts["paired"], margin=facts["margin"]), (1 - LEVEL) / count
        said, when, halves, reason = answers(found, facts["margin"]), None, found.half_widths, found.reason
    else:
        ruled = decide(measured.scores, margin=facts["margin"], max_seeds=max_seeds, paired=facts["paired"])
        level = nominal_level(max_seeds, count)
        said, when, halves, reason = ruled.answers, ruled.decided_at, ruled.half_widths, ""
    pairs = tuple(
        _pair(measured, pair, str(said[pair]), float(halves[pair]), level, None if when is None else int(when[pair]))
        for pair in combinations(range(len(measured.labels)), 2)
    )
    means = {
        label: _number(mean) for label, mean in zip(measured.labels, measured.raw.mean(axis=1).tolist(), strict=True)
    }
    return Comparison(**facts, seeds=seeds, means=means, pairs=pairs, reason=reason)


def _pair(
    measured: Measured, pair: tuple[int, int], answer: Any, half: float, level: float, when: int | None
) -> PairComparison:
    first, second = pair
    gaps = measured.scores[first] - measured.scores[second]
    mean, needed = float(gaps.mean()), None
    if answer == "undecided" and np.isfinite(mean):
        deviation, margin = float(gaps.std(ddof=1)), measured.facts["margin"]
        needed = seeds_to_decide(mean, deviation, margin=margin, seen=len(gaps), level=level)
    return PairComparison(
        first=measured.labels[first],
        second=measured.labels[second],
        difference=_number(mean),
        low=_number(mean - half),
        high=_number(mean + half),
        answer=answer,
        decided_at=when or None,
        seeds_needed=needed,
    )


def _scores(records: Sequence[Record], seeds: int) -> list[float]:
    """Return the test score of each seed; NaN where there is none."""
    found = {r.trial.seed: r.scores.test for r in records if finished(r) and r.scores is not None}
    return [found.get(seed, np.nan) for seed in range(seeds)]


def _missing(cell: Cell, records: Sequence[Record], apart: Mapping[str, str]) -> str:
    """Return why an entrant cannot be compared, or an empty string.

    Args:
        cell: of the entrant.
        records: of its trials.
        apart: those that do not count beside the others, by id, with the reason.
    """
    if cell.refusal is not None:
        return cell.refusal.reason
    ordered = sorted(records, key=lambda record: record.trial.seed)
    bad = [f"{r.status} at seed {r.trial.seed}" for r in ordered if not finished(r)]
    bad += [f"seed {r.trial.seed} does not count, since {apart[r.id]}" for r in ordered if r.id in apart]
    return ", ".join(bad)


def _solved(records: Sequence[Record]) -> Solved | None:
    """Return how many seeds solved the task; None where it has no target or nothing was trained."""
    trained = [r.training for r in records if r.training is not None and r.training.target is not None]
    if not trained:
        return None
    taken = [training.steps_to_target for training in trained]
    count = sum(steps is not None for steps in taken)
    budgets = [training.planned_steps for training in trained if training.planned_steps is not None]
    low, high = binomial_interval(count, len(records))
    steps = restricted_mean_steps(taken, max(budgets)) if len(budgets) == len(trained) else None
    return Solved(seeds=count, of=len(records), low=low, high=high, steps=steps)


def _number(value: float) -> float | None:
    """Return a finite number, and None for any other."""
    return value if np.isfinite(value) else None
