"""`benchmark leaderboard`: build the page again from the records of a folder."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated, Any

from archbench._errors import StoreError
from archbench._records import SetAside, Store
from archbench._suite._leaderboard import (
    WrittenLeaderboard,
    describe_problem,
    refuse_to_overwrite_foreign_files,
    write_leaderboard,
)
from archbench.cli._options import DEFAULT_OUT, Blocked, Json, Out, PluginFiles, flag, load
from archbench.cli._output import out_option, print_json, print_problems

Open = Annotated[bool, flag("--open", "Show the page in a browser afterwards.")]


def leaderboard(
    out: Out = DEFAULT_OUT,
    open_: Open = False,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Build the leaderboard again from the records in a folder. Trains nothing."""
    plugins = load(plugin, no_plugin)
    store = _open_store(out)
    records, set_aside = store.load()
    for item in set_aside:
        print(f"warning: {item}", file=sys.stderr)
    written = write_leaderboard(store, list(records.values()), plugins)
    print_problems(written.problems)
    if json:
        print_json(_describe(len(records), set_aside, written))
    else:
        print(f"{len(records)} records -> {out / 'index.html'}")
    if open_ and not webbrowser.open((out / "index.html").absolute().as_uri()):
        print(f"no browser found; open {out / 'index.html'} yourself", file=sys.stderr)
    sys.exit(1 if any(problem.fatal for problem in written.problems) else 0)


def _open_store(out: Path) -> Store:
    """Return the store of a folder.

    Raises:
        StoreError: there is no such folder, or it holds a page that the suite did not write.
    """
    if not out.is_dir():
        raise StoreError(
            f"there is no folder {out}; run `benchmark run all{out_option(out)}` first, or name another with --out"
        )
    store = Store(out)
    refuse_to_overwrite_foreign_files(store)
    return store


def _describe(records: int, set_aside: list[SetAside], written: WrittenLeaderboard) -> dict[str, Any]:
    return {
        "records": records,
        "files": written.files,
        "set_aside": [str(item) for item in set_aside],
        "problems": [describe_problem(problem) for problem in written.problems],
    }
