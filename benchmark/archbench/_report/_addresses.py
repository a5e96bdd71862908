"""Addresses of the views of the page, such as `#/task/parity`.

Each address is the id of the section that it shows, so links work without scripts too. The script of the page shows
the section that the address names, and hides the others.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from archbench._report._schema import ClaimEntry, Entrant, Leaderboard, OverBoard, StudyEntry, TaskBoard


class Addresses:
    """The addresses of one leaderboard.

    Args:
        board: its labels are the names in the addresses; with more than one protocol, boards carry its label too.
    """

    overview = "/"
    claims = "/claims"
    tasks = "/tasks"
    architectures = "/architectures"
    compare = "/compare"
    studies = "/studies"
    data = "/data"

    def __init__(self, board: Leaderboard) -> None:
        self._tasks = {task.id: task.label for task in board.tasks}
        self._protocols = {protocol.id: protocol.label for protocol in board.protocols}

    def task(self, board: TaskBoard) -> str:
        """Return the address of a task's board."""
        return _address("task", self._tasks[board.task], *self._protocol(board.protocol))

    def overall(self, board: OverBoard) -> str:
        """Return the address of the board over all tasks of a kind."""
        return _address("tasks", board.kind, *self._protocol(board.protocol))

    def architecture(self, entrant: Entrant) -> str:
        """Return the address of an architecture's view."""
        return _address("architecture", entrant.label)

    def study(self, study: StudyEntry) -> str:
        """Return the address of a study's view."""
        return _address("study", study.name)

    def claim(self, claim: ClaimEntry) -> str:
        """Return the address of a claim's row."""
        return _address("claim", claim.name)

    def trial(self, record: str) -> str:
        """Return the address of the view of a trial, by the id of its record, which is made of hex digits."""
        return f"/trial/{record}"

    def _protocol(self, protocol: str) -> tuple[str, ...]:
        return (self._protocols[protocol],) if len(self._protocols) > 1 else ()


@lru_cache(maxsize=4096)
def _address(*names: str) -> str:
    return "".join(f"/{quote(name, safe='')}" for name in names)
