"""Tables on standard output."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from archbench._records import CellKey, Record
from archbench.cli._options import out_option


def print_results(records: Sequence[Record], out: Path) -> None:
    """Print the results of a run: one row for each entrant and task, over its seeds."""
    table = make_table("task", "architecture", "metric", "mean over seeds", "seeds", "status", right=(3, 4))
    cells: dict[CellKey, list[Record]] = defaultdict(list)
    for record in records:
        cells[record.trial.cell].append(record)
    for group in cells.values():
        if any(record.status != "skipped" for record in group):
            table.add_row(*_describe_cell(group))
    print_table(table)
    print(f"\nLeaderboard: {out / 'index.html'} (open it with `benchmark leaderboard{out_option(out)} --open`)")


def make_table(*headings: str, right: Sequence[int] = ()) -> Table:
    """Return an empty table; the columns whose numbers are given are aligned to the right."""
    table = Table(box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number in right else "left")
    return table


def print_table(table: Table) -> None:
    """Print a table, at full width where nobody looks at a screen."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def _describe_cell(group: Sequence[Record]) -> tuple[Text | str, ...]:
    scores = [record.scores.test for record in group if record.scores is not None]
    mean = f"{sum(scores) / len(scores):.4f}" if scores else "-"
    bad = sorted({record.status for record in group} - {"ok"})
    trial = group[0].trial
    return (
        Text(trial.task.label),
        Text(trial.architecture.label),
        group[0].task_facts.metric,
        mean,
        f"{len(scores)}/{len(group)}",
        ", ".join(bad) or "ok",
    )
