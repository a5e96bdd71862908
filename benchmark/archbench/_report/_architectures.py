"""One entrant over all tasks: its scores on a shared scale, its trials, and the differences from its control."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archbench._report import _text
from archbench._report._pairs import find_pair
from archbench._report._rows import normalised
from archbench._report._schema import Entrant, Leaderboard, SeedResult, TaskBoard, TaskEntry, TaskRow

NOT_COMPARED = "not compared"
VERDICTS = ("better", "equivalent", "undecided", "worse", NOT_COMPARED)


class Versus(NamedTuple):
    """An entrant beside its control on one task, as the comparison of all pairs of the board found them.

    Args:
        verdict: `better`, `equivalent`, `undecided`, `worse`, or `not compared`.
        text: the difference or ratio with its interval, or why they were not compared.
        mean, low, high: the difference in parts of the distance from chance to perfect, positive where the entrant is
            better; None for ratios and steps, which have no place on that scale, and without an interval.
    """

    verdict: str
    text: str
    mean: float | None = None
    low: float | None = None
    high: float | None = None


class OnTask(NamedTuple):
    """The results of an entrant on one board.

    Args:
        board: the board.
        task: its task.
        row: the row of the entrant.
        scores: of its counted seeds, 0 for chance and 1 for a perfect predictor.
        low, high: the interval of their mean on that scale; None without one, and where the mean describes no seed.
        versus: it beside its control; None if that was not tried on the task.
    """

    board: TaskBoard
    task: TaskEntry
    row: TaskRow
    scores: list[float]
    low: float | None
    high: float | None
    versus: Versus | None


def results_of(entrant: Entrant, page: Leaderboard) -> list[OnTask]:
    """Return the results of an entrant on every board where it was tried."""
    tasks = {task.id: task for task in page.tasks}
    control = control_of(entrant, page.entrants)
    labels = {other.id: other.label for other in page.entrants}
    return [
        _on_task(row, control, board, tasks[board.task], labels)
        for board in page.boards
        for row in board.rows
        if row.entrant == entrant.id
    ]


def control_of(entrant: Entrant, entrants: Sequence[Entrant]) -> Entrant | None:
    """Return the entrant of the page that an entrant names as its control; None if it is not on the page.

    A control such as `resnet` may be on the page with several options; then the one that shares most options is meant,
    and of several of these the first.
    """
    if not entrant.control:
        return None
    current = [other for other in entrants if not other.superseded_by and other.id != entrant.id]
    for named in (lambda e: entrant.control in (e.label, e.selector), lambda e: e.name == entrant.control):
        found = [other for other in current if named(other)]
        if found:
            return max(found, key=lambda other: _shared(entrant, other))
    return None


def problems_of(results: Sequence[OnTask]) -> list[tuple[OnTask, SeedResult]]:
    """Return the trials that did not finish, in the order of tasks and seeds."""
    return [(found, seed) for found in results for seed in found.row.seeds if seed.status != "ok"]


def not_taken(entrant: Entrant, page: Leaderboard) -> list[tuple[str, list[str]]]:
    """Return each reason for which an entrant cannot take tasks, with the labels of these tasks."""
    labels = {task.id: task.label for task in page.tasks}
    groups: dict[str, list[str]] = {}
    for board in page.boards:
        for entry in board.incompatible:
            if entry.entrant == entrant.id and labels[board.task] not in groups.get(entry.reason, []):
                groups.setdefault(entry.reason, []).append(labels[board.task])
    return list(groups.items())


def difference(row: TaskRow, control: TaskRow, board: TaskBoard, task: TaskEntry, labels: Mapping[str, str]) -> Versus:
    """Return a row beside that of its control: their difference or ratio, and what the comparison says of it."""
    pair = find_pair(board.comparison, row.entrant, control.entrant)
    if pair is None:
        reasons = [(one, _text.why_unranked(one, "a newer revision")) for one in (row, control)]
        return Versus(NOT_COMPARED, "; ".join(f"{labels[one.entrant]} {reason}" for one, reason in reasons if reason))
    verdict = _verdict(row, control.entrant)
    if pair.of == "ratio":
        return Versus(verdict, _ratio_words(pair.first / pair.second, pair.half))
    gap, digits = pair.first - pair.second, 0 if pair.of == "steps" else _text.decimals(board, task)
    reach = 0.0 if pair.of == "steps" else _text.reach(task)
    text = _difference_words(gap, pair.half, digits, reach) + (" steps" if pair.of == "steps" else "")
    if pair.of == "steps":
        return Versus(verdict, text)
    scale = task.oracle - task.chance
    if pair.half is None:
        return Versus(verdict, text, gap / scale)
    half = pair.half / abs(scale)
    return Versus(verdict, text, gap / scale, gap / scale - half, gap / scale + half)


def paper_links(source: str) -> list[tuple[str, str]]:
    """Return a source as pieces of text, each with the address that it is a link to, or an empty one."""
    pieces, end = [], 0
    for found in re.finditer(r"arXiv:(\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+/\d{7})|doi:(10\.\d{4,9}/[^\s,;]+)", source):
        address = f"https://arxiv.org/abs/{found[1]}" if found[1] else f"https://doi.org/{found[2]}"
        pieces += [(source[end : found.start()], ""), (found[0], address)]
        end = found.end()
    pieces.append((source[end:], ""))
    return [piece for piece in pieces if piece[0]]


def largest_difference(results: Sequence[OnTask]) -> float:
    """Return how far the axis of the differences from the control has to reach, as a part of the normalised scale."""
    means = [abs(found.versus.mean) for found in results if found.versus and found.versus.mean is not None]
    bounds = [
        abs(end)
        for found in results
        if found.versus
        for end in (found.versus.low, found.versus.high)
        if end is not None
    ]
    return max(1.1 * max(means, default=0.0), min(max(bounds, default=0.0), 1.0), 0.05)


def _on_task(
    row: TaskRow, control: Entrant | None, board: TaskBoard, task: TaskEntry, labels: Mapping[str, str]
) -> OnTask:
    beside = [other for other in board.rows if control is not None and other.entrant == control.id]
    scores = [seed.test for seed in row.seeds if seed.counted and seed.test is not None]
    versus = difference(row, beside[0], board, task, labels) if beside else None
    return OnTask(board, task, row, normalised(scores, task).tolist(), *_interval(row, task), versus)


def _interval(row: TaskRow, task: TaskEntry) -> tuple[float | None, float | None]:
    """Return the interval of the mean on the normalised scale; none where the task has a target."""
    if row.score is None or row.solved is not None or row.score.low is None or row.score.high is None:
        return None, None
    low, high = sorted(normalised([row.score.low, row.score.high], task).tolist())
    return low, high


def _shared(one: Entrant, other: Entrant) -> int:
    """Return how many options of two entrants have equal values."""
    return sum(other.options.get(key) == value for key, value in one.options.items() if key in other.options)


def _verdict(row: TaskRow, other: str) -> str:
    lists = {"better": row.better_than, "worse": row.worse_than, "equivalent": row.equivalent_to}
    return next((word for word, keys in lists.items() if other in keys), "undecided")


def _ratio_words(ratio: float, half: float | None) -> str:
    spread = "" if half is None else f" ({_times(ratio / half)} to {_times(ratio * half)})"
    return f"{_times(ratio)} times the error{spread}"


def _times(value: float) -> str:
    return f"{value:.2g}" if value < 9.95 else f"{value:.0f}"


def _difference_words(gap: float, half: float | None, digits: int, reach: float) -> str:
    """Return a difference with its interval, cut where scores cannot go; 0 for a reach without a bound."""
    if half is None:
        return _signed(gap, digits)
    low, high = gap - half, gap + half
    if reach:
        low, high = max(low, -reach), min(high, reach)
    return f"{_signed(gap, digits)} ({_signed(low, digits)} to {_signed(high, digits)})"


def _signed(value: float, digits: int) -> str:
    text = _text.fixed(value, digits)
    return f"+{text}" if value > 0 and float(text.replace(",", "")) else text
