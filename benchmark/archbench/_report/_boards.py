"""One board: one protocol on one task. Which seeds count, what a cell is worth, who may be ranked."""

from __future__ import annotations

import math
import shlex
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from archbench._protocols import protocols
from archbench._records import STATUSES, Record
from archbench._report._entrants import current_recipe, entrant_id, environment_numbers, group_by, one_file
from archbench._report._schema import (
    Curve,
    Entrant,
    EnvironmentEntry,
    Incompatible,
    ProtocolEntry,
    SeedResult,
    TaskBoard,
    TaskEntry,
    TaskRow,
)
from archbench._report._statistics import competition_ranks, mean_interval, normalise, pareto_front, tie_groups


class Context(msgspec.Struct, frozen=True):
    """What every board needs to know besides its own records."""

    entrants: Mapping[str, Entrant]
    environments: Sequence[EnvironmentEntry]

    def label(self, key: str) -> str:
        """What people read."""
        return self.entrants[key].label

    def current(self, key: str) -> bool:
        """Whether nothing newer has taken its place."""
        return not self.entrants[key].superseded_by


def build_task_board(
    records: Sequence[Record], protocol: ProtocolEntry, task: TaskEntry, context: Context
) -> TaskBoard:
    """The board of the records of one protocol on one task."""
    cells = {
        key: sorted(current_recipe(group), key=lambda r: r.trial.seed)
        for key, group in group_by(records, entrant_id).items()
    }
    tried = {key: group for key, group in cells.items() if any(r.status != "skipped" for r in group)}
    seeds = comparison_seeds({key: group for key, group in tried.items() if context.current(key)} or tried)
    rows = [_row(key, group, seeds, protocol, task, context) for key, group in tried.items()]
    paired = same_data(records, seeds)
    ranked, rest = _rank(rows, task, context, paired)
    skipped = sorted(cells.keys() - tried.keys(), key=context.label)
    return TaskBoard(
        id=f"{protocol.id}-{task.id}",
        protocol=protocol.id,
        task=task.id,
        seeds=seeds,
        paired=paired,
        timings_comparable=len(environment_numbers(records, context.environments)) <= 1,
        verdict=verdict([(context.label(row.entrant), row.rank, row.group) for row in ranked], len(seeds)),
        rows=[*ranked, *rest],
        curves=[curve for row in [*ranked, *rest] if (curve := _curve(row, tried[row.entrant]))],
        incompatible=[Incompatible(entrant=key, reason=cells[key][0].message) for key in skipped],
    )


def comparison_seeds(cells: Mapping[str, Sequence[Record]]) -> list[int]:
    """The seeds that all entrants of a board are compared on.

    The first N that anyone ran, N being what the protocol plans; more only where every entrant that finished
    those N has tried them. So a few extra seeds of one entrant neither help it nor unrank the others.

    Args:
        cells: records of each entrant that is not superseded, without those that cannot take the task.
    """
    tried = {key: {r.trial.seed for r in group if r.status != "skipped"} for key, group in cells.items()}
    planned = statistics.median_low(group[0].trial.protocol.seeds for group in cells.values()) if cells else 0
    everyone = sorted(set().union(*tried.values()))
    first, more = everyone[: max(planned, 1)], everyone[max(planned, 1) :]
    complete = [key for key, group in cells.items() if set(first) <= {r.trial.seed for r in group if finished(r)}]
    return first + [seed for seed in more if complete and all(seed in tried[key] for key in complete)]


def finished(record: Record) -> bool:
    """Whether there is a score to use."""
    return record.status == "ok" and record.scores is not None and math.isfinite(record.scores.test)


def status_of(record: Record) -> tuple[str, str]:
    """Status and message; a trial that claims to be fine without a finite score has failed."""
    if record.status == "ok" and not finished(record):
        return "failed", "the record has no finite test score"
    return record.status, record.message


def same_data(records: Iterable[Record], seeds: Sequence[int]) -> bool:
    """Whether the records prove that trials with one seed saw the same splits and batches."""
    proofs: dict[int, set[str]] = {}
    for record in records:
        if finished(record) and record.trial.seed in seeds:
            proof = "" if record.pairing is None else f"{record.pairing.splits} {record.pairing.batches}"
            proofs.setdefault(record.trial.seed, set()).add(proof)
    return all(len(proof) == 1 and proof != {""} for proof in proofs.values())


def describe_gap(counts: Mapping[str, int], planned: int) -> tuple[str, str]:
    """State and words for a cell: what became of its planned seeds, such as `diverged 1 of 3`."""
    lacking = {status: n for status, n in counts.items() if status != "ok" and n}
    if not lacking:
        return "complete", ""
    # The most telling state names the cell; seeds never run come last.
    order = [*STATUSES, "not run"]
    worst = max(lacking, key=lambda status: (status != "not run", lacking[status], -order.index(status)))
    return worst, ", ".join(f"{status} {lacking[status]} of {planned}" for status in order if status in lacking)


def verdict(ranked: Sequence[tuple[str, int | None, int | None]], seeds: int) -> str:
    """The result in one sentence, from (label, rank, group), best first."""
    if not ranked:
        return "Nobody is ranked yet: no entrant has a complete set of results."
    best = [label for label, rank, _ in ranked if rank == 1]
    if len(ranked) == 1:
        return f"{best[0]} is the only entrant with a complete set of results."
    lead = f"{_named(best)} {'has' if len(best) == 1 else 'share'} the best mean"
    if ranked[0][2] is None:
        few = f"{seeds} seed{'' if seeds == 1 else 's'}"
        return f"{lead}, but {few} cannot separate entrants; three or more are needed."
    close = [label for label, rank, group in ranked if group == 1 and rank != 1]
    if close:
        them = "it" if len(best) == 1 else "them"
        return f"{lead}; {_named(close)} cannot be told apart from {them} with these seeds."
    if len(best) == len(ranked):
        return f"{lead}."
    return f"{best[0]} leads, separated from all others." if len(best) == 1 else f"{lead}, separated from all others."


def _named(labels: Sequence[str]) -> str:
    if len(labels) > 3:
        return f"{', '.join(labels[:2])} and {len(labels) - 2} more"
    return " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))


def _row(
    key: str,
    group: Sequence[Record],
    seeds: Sequence[int],
    protocol: ProtocolEntry,
    task: TaskEntry,
    context: Context,
) -> TaskRow:
    counted = [r for r in group if finished(r) and r.trial.seed in seeds]
    gap = Counter(status_of(r)[0] for r in group if r.trial.seed in seeds)
    gap["not run"] = len(seeds) - gap.total()
    state, words = describe_gap(gap, len(seeds))
    scores = [r.scores for r in counted if r.scores is not None]
    test = mean_interval([s.test for s in scores]) if scores else None
    return TaskRow(
        entrant=key,
        rank=None,
        tied=False,
        group=None,
        state=state,
        gap=words,
        superseded=not context.current(key),
        score=test,
        normalised=float(normalise(test.mean, chance=task.chance, oracle=task.oracle)) if test else None,
        last=mean_interval([s.test_last for s in scores]) if scores else None,
        validation=mean_interval([s.validation for s in scores]) if scores else None,
        train_loss=_mean(s.train_loss for s in scores),
        recipe=_recipe_words(group),
        solved=_solved(counted),
        steps_to_target=_mean(r.training.steps_to_target for r in counted if r.training),
        planned=len(seeds),
        ok=len(counted),
        counts=dict(sorted(Counter(status_of(r)[0] for r in group).items())),
        seeds=[_seed(r, seeds) for r in group],
        parameters=_largest(r.resources.parameters for r in group),
        flops=_largest(r.resources.flops for r in group),
        train_seconds=_mean(r.resources.train_seconds for r in counted),
        samples_per_second=_mean(r.resources.samples_per_second for r in counted),
        peak_memory_bytes=_mean(r.resources.peak_memory_bytes for r in counted),
        pareto=None,
        environments=environment_numbers(group, context.environments),
        command=command(context.entrants[key], task, protocol, max(seeds) + 1),
    )


def _rank(
    rows: Sequence[TaskRow], task: TaskEntry, context: Context, paired: bool
) -> tuple[list[TaskRow], list[TaskRow]]:
    """Ranked rows, best first, and the others in the order of their labels."""
    able = [row for row in rows if row.score and not (row.gap or row.superseded)]
    unable = sorted((row for row in rows if row not in able), key=lambda row: context.label(row.entrant))
    if not able:
        return [], unable
    means = [row.score.mean for row in able if row.score]
    ranks = competition_ranks(means, higher_is_better=task.higher_is_better)
    sign = 1.0 if task.higher_is_better else -1.0
    known = [math.nan if row.parameters is None else float(row.parameters) for row in able]
    front = pareto_front(sign * np.array(means), known)
    placed = sorted(
        (
            msgspec.structs.replace(
                row, rank=rank, tied=ranks.count(rank) > 1, pareto=None if math.isnan(cost) else bool(flag)
            )
            for row, rank, flag, cost in zip(able, ranks, front, known, strict=True)
        ),
        key=lambda row: (row.rank or 0, context.label(row.entrant)),
    )
    groups = tie_groups([[sign * values(row)] for row in placed], paired=paired)
    if groups is None:
        return placed, unable
    return [msgspec.structs.replace(r, group=g) for r, g in zip(placed, groups, strict=True)], unable


def values(row: TaskRow) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Test scores of the counted seeds, in the order of the seeds; shape (seeds,)."""
    return np.array([s.test for s in row.seeds if s.counted and s.test is not None], dtype=np.float64)


def command(entrant: Entrant, task: TaskEntry, protocol: ProtocolEntry, seeds: int) -> str:
    """The command that reproduces a row, quoted for a POSIX shell."""
    builtin = protocol.name in [known.name for known in protocols()]
    name = protocol.name if builtin else f"./{protocol.name}.toml"
    searched = builtin and protocol.tuning is not None and protocol.tuning.trials
    words = ["benchmark", "tune" if searched else "run", entrant.selector, "--task", task.selector, "--protocol", name]
    words += ["--trials", str(searched)] if searched else []
    words += ["--seeds", str(seeds)]
    files = {file for file in (one_file(entrant), one_file(task)) if file}
    for file in sorted(files):
        words += ["--plugin", file]
    return shlex.join(words)


def _seed(record: Record, seeds: Sequence[int]) -> SeedResult:
    status, message = status_of(record)
    test = record.scores.test if record.scores is not None and finished(record) else None
    counted = record.trial.seed in seeds
    return SeedResult(
        seed=record.trial.seed, record=record.id, status=status, message=message, counted=counted, test=test
    )


def _curve(row: TaskRow, group: Sequence[Record]) -> Curve | None:
    """Means at the steps that all counted trials have, as long as all values are finite."""
    counted = {seed.record for seed in row.seeds if seed.counted and seed.test is not None}
    curves = [r.curves for r in group if r.id in counted and r.curves is not None]
    if not curves:
        return None
    points = [
        {s: (v, t) for s, v, t in zip(c.step, c.validation, c.train_loss, strict=True) if math.isfinite(v + t)}
        for c in curves
    ]
    steps = sorted(set(points[0]).intersection(*points[1:]))
    return Curve(
        entrant=row.entrant,
        n=len(curves),
        step=steps,
        validation=[float(np.mean([p[step][0] for p in points])) for step in steps],
        train_loss=[float(np.mean([p[step][1] for p in points])) for step in steps],
    )


def _recipe_words(group: Sequence[Record]) -> str:
    """What the trials of a cell followed, where the protocol alone does not say it."""
    return next((r.trial.recipe.words() for r in group if r.trial.recipe is not None), "")


def _solved(counted: Sequence[Record]) -> int | None:
    facts = [r.training for r in counted if r.training is not None and r.training.target is not None]
    return sum(training.steps_to_target is not None for training in facts) if facts else None


def _mean(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None and math.isfinite(number)]
    return float(np.mean(known)) if known else None


def _largest(numbers: Iterable[int | None]) -> int | None:
    return max((number for number in numbers if number is not None), default=None)
