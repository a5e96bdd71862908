"""The files of the leaderboard, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import msgspec

from archbench._records import Record, write_atomically
from archbench._report._csv import render_csv
from archbench._report._exports import draw_preview, render_bibtex, render_latex, render_parquet, trial_lines
from archbench._report._markdown import render_markdown
from archbench._report._schema import Leaderboard
from archbench._report._split import FOLDER, make_pages
from archbench._report._two_processes import share

PARQUET = "trials.parquet"
"""The file that is written only for those who ask for it."""


def write_files(
    board: Leaderboard,
    records: Sequence[Record],
    out: Path,
    *,
    parquet: bool = False,
    publish_url: str = "",
    two_processes: bool = False,
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
        two_processes: write a large leaderboard in two processes where that is safe; the bytes are the same.

    Returns:
        The paths of all files of the leaderboard, whether or not they had to be written.

    Raises:
        StoreError: the folder cannot be written, or Parquet is asked for and pyarrow is not installed.
    """
    parquet = parquet or ((out / PARQUET).is_file() and find_spec("pyarrow") is not None)
    if parquet:
        _write(out / PARQUET, render_parquet(board, records))
    files = dict(_files(board, records, publish_url))

    def write(name: str) -> None:
        # Waiting for the disk twice for each page of a large folder takes a second; they can be built again.
        _write(out / name, files[name](), durable=not name.startswith(FOLDER))

    names = [*files]
    if two_processes and any(name.startswith(FOLDER) for name in names):
        share(write, names)
    else:
        for name in names:
            write(name)
    names += [PARQUET] if parquet else []
    for path in [out / PARQUET, *(out / FOLDER).glob("*.html")]:
        # In a folder that may only be read, removing a file that is not there is refused as well.
        if path.relative_to(out).as_posix() not in names and path.exists():
            path.unlink(missing_ok=True)
    return [out / name for name in names]


def _write(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file unless it has this content."""
    if not path.is_file() or path.stat().st_size != len(content) or path.read_bytes() != content:
        write_atomically(path, content, durable=durable)


def render_files(board: Leaderboard, records: Sequence[Record] = (), publish_url: str = "") -> dict[str, bytes]:
    """Return name and content of every file; without records, the table of trials has a head only."""
    return {name: render() for name, render in _files(board, records, publish_url)}


def _files(
    board: Leaderboard, records: Sequence[Record], publish_url: str
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield name and renderer of every file; the contents of a large leaderboard together would fill the memory.

    Those that take longest come first, so that two processes end at nearly the same time.
    """
    for name, page in make_pages(board, records, publish_url):
        yield name, partial(_encoded, page)
    yield "trials.csv", lambda: b"".join(line.encode() for line in trial_lines(board, records))
    yield "leaderboard.json", lambda: _json(board)
    yield "README.md", lambda: render_markdown(board).encode()
    yield "leaderboard.csv", lambda: render_csv(board).encode()
    yield "leaderboard.tex", lambda: render_latex(board).encode()
    yield "preview.png", lambda: draw_preview(board)
    yield "references.bib", lambda: render_bibtex(board).encode()


def _encoded(render: Callable[[], str]) -> bytes:
    return render().encode()


def _json(board: Leaderboard) -> bytes:
    return msgspec.json.format(msgspec.json.encode(board, order="deterministic"), indent=1) + b"\n"
