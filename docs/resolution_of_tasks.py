"""Write how many pairs of entrants the reference run tells apart on each task, which `benchmark list` shows.

    python docs/resolution_of_tasks.py

Run it after the reference run was repeated; a test compares the file with the records.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

import archbench

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "leaderboard" / "reference"
WRITTEN = ROOT / "tasks" / "archbench_tasks" / "resolution.json"


def measure() -> dict[str, Any]:
    """Return the resolution of each task, computed from the records of the reference run."""
    results = archbench.read(REFERENCE)
    (protocol,) = results.leaderboard.protocols
    tasks = {task.id: task for task in results.leaderboard.tasks}
    measured = {
        tasks[board.task].label: {
            "revision": tasks[board.task].revision,
            "effort": tasks[board.task].effort,
            "told_apart": board.comparison.told_apart,
            "pairs": board.comparison.pairs,
        }
        for board in results.boards
        if not board.comparison.reason
    }
    return {
        "protocol": protocol.label,
        "seeds": max(len(board.seeds) for board in results.boards),
        "tasks": dict(sorted(measured.items())),
    }


def main() -> None:
    """Write the file."""
    WRITTEN.write_bytes(msgspec.json.format(msgspec.json.encode(measure()), indent=2) + b"\n")


if __name__ == "__main__":
    main()
