"""Rows of a task board, not yet ranked."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from archbench._protocols import protocols
from archbench._records import Record, TaskFacts
from archbench._report._cells import cell_interval, middle, solved_share, still_improving
from archbench._report._context import Context
from archbench._report._further import further_scores
from archbench._report._provenance import environment_numbers, plugin_file
from archbench._report._scales import is_logarithmic
from archbench._report._schema import Entrant, ProtocolEntry, SeedResult, TaskEntry, TaskRow
from archbench._report._seeds import describe_gap, finished, status_of, steps_to_solve
from archbench._report._statistics import Estimate, Floats, normalise
from archbench._statistics import restricted_mean_steps

MOST_WRONG = 10
"""Wrongly classified examples of a trial that the page names."""


def build_row(
    group: Sequence[Record], seeds: Sequence[int], protocol: ProtocolEntry, task: TaskEntry, context: Context
) -> TaskRow:
    """Return the row of an entrant on a task, without rank and group.

    Args:
        group: the records of one cell, in the order of their seeds.
        seeds: the seeds that the board compares.
        protocol: the protocol of the board.
        task: the task of the board.
        context: the entrants and environments of the page.
    """
    entrant = context.entrants[group[0].trial.architecture.key]
    counted = [record for record in group if finished(record) and record.trial.seed in seeds]
    gaps = Counter(status_of(record)[0] for record in group if record.trial.seed in seeds)
    gaps["not run"] = len(seeds) - gaps.total()
    state, gap = describe_gap(gaps, len(seeds))
    return TaskRow(
        entrant=entrant.id,
        state=state,
        gap=gap,
        superseded=not context.current(entrant.id),
        unfinished=still_improving(counted, task),
        recipe=next((r.trial.recipe.words() for r in group if r.trial.recipe is not None), ""),
        planned=len(seeds),
        ok=len(counted),
        counts=dict(sorted(Counter(status_of(record)[0] for record in group).items())),
        seeds=[_seed(record, seeds) for record in group],
        pareto=None,
        confusion=_summed([record.confusion for record in counted if record.confusion is not None]),
        environments=environment_numbers(group, context.environments),
        command=command(entrant, task, protocol, max(seeds) + 1),
        **_scores(counted, task),
        **_solved([record for record in group if record.trial.seed in seeds]),
        **_costs(group, counted),
    )


def command(entrant: Entrant, task: TaskEntry, protocol: ProtocolEntry, seeds: int) -> str:
    """Return the command that reproduces a row, quoted for a POSIX shell."""
    builtin = protocol.provider or protocol.name in [known.name for known in protocols()]
    name = protocol.name if builtin else f"./{protocol.name}.toml"
    searched = builtin and protocol.tuning is not None and protocol.tuning.trials
    words = ["benchmark", "tune" if searched else "run", entrant.selector, "--task", task.selector, "--protocol", name]
    words += ["--trials", str(searched)] if searched else []
    words += ["--seeds", str(seeds)]
    rules = protocol.provider if protocol.provider and protocol.provider.endswith(".py") else ""
    files = {file for file in (plugin_file(entrant), plugin_file(task), rules) if file}
    for file in sorted(files):
        words += ["--plugin", file]
    return shlex.join(words)


def _seed(record: Record, seeds: Sequence[int]) -> SeedResult:
    status, message = status_of(record)
    return SeedResult(
        seed=record.trial.seed,
        record=record.id,
        status=status,
        message=message,
        counted=record.trial.seed in seeds,
        test=record.scores.test if record.scores is not None and status == "ok" else None,
        steps=record.training.steps if record.training is not None else None,
        steps_to_target=record.training.steps_to_target if record.training is not None else None,
        train_seconds=record.resources.train_seconds,
        wrong=record.wrong[:MOST_WRONG],
    )


def _summed(matrices: Sequence[list[list[int]]]) -> list[list[int]] | None:
    """Return the sum of some confusion matrices; None without any, and where classes differ."""
    if len({len(matrix) for matrix in matrices}) != 1:
        return None
    total: list[list[int]] = np.sum(matrices, axis=0).tolist()
    return total


def _scores(counted: Sequence[Record], task: TaskEntry) -> dict[str, Any]:
    """Return the fields of a row that hold scores."""
    scores = [record.scores for record in counted if record.scores is not None]

    def estimate(name: str) -> Estimate | None:
        return cell_interval([getattr(s, name) for s in scores], task) if scores else None

    test = estimate("test")
    return {
        "score": test,
        "median": middle([s.test for s in scores], higher_is_better=task.higher_is_better) if scores else None,
        "normalised": float(normalised([s.test for s in scores], task).mean()) if scores else None,
        "last": estimate("test_last"),
        "validation": estimate("validation"),
        "train_loss": _mean(s.plain_train_loss for s in scores),
        "further": further_scores(scores, task),
    }


def _solved(tried: Sequence[Record]) -> dict[str, Any]:
    """Return the fields of a row that say on how many seeds the task was solved, and after how many steps."""
    steps = steps_to_solve(tried)
    if not steps:
        return {"solved": None, "solved_share": None, "steps_to_target": None}
    solved = sum(taken is not None for taken in steps)
    budget = max(facts.planned_steps or facts.steps for r in tried if (facts := r.training) is not None)
    return {
        "solved": solved,
        "solved_share": solved_share(solved, len(steps)),
        "steps_to_target": restricted_mean_steps(steps, budget) if solved else None,
    }


def normalised(scores: npt.ArrayLike, task: TaskEntry | TaskFacts) -> Floats:
    """Return test scores of a task on the scale where 0 is chance and 1 is a perfect predictor."""
    return normalise(scores, chance=task.chance, oracle=task.oracle, logarithmic=is_logarithmic(task))


def margin_share(margin: float, task: TaskEntry | TaskFacts) -> float:
    """Return how much of the normalised scale the margin of a task is, next to a perfect score."""
    worse = task.oracle + math.copysign(margin, task.chance - task.oracle)
    (score,) = normalised([worse], task)
    return 1 - float(score)


def _costs(group: Sequence[Record], counted: Sequence[Record]) -> dict[str, Any]:
    """Return the fields of a row that hold resources: sizes from every record, means over the counted trials."""
    return {
        "parameters": _largest(record.resources.parameters for record in group),
        "flops": _largest(record.resources.flops for record in group),
        "train_seconds": _mean(record.resources.train_seconds for record in counted),
        "samples_per_second": _mean(record.resources.samples_per_second for record in counted),
        "peak_memory_bytes": _mean(record.resources.peak_memory_bytes for record in counted),
    }


def _mean(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None and math.isfinite(number)]
    return float(np.mean(known)) if known else None


def _largest(numbers: Iterable[int | None]) -> int | None:
    return max((number for number in numbers if number is not None), default=None)
