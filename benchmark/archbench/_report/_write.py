"""The files of the leaderboard, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from archbench._records import Record, write_atomically
from archbench._report._csv import render_csv
from archbench._report._exports import render_bibtex, render_latex, render_parquet, render_trials
from archbench._report._html import render_html
from archbench._report._markdown import render_markdown
from archbench._report._schema import Leaderboard


def write_files(board: Leaderboard, records: Sequence[Record], out: Path, *, parquet: bool = False) -> list[Path]:
    """Write the files of a leaderboard; a file that would not change is left untouched.

    Args:
        board: the leaderboard that they show.
        records: those that it was built from.
        out: the folder; it is created if it does not exist.
        parquet: also write `trials.parquet`.

    Returns:
        The paths of all files of the leaderboard, whether or not they had to be written.

    Raises:
        StoreError: the folder cannot be written, or Parquet is asked for and pyarrow is not installed.
    """
    files = render_files(board, records)
    if parquet:
        files["trials.parquet"] = render_parquet(board, records)
    for name, content in files.items():
        path = out / name
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)
    return [out / name for name in files]


def render_files(board: Leaderboard, records: Sequence[Record] = ()) -> dict[str, bytes]:
    """Return name and content of every file; without records, the table of trials has a head only."""
    return {
        "index.html": render_html(board).encode(),
        "README.md": render_markdown(board).encode(),
        "leaderboard.json": msgspec.json.format(msgspec.json.encode(board, order="deterministic"), indent=1) + b"\n",
        "leaderboard.csv": render_csv(board).encode(),
        "trials.csv": render_trials(board, records).encode(),
        "leaderboard.tex": render_latex(board).encode(),
        "references.bib": render_bibtex(board).encode(),
    }
