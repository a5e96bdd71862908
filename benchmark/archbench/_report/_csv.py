"""`leaderboard.csv`: one line for each row of every board, in full precision."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from typing import TypeVar

from archbench._report._schema import Entrant, Leaderboard, OverRow, TaskRow
from archbench._report._text import origin_words, why_unranked

COLUMNS = (
    "protocol", "kind", "task", "architecture", "provider", "revision", "rank", "tied", "could_be_best", "rank_low",
    "rank_high", "better_than", "worse_than", "equivalent_to", "not_ranked_because", "factor", "score", "low", "high",
    "median", "normalised", "last_weights", "validation", "train_loss", "ok", "planned", "statuses", "parameters",
    "flops", "train_seconds", "samples_per_second", "peak_memory_bytes", "pareto", "code", "environments",
    "recipe_kind", "recipe", "solved", "solved_low", "solved_high", "steps_to_target", "command",
)  # fmt: skip


def render_csv(board: Leaderboard) -> str:
    """Return the table.

    In rows over all tasks of a kind, `task` is empty and the score is the normalised one. Where `factor` is given,
    errors are compared by their ratio, and their means are geometric.
    """
    entrants = {entrant.id: entrant for entrant in board.entrants}
    tasks = {task.id: task for task in board.tasks}
    protocols = {p.id: {"protocol": p.label, "recipe_kind": p.track} for p in board.protocols}
    lines = [csv_text(COLUMNS)]
    for over in board.overall:
        for row in over.rows:
            where = protocols[over.protocol] | {"kind": over.kind}
            lines.append(csv_text(_cells(where | _over(row, entrants))))
    for item in board.boards:
        for line in item.rows:
            task = tasks[item.task]
            where = protocols[item.protocol] | {"kind": task.kind, "task": task.label}
            lines.append(csv_text(_cells(where | {"factor": task.factor} | _task(line, entrants))))
    return "".join(f"{line}\n" for line in lines)


class _Text:
    """A file that gives back what is written into it, as `writerow` of a CSV writer then does."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


_writer = csv.writer(_Text(), lineterminator="")


def csv_text(cells: Iterable[object]) -> str:
    """Return two cells or more of a line of CSV, with commas between them; pieces of a line may be joined by commas."""
    text: str = _writer.writerow(cells)
    return text


_Cell = TypeVar("_Cell")
_FORMULA = frozenset("=+-@")


def guarded(cells: Iterable[_Cell]) -> list[_Cell | str]:
    """Put an apostrophe before text that a spreadsheet would take for a formula; numbers stay numbers."""
    return [f"'{cell}" if isinstance(cell, str) and cell.lstrip()[:1] in _FORMULA else cell for cell in cells]


def _cells(row: Mapping[str, object]) -> list[object]:
    return guarded(row.get(name) for name in COLUMNS)


def _common(row: TaskRow | OverRow, entrants: Mapping[str, Entrant]) -> dict[str, object]:
    entrant = entrants[row.entrant]
    low, high = row.rank_interval or (None, None)
    others = {name: getattr(row, name) for name in ("better_than", "worse_than", "equivalent_to")}
    return {
        "architecture": entrant.label,
        "provider": entrant.provider,
        "revision": entrant.revision,
        "rank": row.rank,
        "tied": row.tied if row.rank else None,
        "could_be_best": row.could_be_best,
        "rank_low": low,
        "rank_high": high,
        **{name: "; ".join(entrants[key].label for key in keys) for name, keys in others.items()},
        "score": row.score.mean if row.score else None,
        "low": row.score.low if row.score else None,
        "high": row.score.high if row.score else None,
        "train_seconds": row.train_seconds,
        "code": ", ".join(map(origin_words, entrant.origins)),
    }


def _over(row: OverRow, entrants: Mapping[str, Entrant]) -> dict[str, object]:
    own = {"normalised": row.score.mean if row.score else None, "not_ranked_because": "; ".join(row.missing)}
    return _common(row, entrants) | own


def _task(row: TaskRow, entrants: Mapping[str, Entrant]) -> dict[str, object]:
    return _common(row, entrants) | {
        "not_ranked_because": why_unranked(row, entrants[row.entrant].superseded_by),
        "median": row.median,
        "normalised": row.normalised,
        "last_weights": row.last.mean if row.last else None,
        "validation": row.validation.mean if row.validation else None,
        "train_loss": row.train_loss,
        "ok": row.ok,
        "planned": row.planned,
        "statuses": ", ".join(f"{number} {status}" for status, number in row.counts.items()),
        "parameters": row.parameters,
        "flops": row.flops,
        "samples_per_second": row.samples_per_second,
        "peak_memory_bytes": row.peak_memory_bytes,
        "pareto": row.pareto,
        "environments": ", ".join(map(str, row.environments)),
        "recipe": row.recipe,
        "solved": row.solved,
        "solved_low": row.solved_share.low if row.solved_share else None,
        "solved_high": row.solved_share.high if row.solved_share else None,
        "steps_to_target": row.steps_to_target,
        "command": row.command,
    }
