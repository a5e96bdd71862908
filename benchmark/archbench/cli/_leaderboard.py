"""`benchmark leaderboard`: build the page again from the records."""

from __future__ import annotations

import sys
import webbrowser
from typing import Annotated

import typer

from archbench._errors import StoreError
from archbench._plugins import Plugins, Problem
from archbench._records import Record
from archbench._store import SetAside, Store
from archbench.cli._options import DEFAULT_OUT, Blocked, Json, Out, PluginFiles, load, out_option, print_json, report

Open = Annotated[bool, typer.Option("--open", help="Show the page in a browser afterwards.")]


def leaderboard(
    out: Out = DEFAULT_OUT,
    open_: Open = False,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Build the leaderboard again from the records in a folder. Trains nothing."""
    plugins = load(plugin, no_plugin)
    if not out.is_dir():
        raise StoreError(
            f"there is no folder {out}; run `benchmark run all{out_option(out)}` first, or name another with --out"
        )
    store = Store(out)
    spare_pages_of_others(store)
    records, set_aside = store.load()
    files, problems = build(store, list(records.values()), plugins, set_aside)
    if json:
        print_json(
            {
                "records": len(records),
                "files": files,
                "set_aside": [str(item) for item in set_aside],
                "problems": [note(problem) for problem in problems],
            }
        )
    else:
        print(f"{len(records)} records -> {out / 'index.html'}")
    if open_ and not webbrowser.open((out / "index.html").absolute().as_uri()):
        print(f"no browser found; open {out / 'index.html'} yourself", file=sys.stderr)
    sys.exit(1 if problems else 0)


def spare_pages_of_others(store: Store) -> None:
    """Do not write where README.md or index.html is not ours to replace: in a project's own folder, say, by --out .

    Raises:
        StoreError: there is such a file, and no sign that a run has written to this folder before.
    """
    ours = store.records.is_dir() or (store.root / "leaderboard.json").exists()
    for name in ("README.md", "index.html", "leaderboard.csv"):
        if not ours and (store.root / name).exists():
            raise StoreError(
                f"{store.root} has no records but a {name}, which the leaderboard would replace; "
                "choose another folder with --out, or move the file away"
            )


def build(
    store: Store, records: list[Record], plugins: Plugins, set_aside: list[SetAside]
) -> tuple[list[str], list[Problem]]:
    """Write the page and the exports.

    Returns:
        The names of the files, relative to the folder, and what plugins got wrong while their sections were made.
    """
    from archbench._report import write_leaderboard  # numpy and scipy: not for verbs that do not need them

    sections, problems = plugins.leaderboard_sections(records)
    report(problems)
    for item in set_aside:
        print(f"warning: {item}", file=sys.stderr)
    written = write_leaderboard(
        records, store.root, sections, [*store.read_problems(), *(note(problem) for problem in problems)]
    )
    return [path.relative_to(store.root).as_posix() for path in written], problems


def note(problem: Problem) -> str:
    """A problem as a line for the page."""
    return f"{problem.plugin}: {problem.message}"
