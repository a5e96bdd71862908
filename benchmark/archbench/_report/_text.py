"""Words and number formats that the page, the README and the tables share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from archbench._declarations import METRICS
from archbench._records import Origin
from archbench._report._schema import (
    CandidateEntry,
    Comparison,
    Failure,
    Leaderboard,
    ProtocolEntry,
    Row,
    TaskBoard,
    TaskEntry,
    TaskRow,
    TuningEntry,
)
from archbench._report._statistics import Estimate
from archbench._statistics import LEVEL, MIN_SEEDS, floor_of

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

START_HERE = "benchmark run all"
"""The command that an empty page tells the reader to type."""

LEFT_OUT = "Tasks that do not count yet, because fewer than half of the entrants have been tried on them:"
"""The words before the tasks that a board over tasks leaves out."""

ANSWERS = "All pairs of a board are compared at once, with 95% confidence. The difference is first minus second."
"""The words above the comparison of two entrants."""

RATIOS = "Where errors are compared by their ratio, it is the first over the second: 0.3 times the error is better."
"""The words that follow them if a task of the page is compared by ratios."""

FEW = 6
"""More entrants than this are counted in a list and not named, where the other lists of a row name the rest."""

RANKS_NOBODY = "the scores of its protocol mean nothing"
"""The reason for which nobody is ranked under a protocol that only asks whether something runs."""

UNFINISHED = "not trained long enough to say"
"""The reason for which an entrant that was still improving when training ended is not ranked."""


def decimals(board: TaskBoard, task: TaskEntry) -> int:
    """Return how many decimals show three digits of the metric's scale, and two of the smallest mean."""
    wanted = 2 - math.floor(math.log10(abs(task.oracle - task.chance)))
    if board.smallest_mean:
        wanted = max(wanted, 1 - math.floor(math.log10(board.smallest_mean)))
    return min(max(wanted, 0), 6)


def fixed(value: float | None, digits: int) -> str:
    """Return a number with so many decimals and a true minus sign; a dash for None."""
    if value is None:
        return NOTHING
    text = f"{value:,.{digits}f}"
    return text.replace("-", MINUS) if float(text.replace(",", "")) else text.lstrip("-")


def interval(estimate: Estimate | None, digits: int) -> str:
    """Return an interval such as `0.976–1.000`; that seeds are equal where they leave none; empty with too few."""
    if estimate is None or estimate.n < MIN_SEEDS:
        return ""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.n} equal seeds"
    between = " to " if estimate.low < 0 else NOTHING
    return f"{fixed(estimate.low, digits)}{between}{fixed(estimate.high, digits)}"


def place(row: Row) -> str:
    """Return the ranks that a row can have, such as `1–4`, or `2` if there is only one; a dash for none."""
    if row.rank_interval is None:
        return NOTHING
    low, high = row.rank_interval
    return f"{low}" if low == high else f"{low}{NOTHING}{high}"


def loss(value: float | None) -> str:
    """Return a loss with three decimals, or with two significant digits where decimals would show zeros."""
    if value is None or abs(value) >= 0.1 or not value:
        return fixed(value, 3)
    return fixed(value, 1 - math.floor(math.log10(abs(value)))) if abs(value) >= 1e-5 else f"{value:.1e}"


def count(value: float | None) -> str:
    """Return a whole number with its digits in groups of three."""
    return NOTHING if value is None else f"{value:,.0f}"


def seconds(value: float | None) -> str:
    """Return a number of seconds, with two decimals below a tenth and one below a hundred."""
    if value is None:
        return NOTHING
    return f"{value:.2f}" if value < 0.1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


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
    parts = [f"superseded by {newer}" if row.superseded else "", row.gap, UNFINISHED if row.unfinished else ""]
    return "; ".join(filter(None, parts)) or ("" if row.rank else RANKS_NOBODY)


def kind_word(kind: str) -> str:
    """Return a kind of input as it stands before the word task: `token` for `tokens`."""
    return kind.removesuffix("s")


def metric_words(task: TaskEntry) -> str:
    """Return the metric and its direction, and by how much training is longer than on other tasks."""
    longer = "" if task.effort == 1 else f"; trained for {task.effort:g} times the steps of the protocol"
    return f"{task.metric.replace('_', ' ')}, {'higher' if task.higher_is_better else 'lower'} is better{longer}"


def margin_words(task: TaskEntry) -> str:
    """Return what does not matter, such as `0.01 accuracy` or `a factor of 1.25`; empty if the task does not say."""
    if task.factor is not None:
        return f"a factor of {task.factor:g}"
    return "" if task.margin is None else f"{task.margin:g} {task.metric.replace('_', ' ')}"


def reach(task: TaskEntry) -> float:
    """Return the largest difference that two scores can have; 0 where there is no such bound."""
    low, high = score_bounds(task)
    return 0.0 if low is None or high is None else high - low


def score_bounds(task: TaskEntry) -> tuple[float | None, float | None]:
    """Return the lowest and the highest score that the metric can give; None where it has no such bound."""
    rules = METRICS.get(task.metric)
    bounds = (-math.inf, math.inf) if rules is None else (rules.lowest, rules.highest)
    low, high = (bound if math.isfinite(bound) else None for bound in bounds)
    return low, high


def normalised_margin(comparison: Comparison) -> str:
    """Return the margin of a board over tasks in words; empty if there is none."""
    return "" if comparison.margin is None else f"{comparison.margin:.2g} of the normalised score"


def scale_words(task: TaskEntry) -> str:
    """Return the scores between which those of a task lie, its target, and the difference or ratio that matters."""
    target = "" if task.target is None else f", solved if validation reaches {task.target:.4g}"
    margin = f"; differences below {task.margin:g} do not matter" if task.margin is not None else ""
    if task.factor is not None:
        floor = "the target" if task.target is not None else f"{floor_of(task.chance, None):.1g}"
        margin = f"; errors are compared by their ratio, and factors below {task.factor:g} do not matter"
        margin += f"; an error below {floor} counts as {floor}"
    return f"{task.baseline or 'chance'} {task.chance:.4g}, perfect {task.oracle:.4g}{target}{margin}"


def summary_line(board: Leaderboard, *, protocols: bool = True) -> str:
    """Return one line that says how much the page holds.

    Args:
        board: the leaderboard.
        protocols: the line counts the protocols too.
    """
    parts = [
        _several(len([entrant for entrant in board.entrants if not entrant.superseded_by]), "architecture"),
        _several(len(board.tasks), "task"),
        *([_several(len(board.protocols), "protocol")] if protocols else []),
        _several(board.trials, "trial"),
    ]
    states = ", ".join(f"{number} {status}" for status, number in board.counts.items())
    tuning = sum(entry.trials for entry in board.tuning)
    text = " · ".join(parts) + (", all ok" if set(board.counts) == {"ok"} else f" ({states})" if states else "")
    text += f" · {_several(tuning, 'tuning trial')}" if tuning else ""
    return f"{text} · {_studies_words(board)}" if board.studies else text


def _studies_words(board: Leaderboard) -> str:
    """Return the number of studies and of their trials."""
    number = "1 study" if len(board.studies) == 1 else f"{len(board.studies)} studies"
    return f"{number} of {_several(board.study_trials, 'trial')}"


def dots_words(board: TaskBoard) -> str:
    """Return how to read the strip chart of a board."""
    if has_target(board):
        return "Dots are seeds, filled where they solved the task."
    if any(row.score is not None and row.score.low is not None for row in board.rows):
        return f"Dots are seeds; the bar is the {LEVEL:.0%} interval of their mean, the stroke the mean."
    return "Dots are seeds; the stroke is their mean."


def seeds_line(board: TaskBoard, planned: int) -> str:
    """Return which seeds a board compares, and how many the protocol plans where these are fewer."""
    number = len(board.seeds)
    text = f"Compared on {_several(number, 'seed')} ({', '.join(map(str, board.seeds))})"
    if number < planned:
        text += f"; the protocol plans {planned}"
    if board.comparison.factor is not None:
        text += "; means of errors are geometric"
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


def has_target(board: TaskBoard) -> bool:
    """Return whether a board says who solved the task, in place of means that no seed may have reached."""
    return any(row.solved_share is not None for row in board.rows)


def rest(keys: Sequence[str], labels: Mapping[str, str], comparison: Comparison) -> str:
    """Return the entrants that the other lists of a row leave over: by name if they are few, else by number."""
    if len(keys) <= FEW:
        return ", ".join(labels[key] for key in keys) or NOTHING
    return f"all others ({len(keys)})" if len(keys) < len(comparison.scores.entrants) - 1 else f"all {len(keys)} others"


def solved(row: TaskRow) -> str:
    """Return on how many of its seeds an entrant solved the task, such as `2/3`; a dash without a target."""
    return NOTHING if row.solved_share is None else f"{row.solved}/{row.solved_share.n}"


def steps(row: TaskRow) -> str:
    """Return the mean number of steps to solve the task; a bound where some seeds did not; a dash where none did."""
    if not row.solved or row.solved_share is None:
        return NOTHING
    return f"{'' if row.solved == row.solved_share.n else '≥ '}{count(row.steps_to_target)}"


def reached(failure: Failure) -> str:
    """Return how far a trial got, as `120 of 2,000`; empty if that is not known."""
    if failure.steps is None:
        return ""
    return f"{failure.steps:,}" + (f" of {failure.planned_steps:,}" if failure.planned_steps else "")


def solved_line(board: TaskBoard, task: TaskEntry) -> str:
    """Return how many entrants solve the task with every seed, and how those are ordered; empty without a target."""
    tried = [row for row in board.rows if row.solved_share is not None and not row.superseded]
    if task.target is None or not tried:
        return ""
    always = [row for row in tried if row.solved == row.planned]
    every, some = len(always), sum(bool(row.solved) for row in tried) - len(always)
    text = f"{every or 'None'} of {_several(len(tried), 'entrant')} solve{'s' if every == 1 else ''} it with every seed"
    text += f", {some} with some" if some else ""
    ordered = sum(row.rank is not None for row in always) > 1
    return f"{text}{'; those with every seed are ordered by their steps to solve it' if ordered else ''}."


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
    if protocol.precision != "32":
        rules.append(f"arithmetic in {protocol.precision}")
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


def origin_words(origin: Origin) -> str:
    """Return where code came from, such as `archbench 0.1.0 (editable)`."""
    marks = [mark for mark in (origin.commit[:12], "editable" if origin.editable else "") if mark]
    name = f"{origin.distribution} {origin.version}".strip()
    return f"{name} ({', '.join(marks)})" if marks else name
