"""The errors of every entrant, in the data from which the view of a task shows those that a reader chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archbench._report._charts import MOST_CLASSES, confused_pairs, confusion_rows
from archbench._report._schema import Leaderboard, TaskBoard, TaskRow
from archbench._report._text import fixed


def errors_data(item: TaskBoard, board: Leaderboard) -> dict[str, Any]:
    """Return the confusion matrices of a board by the number of the entrant; nothing where no record has one."""
    task = next(task for task in board.tasks if task.id == item.task)
    numbers = {entrant.id: number for number, entrant in enumerate(board.entrants)}
    found = {
        str(numbers[row.entrant]): {
            **_matrix(row.confusion, task.classes),
            "wrong": [[s.seed, s.wrong] for s in row.seeds if s.wrong],
        }
        for row in item.rows
        if row.confusion is not None
    }
    return {"errors": found} if found else {}


def _matrix(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> dict[str, Any]:
    """Return the cells and the recall of each class; of many classes, the most frequent confusions in words.

    A row is a text: its numbers and then the recall, with nothing in the place of a zero, which most of them are.
    """
    if len(confusion) > MOST_CLASSES:
        return {"pairs": pair_words(confusion, classes)}
    rows = confusion_rows(confusion, classes)
    return {"rows": [",".join([*(str(n or "") for n, _ in row.cells), fixed(row.recall, 3)]) for row in rows]}


def pair_words(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Return the most frequent confusions in a sentence."""
    pairs = [f"{true} taken for {taken} ({number})" for true, taken, number in confused_pairs(confusion, classes)]
    return f"Most frequent confusions, of {len(confusion)} classes: {'; '.join(pairs) or 'none'}."


def wrong_words(row: TaskRow) -> str:
    """Return the most confident errors of each seed in a sentence; empty without any."""
    seeds = [f"seed {seed.seed}: {', '.join(map(str, seed.wrong))}" for seed in row.seeds if seed.wrong]
    return f"The most confident errors, as indices in the test split of a seed: {'; '.join(seeds)}." if seeds else ""
