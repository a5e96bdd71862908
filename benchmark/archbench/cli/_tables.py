"""Tables on standard output."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def make_table(*headings: str, right: Sequence[int] = ()) -> Table:
    """Return an empty table; the columns whose numbers are given are aligned to the right."""
    table = Table(box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number in right else "left")
    return table


def print_table(table: Table) -> None:
    """Print a table: as wide as the terminal, or 200 columns wide into a file or a pipe."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)
