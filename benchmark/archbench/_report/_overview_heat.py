"""The heat map: every architecture on every task of a protocol, with the numbers in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archbench._report._schema import Entrant, Leaderboard, TaskBoard, TaskRow
from archbench._report._text import UNFINISHED, fixed, kind_word

LEVELS = 10
"""Steps of the colour ramp; the style sheet has one class for each, and one for 0."""

OPEN = "…"
"""Behind a score whose entrant was still improving."""


class HeatCell(NamedTuple):
    """An architecture on a task.

    Args:
        text: the number, or the state in a word; empty where the architecture does not take the task.
        note: smaller, behind the number.
        level: step of the colour ramp; None without a score.
        best: it could be the best on the task, and not every ranked one could.
        value: the normalised score, or the share of seeds that solve the task, that the text rounds; None without.
    """

    text: str = ""
    note: str = ""
    level: int | None = None
    best: bool = False
    value: float | None = None


class HeatRow(NamedTuple):
    """An architecture, its cells in the order of the columns, and the seconds of a trial on each of its tasks."""

    entrant: Entrant
    cells: list[HeatCell]
    seconds: float | None


class HeatGroup(NamedTuple):
    """The architectures that take the same kinds of tasks, the best mean score first if anybody is ranked."""

    label: str
    rows: list[HeatRow]


class Heat(NamedTuple):
    """The map: its columns are boards, its groups hold the rows."""

    columns: list[TaskBoard]
    groups: list[HeatGroup]
    legend: str


def build_heat(board: Leaderboard, boards: Sequence[TaskBoard]) -> Heat | None:
    """Return the map over these boards; superseded entrants and tasks are left out. None if nothing is left."""
    tasks = {task.id: task for task in board.tasks}
    columns = [item for item in boards if item.rows and not tasks[item.task].superseded_by]
    found = {item.id: {row.entrant: row for row in item.rows} for item in columns}
    ranks = any(row.rank for item in columns for row in item.rows)  # else an order would look like one
    # Where everybody could be the best, a mark would say that they are.
    chosen = [any(row.rank and not row.could_be_best for row in item.rows) for item in columns]
    rows: dict[tuple[str, ...], list[tuple[float, HeatRow]]] = {}
    for entrant in board.entrants:
        mine = [found[item.id].get(entrant.id) for item in columns]
        if not entrant.superseded_by and any(mine):
            kinds = tuple(dict.fromkeys(tasks[c.task].kind for c, row in zip(columns, mine, strict=True) if row))
            rows.setdefault(kinds, []).append((_mean(mine) if ranks else 0.0, _row(entrant, mine, chosen)))
    groups = [_group(kinds, members) for kinds, members in sorted(rows.items(), key=lambda g: (-len(g[0]), g[0]))]
    return Heat(columns, groups, _legend(groups)) if groups else None


def _group(kinds: Sequence[str], members: Sequence[tuple[float, HeatRow]]) -> HeatGroup:
    words = [kind_word(kind) for kind in kinds]
    label = " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    ordered = sorted(members, key=lambda member: (-member[0], member[1].entrant.label))
    return HeatGroup(f"take {label} tasks", [row for _, row in ordered])


def _row(entrant: Entrant, rows: Sequence[TaskRow | None], chosen: Sequence[bool]) -> HeatRow:
    times = [row.train_seconds for row in rows if row is not None]
    known = [time for time in times if time is not None]
    cells = [_cell(row, best) for row, best in zip(rows, chosen, strict=True)]
    return HeatRow(entrant, cells, sum(known) if len(known) == len(times) else None)


def _mean(rows: Sequence[TaskRow | None]) -> float:
    """Return the mean normalised score over the tasks of a row; what failed counts as chance."""
    return sum((row.normalised or 0.0) for row in rows if row) / max(sum(row is not None for row in rows), 1)


def _cell(row: TaskRow | None, chosen: bool) -> HeatCell:
    if row is None:
        return HeatCell()
    if row.normalised is None:
        return HeatCell(row.state)
    split = row.solved_share is not None and 0.0 < row.solved_share.mean < 1.0
    text = f"{row.solved}/{row.solved_share.n}" if row.solved_share and split else short_score(row.normalised)
    share = row.solved_share.mean if row.solved_share and split else row.normalised
    note = OPEN if row.unfinished else "" if row.state == "complete" else f"{row.ok} ok"
    level = round(min(max(share, 0.0), 1.0) * LEVELS)
    return HeatCell(text, note, level, bool(row.could_be_best) and chosen, share)


def short_score(value: float) -> str:
    """Return a normalised score in two decimals without the leading zero: `.79`, `1`, `-.05` with a true minus sign."""
    text = fixed(value, 2)
    return "1" if text == "1.00" else text.replace("0.", ".", 1) if abs(value) < 1 else text


def _legend(groups: Sequence[HeatGroup]) -> str:
    """Return how to read the cells that the map has."""
    rows = [row for group in groups for row in group.rows]
    cells = [cell for row in rows for cell in row.cells]
    parts = ["0 is chance, 1 perfect"]
    parts += ["bold and underlined: could be the best"] if any(cell.best for cell in cells) else []
    split = next((cell.text for cell in cells if "/" in cell.text), "")
    parts += [f"{split}: only so many seeds solve it, and no mean describes them"] if split else []
    parts += [f"{OPEN}: {UNFINISHED}"] if any(cell.note == OPEN for cell in cells) else []
    parts += ["seconds: training of a trial, summed over its tasks"] if any(row.seconds for row in rows) else []
    parts += ["empty: does not take the task"] if any(not cell.text for cell in cells) else []
    return f"{'; '.join(parts)}."
