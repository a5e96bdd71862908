"""The files of the leaderboard, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec

from archbench._records import Record, write_atomically
from archbench._report._csv import render_csv
from archbench._report._exports import draw_preview, render_bibtex, render_latex, render_parquet, render_trials
from archbench._report._markdown import render_markdown
from archbench._report._schema import Leaderboard
from archbench._report._split import FOLDER, render_pages

PARQUET = "trials.parquet"
"""The file that is written only for those who ask for it."""


def write_files(
    board: Leaderboard, records: Sequence[Record], out: Path, *, parquet: bool = False, publish_url: str = ""
) -> list[Path]:
    """Write the files of a leaderboard; a file that would not change is left untouched.

    What was made of other records does not stay: a `trials.parquet` is written again, or removed where that cannot be
    done, and pages of tasks and architectures that are gone are removed.

    Args:
        board: the leaderboard that they show.
        records: those that it was built from.
        out: the folder; it is created if it does not exist.
        parquet: also write `trials.parquet`.
        publish_url: where the page will be on the web; it then names its preview picture.

    Returns:
        The paths of all files of the leaderboard, whether or not they had to be written.

    Raises:
        StoreError: the folder cannot be written, or Parquet is asked for and pyarrow is not installed.
    """
    files = render_files(board, records, publish_url)
    if parquet or ((out / PARQUET).is_file() and find_spec("pyarrow")):
        files[PARQUET] = render_parquet(board, records)
    for name, content in files.items():
        path = out / name
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)
    for path in [out / PARQUET, *(out / FOLDER).glob("*.html")]:
        if path.relative_to(out).as_posix() not in files:
            path.unlink(missing_ok=True)
    return [out / name for name in files]


def render_files(board: Leaderboard, records: Sequence[Record] = (), publish_url: str = "") -> dict[str, bytes]:
    """Return name and content of every file; without records, the table of trials has a head only."""
    return {
        **{name: page.encode() for name, page in render_pages(board, records, publish_url).items()},
        "README.md": render_markdown(board).encode(),
        "leaderboard.json": msgspec.json.format(msgspec.json.encode(board, order="deterministic"), indent=1) + b"\n",
        "leaderboard.csv": render_csv(board).encode(),
        "trials.csv": render_trials(board, records).encode(),
        "leaderboard.tex": render_latex(board).encode(),
        "references.bib": render_bibtex(board).encode(),
        "preview.png": draw_preview(board),
    }
