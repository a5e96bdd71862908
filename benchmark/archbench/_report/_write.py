"""Writing the files of the leaderboard, each whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from archbench._declarations import Section
from archbench._errors import StoreError
from archbench._records import Origin, Record
from archbench._report._build import build_leaderboard
from archbench._report._csv import render_csv
from archbench._report._html import render_html
from archbench._report._markdown import render_markdown
from archbench._report._schema import Leaderboard


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
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _replace(out / name, content)
    except OSError as error:
        raise StoreError(f"the leaderboard cannot be written to {out}: {error.strerror or error}") from error
    return [out / name for name in files]


def render_files(board: Leaderboard) -> dict[str, bytes]:
    """Name and content of every file."""
    return {
        "index.html": render_html(board).encode(),
        "README.md": render_markdown(board).encode(),
        "leaderboard.json": msgspec.json.format(msgspec.json.encode(board, order="deterministic"), indent=1) + b"\n",
        "leaderboard.csv": render_csv(board).encode(),
    }


def _replace(path: Path, content: bytes) -> None:
    """Put the content there in one step, unless it is there already."""
    if path.is_file() and path.read_bytes() == content:
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o666 & ~_umask())  # mkstemp makes private files; a page is there to be read
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The mask of this process, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
