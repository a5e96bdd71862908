"""Writing the files of the leaderboard, each whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from archbench._declarations import Section
from archbench._records import Origin, Record
from archbench._report._build import build_leaderboard
from archbench._report._csv import render_csv
from archbench._report._html import render_html
from archbench._report._markdown import render_markdown
from archbench._report._schema import Leaderboard
from archbench._store import write_atomically


def write_leaderboard(
    records: Sequence[Record], out: Path, sections: Sequence[tuple[Origin, Section]] = (), notes: Sequence[str] = ()
) -> list[Path]:
    """Build the leaderboard and write its files where they differ from what is there.

    Args:
        records, sections, notes: see `build_leaderboard`.
        out: the folder, made if need be.

    Returns:
        The paths of all files of the leaderboard, whether or not they had to be written.

    Raises:
        StoreError: the folder cannot be written.
    """
    files = render_files(build_leaderboard(records, sections, notes))
    for name, content in files.items():
        path = out / name
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)
    return [out / name for name in files]


def render_files(board: Leaderboard) -> dict[str, bytes]:
    """Name and content of every file."""
    return {
        "index.html": render_html(board).encode(),
        "README.md": render_markdown(board).encode(),
        "leaderboard.json": msgspec.json.format(msgspec.json.encode(board, order="deterministic"), indent=1) + b"\n",
        "leaderboard.csv": render_csv(board).encode(),
    }
