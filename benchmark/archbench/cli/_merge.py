"""`benchmark merge`: unite the records of several folders, such as those of several machines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archbench._records import Merged, Store
from archbench._records import merge as unite
from archbench.cli._options import DEFAULT_OUT, Blocked, Json, Out, PluginFiles, load
from archbench.cli._output import print_json, print_problems

if TYPE_CHECKING:
    from archbench._suite._leaderboard import WrittenLeaderboard

Sources = Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders that runs wrote; they are only read.")]


def merge(
    sources: Sources,
    out: Out = DEFAULT_OUT,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Unite records and networks of several folders, and write the leaderboard. Refuses results that contradict."""
    from archbench._suite._leaderboard import refuse_to_overwrite_foreign_files, write_leaderboard

    plugins = load(plugin, no_plugin)
    store = Store(out)
    refuse_to_overwrite_foreign_files(store)
    merged = unite(sources, store)
    written = write_leaderboard(store, list(merged.records.values()), plugins)
    print_problems(written.problems)
    for line in merged.left_out:
        print(f"warning: left out {line}", file=sys.stderr)
    if json:
        print_json(_describe(merged, written))
    else:
        print(_say(merged, out))
    sys.exit(1 if merged.left_out or any(problem.fatal for problem in written.problems) else 0)


def _say(merged: Merged, out: Path) -> str:
    networks = f" {merged.networks} networks came along;" if merged.networks else ""
    return f"{merged.added} records added, {merged.replaced} replaced;{networks} {len(merged.records)} records in {out}"


def _describe(merged: Merged, written: WrittenLeaderboard) -> dict[str, object]:
    from archbench._suite._leaderboard import describe_problem

    return {
        "records": len(merged.records),
        "added": merged.added,
        "replaced": merged.replaced,
        "networks": merged.networks,
        "left_out": merged.left_out,
        "files": written.files,
        "problems": [describe_problem(problem) for problem in written.problems],
    }
