"""`benchmark data`: the files that tasks need. The only verb that opens a connection."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from archbench._declarations import Task
from archbench._downloads import LocalFolder, RemoteFile, data_folder, find_damage, missing, state
from archbench._errors import DataError, SelectionError
from archbench._plugins import Plugins, Registered
from archbench._selection import data_state, describe_missing, format_bytes, select
from archbench.cli._options import Blocked, Json, PluginFiles, load, print_json

app = typer.Typer(
    help="List, get and check the files that some tasks need. They lie in the folder that ARCHBENCH_DATA names.",
    no_args_is_help=True,
)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="TASK...", help="Tasks, or patterns over names. Default: all.")
]


@app.command("list")
def list_(plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """List the tasks that need files, and whether these are there."""
    tasks = _tasks([], load(plugin, no_plugin))
    rows = [_describe(task.item) for task in tasks]
    if json:
        print_json({"folder": str(data_folder()), "tasks": rows})
        return
    print(f"Folder: {data_folder()}  (set ARCHBENCH_DATA for another)\n")
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        size = format_bytes(row["bytes"]) if row["bytes"] else "yours"  # a folder of the user has no declared size
        print(f"{row['name']:<{width}}  {row['state']:<9}  {size:>9}  {row['summary']}")
    print("\nGet what is missing: benchmark data prepare TASK...")


@app.command("prepare")
def prepare(names: Names = None, plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """Download what is missing, compare checksums, unpack. What is there is left alone; a broken download goes on."""
    from archbench._downloads._prepare import prepare as prepare_files
    from archbench.cli._downloads import make_report

    tasks = _tasks(names or [], load(plugin, no_plugin))
    empty = {task.item.name: missing([f for f in task.item.files if isinstance(f, LocalFolder)]) for task in tasks}
    notes = [describe_missing(folders, name) for name, folders in empty.items() if folders]
    if names and notes:
        raise DataError("; ".join(notes))
    remote = {f.path: f for task in tasks for f in task.item.files if isinstance(f, RemoteFile)}
    todo = [file for file in remote.values() if state(file) != "ready"]
    with make_report(todo) as report:
        prepare_files(list(remote.values()), report)
    if json:
        files = [{"path": file.path, "bytes": file.size, "new": file in todo} for file in remote.values()]
        print_json({"folder": str(data_folder()), "files": files})
    else:
        print(f"{len(remote)} files are ready in {data_folder()}; {len(todo)} of them are new.")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


@app.command("verify")
def verify(names: Names = None, plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """Read all data that are there again and compare checksums. Exits with 1 if something is not as declared."""
    tasks = _tasks(names or [], load(plugin, no_plugin))
    remote = {f.path: f for task in tasks for f in task.item.files if isinstance(f, RemoteFile)}
    there = [file for file in remote.values() if state(file) != "missing"]
    damaged = {file.path: damage for file in there if (damage := find_damage(file))}
    if json:
        sound = [file.path for file in there if file.path not in damaged]
        print_json({"folder": str(data_folder()), "sound": sound, "damaged": damaged})
    else:
        absent = f", {len(remote) - len(there)} are not there" if len(remote) > len(there) else ""
        print(f"{len(there) - len(damaged)} of {len(there)} files in {data_folder()} are as declared{absent}.")
    for damage in damaged.values():
        print(f"damaged: {damage}", file=sys.stderr)
    sys.exit(1 if damaged else 0)


def _tasks(names: list[str], plugins: Plugins) -> list[Registered[Task]]:
    """The tasks that need files: of all, or of those named.

    Raises:
        SelectionError: a name matches nothing, or a task that needs no files.
    """
    if not names:
        return [task for task in plugins.tasks if task.item.files]
    chosen = select(names, plugins.tasks, "task")
    for task in chosen:
        if task.named and not task.registered.item.files:
            raise SelectionError(
                f"{task.component.label} needs no files: it runs as it is; `benchmark data list` shows those that do"
            )
    return list({task.registered.canonical: task.registered for task in chosen if task.registered.item.files}.values())


def _describe(task: Task) -> dict[str, Any]:
    states = {file.path: state(file) for file in task.files}
    return {
        "name": task.name,
        "summary": task.summary,
        "state": data_state(task),
        "bytes": sum(file.size for file in task.files if isinstance(file, RemoteFile)),
        "files": [{"path": file.path, "state": states[file.path], **_describe_file(file)} for file in task.files],
    }


def _describe_file(file: RemoteFile | LocalFolder) -> dict[str, Any]:
    if isinstance(file, LocalFolder):
        return {"advice": file.advice}
    kind, value = file.checksum
    return {"bytes": file.size, kind: value, "urls": list(file.urls)}
