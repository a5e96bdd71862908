"""The files of the leaderboard, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec

from archbench._records import Record, write_atomically
from archbench._report._csv import render_csv
from archbench._report._exports import draw_preview, render_bibtex, render_latex, render_parquet, trial_lines
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
    parquet = parquet or ((out / PARQUET).is_file() and find_spec("pyarrow") is not None)
    if parquet:
        _write(out / PARQUET, render_parquet(board, records))
    names = []
    for name, content in _files(board, records, publish_url):
        names.append(name)
        # Waiting for the disk twice for each page of a large folder takes a second; they can be built again.
        _write(out / name, content, durable=not name.startswith(FOLDER))
    names += [PARQUET] if parquet else []
    for path in [out / PARQUET, *(out / FOLDER).glob("*.html")]:
        if path.relative_to(out).as_posix() not in names:
            path.unlink(missing_ok=True)
    return [out / name for name in names]


def _write(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file unless it has this content."""
    if not path.is_file() or path.stat().st_size != len(content) or path.read_bytes() != content:
        write_atomically(path, content, durable=durable)


def render_files(board: Leaderboard, records: Sequence[Record] = (), publish_url: str = "") -> dict[str, bytes]:
    """Return name and content of every file; without records, the table of trials has a head only."""
    return dict(_files(board, records, publish_url))


def _files(board: Leaderboard, records: Sequence[Record], publish_url: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file when it is asked for; those of a large leaderboard would fill the memory."""
    for name, page in render_pages(board, records, publish_url):
        yield name, page.encode()
    yield "README.md", render_markdown(board).encode()
    yield "leaderboard.json", _json(board)
    yield "leaderboard.csv", render_csv(board).encode()
    yield "trials.csv", b"".join(line.encode() for line in trial_lines(board, records))
    yield "leaderboard.tex", render_latex(board).encode()
    yield "references.bib", render_bibtex(board).encode()
    yield "preview.png", draw_preview(board)


def _json(board: Leaderboard) -> bytes:
    return msgspec.json.format(msgspec.json.encode(board, order="deterministic"), indent=1) + b"\n"
