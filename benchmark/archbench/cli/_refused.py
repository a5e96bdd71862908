"""Combinations of architecture and task that cannot exist: a line for each task, or plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from archbench._records import Record

MOST_NAMED = 5
"""Most architectures that a line names for one reason; JSON and the page name them all."""


def refused_lines(refused: Iterable[Record]) -> list[str]:
    """Return a line for each task: which architectures are not trained on it, and why.

    Args:
        refused: one record for each combination that cannot exist.
    """
    tasks: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for record in refused:
        tasks[record.trial.task.label][record.message].append(record.trial.architecture.label)
    groups = {task: [_group(*item) for item in reasons.items()] for task, reasons in tasks.items()}
    return [f"Not on {task}: {'; '.join(mine)}." for task, mine in groups.items()]


def plain_refused(refused: Iterable[Record]) -> list[dict[str, str]]:
    """Return architecture, task and reason of each combination, for JSON."""
    return [
        {"architecture": r.trial.architecture.label, "task": r.trial.task.label, "reason": r.message} for r in refused
    ]


def _group(reason: str, names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return f"{', '.join(names[:MOST_NAMED])}{f' and {more} more' if more > 0 else ''} ({reason})"
