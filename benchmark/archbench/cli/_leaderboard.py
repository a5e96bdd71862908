"""`benchmark leaderboard`: build the page again from the records of a folder."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn

import typer

from archbench._errors import SelectionError, StoreError
from archbench._garbage import without_collection
from archbench._plugins import Plugins
from archbench._records import SetAside, Store
from archbench._suite._publish import write_workflow
from archbench.cli._options import DEFAULT_OUT, Blocked, Json, Out, PluginFiles, flag, load
from archbench.cli._output import out_option, print_json, print_problems

if TYPE_CHECKING:
    from archbench._suite._leaderboard import WrittenLeaderboard

Open = Annotated[bool, flag("--open", "Show the page in a browser afterwards.")]
Parquet = Annotated[bool, flag("--parquet", "Also write trials.parquet; needs pip install 'archbench[parquet]'.")]
PublishUrl = Annotated[
    str, typer.Option("--publish-url", metavar="URL", help="Where the page will be; links to it then show a preview.")
]
Workflow = Annotated[
    bool, flag("--publish-workflow", "Also write a workflow that publishes the folder as a site of GitHub Pages.")
]
WorkflowFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The file of --publish-workflow.",
        show_default=".github/workflows/leaderboard.yml of the repository",
    ),
]
Serve = Annotated[bool, flag("--serve", "Write nothing; serve the page to this machine while its records change.")]
Port = Annotated[
    int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="Port of --serve.", show_default="8642")
]
DEFAULT_PORT = 8642


def leaderboard(
    out: Out = DEFAULT_OUT,
    open_: Open = False,
    serve: Serve = False,
    port: Port = None,
    parquet: Parquet = False,
    publish_url: PublishUrl = "",
    publish_workflow: Workflow = False,
    workflow_file: WorkflowFile = None,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Build the leaderboard again from the records in a folder. Trains nothing."""
    _keep_to_one_thread()
    _refuse_contradictions(port, publish_url, serve=serve, writes=parquet or publish_workflow or bool(publish_url))
    if workflow_file and not publish_workflow:
        raise SelectionError("--workflow-file is the file of --publish-workflow; add that, or leave it out")
    plugins, store = load(plugin, no_plugin), _open_store(out)
    if serve:
        _serve(out, plugins, DEFAULT_PORT if port is None else port, open_=open_, json=json)
    else:
        workflow = write_workflow(out, workflow_file) if publish_workflow else None
        _write(store, plugins, Wanted(parquet, publish_url, workflow), open_=open_, json=json)


def _keep_to_one_thread() -> None:
    """Let numpy start no threads when it is imported: here they only wait, actively, and forbid to fork."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


class Wanted(NamedTuple):
    """Files that are written only for those who ask for them."""

    parquet: bool
    publish_url: str
    workflow: Path | None


def _write(store: Store, plugins: Plugins, wanted: Wanted, *, open_: bool, json: bool) -> NoReturn:
    with without_collection():
        records, set_aside, written = _build(store, plugins, wanted)
    _warn_of_newer(store.newer)
    print_problems(written.problems)
    page = store.root / "index.html"
    if json:
        print_json({**_describe(records, set_aside, written, wanted.workflow), "newer": store.newer})
    else:
        _print_places(records, page, wanted.workflow)
    if open_:
        _show(page.absolute().as_uri())
    sys.exit(1 if any(problem.fatal for problem in written.problems) else 0)


def _build(store: Store, plugins: Plugins, wanted: Wanted) -> tuple[int, list[SetAside], WrittenLeaderboard]:
    """Write the files; return the number of records, those that are set aside, and what was written."""
    from archbench._suite._leaderboard import write_leaderboard

    records, set_aside = store.load()
    for item in set_aside:
        print(f"warning: {item}", file=sys.stderr)
    written = write_leaderboard(
        store,
        list(records.values()),
        plugins,
        parquet=wanted.parquet,
        publish_url=wanted.publish_url,
        two_processes=True,
    )
    return len(records), set_aside, written


def _warn_of_newer(newer: Mapping[str, str]) -> None:
    """Name the records that a newer version wrote, on standard error."""
    for name, reason in newer.items():
        print(f"warning: {name}.json {reason}", file=sys.stderr)


def _print_places(records: int, page: Path, workflow: Path | None) -> None:
    print(f"{records} records -> {page}")
    if workflow:
        print(f"workflow -> {workflow}; commit it together with {page.parent}")


def _serve(out: Path, plugins: Plugins, port: int, *, open_: bool, json: bool) -> NoReturn:
    """Serve the page until a signal ends it."""
    from archbench._suite._serve import LivePage, PageServer

    with PageServer(LivePage(out, plugins), port) as server:
        _warn_of_newer(server.page.newer)
        if json:
            print_json({"url": server.url, "records": server.page.records}, flush=True)
        else:
            print(f"{server.page.records} records -> {server.url} for this machine only; Ctrl-C ends it", flush=True)
        if open_:
            _show(server.url)
        server.watch(lambda message: print(f"warning: {message}", file=sys.stderr))


def _show(url: str) -> None:
    if not webbrowser.open(url):
        print(f"no browser found; open {url} yourself", file=sys.stderr)


def _refuse_contradictions(port: int | None, publish_url: str, *, serve: bool, writes: bool) -> None:
    """Raise if options do not go together.

    Raises:
        SelectionError: they do not.
    """
    if port is not None and not serve:
        raise SelectionError("--port is the port of --serve; add --serve, or leave it out")
    if serve and writes:
        raise SelectionError("--serve writes no files; leave out --parquet, --publish-url and --publish-workflow")
    if publish_url and not publish_url.startswith(("https://", "http://")):
        raise SelectionError(f"--publish-url takes an address such as https://example.org/page/, not {publish_url!r}")


def _open_store(out: Path) -> Store:
    """Return the store of a folder.

    Raises:
        StoreError: there is no such folder, or it holds a page that the suite did not write.
    """
    from archbench._suite._leaderboard import refuse_to_overwrite_foreign_files

    if not out.is_dir():
        raise StoreError(
            f"there is no folder {out}; run `benchmark run all{out_option(out)}` first, or name another with --out"
        )
    store = Store(out)
    refuse_to_overwrite_foreign_files(store)
    return store


def _describe(
    records: int, set_aside: list[SetAside], written: WrittenLeaderboard, workflow: Path | None
) -> dict[str, Any]:
    from archbench._suite._leaderboard import describe_problem

    return {
        "records": records,
        "files": written.files,
        "workflow": None if workflow is None else str(workflow),
        "set_aside": [str(item) for item in set_aside],
        "problems": [describe_problem(problem) for problem in written.problems],
    }
