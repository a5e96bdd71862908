"""Build the page of a folder in which a run trains: `python -m archbench._suite.page FOLDER PLUGINS`.

Nothing but the files of the leaderboard is written, each of them whole or not at all.
"""

from __future__ import annotations

import datetime
import gc
import os
import sys
from pathlib import Path

import msgspec

from archbench._plugins import end_with_parent, load_plugins, plugins_from_environment
from archbench._records import Store, write_atomically
from archbench._suite._leaderboard import render_leaderboard
from archbench._suite._status import NAME, RunStatus


def build_page(root: Path, files: list[Path], blocked: list[str]) -> None:
    """Write the leaderboard of the records that are there, with a note that says how far the run is.

    Args:
        root: the output folder.
        files: one-file plugins to load as well.
        blocked: plugins that are not imported.
    """
    status = msgspec.json.decode((root / NAME).read_bytes(), type=RunStatus)
    plugins = load_plugins(files=files, blocked=blocked, only=plugins_from_environment())
    store = Store(root)
    records, _ = store.scan()
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    done, total = status.kept + status.done, status.kept + status.total
    note = f"running: {done} of {total} trials are finished at {now}; this page is built again while the others train"
    for name, data in render_leaderboard(store, list(records.values()), plugins, [note]).items():
        write_atomically(root / name, data, durable=False)


def main() -> None:
    """Build the page, after everything that trains has had its share of the processor."""
    end_with_parent()
    os.nice(19)
    gc.disable()  # nearly all that is made is kept until the end
    files, blocked = msgspec.json.decode(sys.argv[2], type=tuple[list[str], list[str]])
    build_page(Path(sys.argv[1]), [Path(file) for file in files], blocked)


if __name__ == "__main__":
    main()
