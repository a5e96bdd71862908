"""Words and number formats that the page, the README and the tables share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from archbench._records import Origin
from archbench._report._schema import (
    CandidateEntry,
    Leaderboard,
    OverRow,
    ProtocolEntry,
    TaskBoard,
    TaskEntry,
    TaskRow,
    TuningEntry,
)
from archbench._report._statistics import LEVEL, MIN_SEEDS, MIN_TASKS, Estimate

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

START_HERE = "benchmark run all"
"""The command that an empty page tells the reader to type."""

LEFT_OUT = "Tasks that do not count yet, because fewer than half of the entrants have been tried on them:"
"""The words before the tasks that a board over tasks leaves out."""

HOW_TO_READ = (
    f"An interval (±) is the {LEVEL:.0%} Student-t interval of the mean over seeds, on this fixed task set. It says "
    "how far the mean would move with other seeds, that is other splits, initial weights and data orders. It says "
    f"nothing about other tasks. It needs {MIN_SEEDS} seeds; with fewer there are only the dots.",
    "The score is the test metric of the weights that validation selected; the test split is read once, at the end. "
    "“Last weights” is the same metric after the last step. In a table over several tasks, each score is first put on "
    "the task's own scale, 0 for chance and 1 for a perfect predictor, and all tasks weigh the same; the interval is "
    "that of Welch and Satterthwaite.",
    "An entrant is an architecture with its options. All entrants are compared on the same seeds: the first that "
    "anyone ran, as many as the protocol plans. Further seeds count only if every entrant that finished those has "
    "tried them too; otherwise they are drawn hollow and not counted.",
    "An entrant is ranked only if it finished all of these seeds on every task that the table counts. The others are "
    "shown with the reason and without a rank; none is averaged over only the tasks that it finished. A table over "
    "several tasks counts a task once at least half of the entrants have been tried on it.",
    "Equal scores share a rank (2=). Groups say more than ranks: an entrant is in the group of the leader above it "
    "unless the interval of the difference between the two excludes 0. The difference is taken seed by seed where both "
    "saw the same data. There is no correction for the number of comparisons. The best group is set in bold. "
    f"From {MIN_TASKS} tasks on, a range gives the ranks that other tasks and seeds could have led to.",
    "A recipe says how the weights are updated. The house recipe of a protocol is the same for all entrants; an own "
    "recipe is the one that an architecture brings, as its paper published it. Results under the two, like those of "
    "different protocols, never share a table.",
    "A revision or source that a newer one has replaced stays visible, marked as superseded, without a rank. "
    "Parameters, training seconds and throughput are measured, never estimated; what was not measured is absent. "
    "Pareto-optimal means that no ranked entrant scores better with as few parameters.",
)


def decimals(board: TaskBoard, task: TaskEntry) -> int:
    """Return how many decimals show three digits of the metric's scale, and two of the smallest mean."""
    scale = abs(task.oracle - task.chance)
    means = [abs(row.score.mean) for row in board.rows if row.score and row.score.mean]
    wanted = 2 - math.floor(math.log10(scale))
    if means:
        wanted = max(wanted, 1 - math.floor(math.log10(min(means))))
    return min(max(wanted, 0), 6)


def fixed(value: float | None, digits: int) -> str:
    """Return a number with so many decimals and a true minus sign; a dash for None."""
    if value is None:
        return NOTHING
    text = f"{value:,.{digits}f}"
    return text.replace("-", MINUS) if float(text.replace(",", "")) else text.lstrip("-")


def plus_minus(estimate: Estimate | None, digits: int) -> str:
    """Return `±` with half the interval; empty where there is none."""
    half = estimate.half_width if estimate else None
    return "" if half is None else f"± {fixed(half, digits)}"


def place(row: TaskRow | OverRow) -> str:
    """Return a rank such as `2`, or `2=` when it is shared; a dash for none."""
    return NOTHING if row.rank is None else f"{row.rank}{'=' if row.tied else ''}"


def loss(value: float | None) -> str:
    """Return a loss with three decimals, or with two significant digits where decimals would show zeros."""
    if value is None or abs(value) >= 0.1 or not value:
        return fixed(value, 3)
    return fixed(value, 1 - math.floor(math.log10(abs(value)))) if abs(value) >= 1e-5 else f"{value:.1e}"


def count(value: float | None) -> str:
    """Return a whole number with its digits in groups of three."""
    return NOTHING if value is None else f"{value:,.0f}"


def seconds(value: float | None) -> str:
    """Return a number of seconds, with one decimal below a hundred."""
    return NOTHING if value is None else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def span(values: Iterable[int]) -> str:
    """Return the range of some whole numbers, such as `16,489–16,516`."""
    ordered = sorted(values)
    if not ordered:
        return NOTHING
    return count(ordered[0]) if ordered[0] == ordered[-1] else f"{count(ordered[0])}{NOTHING}{count(ordered[-1])}"


def why_unranked(row: TaskRow, newer: str) -> str:
    """Return why a row of a task board has no rank.

    Args:
        row: the row.
        newer: label of the entrant that replaced it, if it is superseded.
    """
    parts = [f"superseded by {newer}"] if row.superseded else []
    return "; ".join([*parts, row.gap] if row.gap else parts)


def kind_word(kind: str) -> str:
    """Return a kind of input as it stands before the word task: `token` for `tokens`."""
    return kind.removesuffix("s")


def metric_words(task: TaskEntry) -> str:
    """Return the metric and its direction, and by how much training is longer than on other tasks."""
    longer = "" if task.effort == 1 else f"; trained for {task.effort:g} times the steps of the protocol"
    return f"{task.metric.replace('_', ' ')}, {'higher' if task.higher_is_better else 'lower'} is better{longer}"


def summary_line(board: Leaderboard) -> str:
    """Return one line that says how much the page holds."""
    parts = [
        _several(len([entrant for entrant in board.entrants if not entrant.superseded_by]), "architecture"),
        _several(len(board.tasks), "task"),
        _several(len(board.protocols), "protocol"),
        _several(board.trials, "trial"),
    ]
    states = ", ".join(f"{number} {status}" for status, number in board.counts.items())
    tuning = sum(entry.trials for entry in board.tuning)
    text = f"{' · '.join(parts)} ({states})"
    return f"{text} · {_several(tuning, 'tuning trial')}" if tuning else text


def seeds_line(board: TaskBoard, planned: int) -> str:
    """Return which seeds a board compares, and how many the protocol plans where these are fewer."""
    number = len(board.seeds)
    text = f"Compared on {_several(number, 'seed')} ({', '.join(map(str, board.seeds))})"
    if number < planned:
        text += f"; the protocol plans {planned}"
    if not board.paired:
        text += "; the records do not prove equal data for all entrants, so differences are not taken seed by seed"
    return f"{text}."


def _several(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def incompatible(board: TaskBoard, labels: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """Return each reason for which entrants cannot take the task, with the labels that it holds for."""
    groups: dict[str, list[str]] = {}
    for entry in board.incompatible:
        groups.setdefault(entry.reason, []).append(labels[entry.entrant])
    return list(groups.items())


def solved_line(board: TaskBoard, task: TaskEntry, labels: Mapping[str, str]) -> str:
    """Return which entrants reached the target of the task, on how many seeds and when; empty without a target."""
    tried = [row for row in board.rows if row.solved is not None]
    if task.target is None or not tried:
        return ""
    solved = [row for row in tried if row.solved]
    names = [
        f"{labels[row.entrant]} {row.solved}/{row.ok} after {count(row.steps_to_target)} steps"
        for row in sorted(solved, key=lambda row: (-(row.solved or 0), row.steps_to_target or 0.0, labels[row.entrant]))
    ]
    return f"Solved (validation reached {task.target:.3g}): {'; '.join(names) or 'no entrant'}."


def protocol_words(protocol: ProtocolEntry) -> str:
    """Return a protocol with its kind of recipe, for headings: results under different recipes share no table."""
    return f"{protocol.label} protocol, {protocol.track}"


def rules_words(protocol: ProtocolEntry) -> str:
    """Return recipe and tuning of a protocol in one line."""
    rules = [protocol.recipe_words]
    if protocol.tuning_words:
        rules.append(f"chosen on validation: {protocol.tuning_words}")
    if protocol.augment:
        rules.append("with the augmentation of the task")
    if protocol.stop_at_target:
        rules.append("training ends at the target of the task")
    return "; ".join(rules)


def candidate_words(entry: TuningEntry, candidate: CandidateEntry) -> str:
    """Return a candidate of tuning with its score or its statuses, such as `0.01: 0.93`."""
    recipe = candidate.recipe
    result = ", ".join(candidate.counts) if candidate.validation is None else f"{candidate.validation:.4g}"
    settings = [recipe.learning_rate, recipe.weight_decay, recipe.clip_norm]
    if len({(other.recipe.weight_decay, other.recipe.clip_norm) for other in entry.candidates}) == 1:
        settings = settings[:1]
    return f"{'/'.join(f'{value:.3g}' for value in settings)}: {result}"


def chosen_words(entry: TuningEntry) -> str:
    """Return the recipe that tuning chose, in full."""
    return next((candidate.recipe.words() for candidate in entry.candidates if candidate.chosen), "nothing yet")


TUNING = (
    "Before they are evaluated, all entrants of these protocols get equally many tuning trials on each task, on seeds "
    "that the evaluation does not use. Validation chooses the recipe, and the test split is not read; the trials are "
    "part of the result, their cost is shown, and none of them is ranked. A candidate is written as its learning rate, "
    "or as learning rate/weight decay/bound of the gradient norm, followed by its validation score; the best comes "
    "first."
)


def origin_words(origin: Origin) -> str:
    """Return where code came from, such as `archbench 0.1.0 (editable)`."""
    marks = [mark for mark in (origin.commit[:12], "editable" if origin.editable else "") if mark]
    name = f"{origin.distribution} {origin.version}".strip()
    return f"{name} ({', '.join(marks)})" if marks else name
