"""Answers of the boards over tasks: who could be the best, how sure that is, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

from archbench._report._schema import Leaderboard, OverBoard, OverRow, TaskBoard
from archbench._report._text import NOTHING, seconds, span
from archbench._report._verdict import MOST_NAMES
from archbench._statistics import LEVEL


class Answer(NamedTuple):
    """The answer of a board over tasks.

    Args:
        over: the board.
        best: who could be the best; no more than the comparison of all pairs at once covers.
        cost: what training these took, and what the fastest took; empty where nobody is told apart.
    """

    over: OverBoard
    best: str
    cost: str


def answers(board: Leaderboard, protocol: str) -> list[Answer]:
    """Return one answer for each kind of task that a protocol has trials of."""
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    boards = [item for item in board.boards if item.protocol == protocol]
    older = {entrant.id for entrant in board.entrants if entrant.superseded_by}
    return [_answer(over, boards, labels, older) for over in board.overall if over.protocol == protocol]


def _answer(over: OverBoard, boards: Sequence[TaskBoard], labels: Mapping[str, str], older: Set[str]) -> Answer:
    if not over.comparison.told_apart:
        return Answer(over, over.verdict, "")
    return Answer(over, _best(over, labels, older), _cost(over, boards, labels))


def _best(over: OverBoard, labels: Mapping[str, str], older: Set[str]) -> str:
    """Return who could be the best, with the confidence, and how many entrants this leaves out.

    Args:
        over: the board.
        labels: of the entrants.
        older: entrants that a newer revision supersedes, which the verdict of the board does not count either.
    """
    ranked = [row for row in over.rows if row.rank is not None]
    best = [labels[row.entrant] for row in ranked if row.could_be_best]
    if len(best) == len(ranked):
        said = f"Any of the {len(ranked)} ranked could be the best"
    else:
        who = _either(best) if len(best) <= MOST_NAMES else f"one of {len(best)}"
        said = f"With {LEVEL:.0%} confidence the best of the {len(ranked)} ranked is {who}"
    open_ = f"; {over.comparison.told_apart} of {over.comparison.pairs} pairs can be told apart"
    left = len([row for row in over.rows if row.rank is None and row.entrant not in older])
    return f"{said}{open_}." + (f" {left} more {'is' if left == 1 else 'are'} not ranked." if left else "")


def _cost(over: OverBoard, boards: Sequence[TaskBoard], labels: Mapping[str, str]) -> str:
    """Return what training the best took, from the fastest to the slowest, and whether somebody was faster."""
    ranked = [row for row in over.rows if row.rank is not None]
    best = [row for row in ranked if row.could_be_best]
    if not over.timings_comparable or any(row.train_seconds is None for row in ranked):
        sizes = [size for row in best for size in row.parameters]
        return f"{'It has' if len(best) == 1 else 'They have'} {span(sizes)} parameters; seconds are not comparable."
    first, last = _by_time(best)[0], _by_time(best)[-1]
    mine = [item for item in boards if item.task in over.tasks]
    per = "a trial" if len(over.tasks) == 1 else f"a trial on each of the {len(over.tasks)} tasks"
    said = f"{_took(first, mine, labels)} for {per}"
    said += f"; {_took(last, mine, labels)}" if len(best) > 1 else ""
    fastest = _by_time(ranked)[0]
    if fastest.could_be_best:
        return f"{said}."
    return f"{said}. {labels[fastest.entrant]}, {seconds(fastest.train_seconds)} s, is faster and not among the best."


def _took(row: OverRow, boards: Sequence[TaskBoard], labels: Mapping[str, str]) -> str:
    facts = f"{_by_seed(row.entrant, boards)}{span(row.parameters)} parameters"
    return f"{labels[row.entrant]} trains {seconds(row.train_seconds)} s ({facts})"


def _by_seed(entrant: str, boards: Sequence[TaskBoard]) -> str:
    """Return the least and the most seconds that a seed took on all of these tasks; empty where they do not differ."""
    rows = [row for item in boards for row in item.rows if row.entrant == entrant]
    times = [{s.seed: s.train_seconds for s in row.seeds if s.counted and s.train_seconds is not None} for row in rows]
    common = set[int].intersection(*map(set, times)) if times else set()
    totals = [sum(of_task[seed] for of_task in times) for seed in common]
    low, high = seconds(min(totals, default=None)), seconds(max(totals, default=None))
    return "" if low == high else f"{low}{NOTHING}{high} by seed; "


def _by_time(rows: Sequence[OverRow]) -> list[OverRow]:
    """Return rows in the order of their seconds of training, which are known."""
    return sorted(rows, key=lambda row: row.train_seconds or 0.0)


def _either(names: Sequence[str]) -> str:
    """Return names joined by commas and `or`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
