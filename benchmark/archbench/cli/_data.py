"""`benchmark data`: the files that tasks and architectures need. The only verb that opens a connection."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from archbench._declarations import Architecture, Task
from archbench._downloads import LocalFolder, RemoteFile, data_folder, find_damage, missing, state
from archbench._errors import DataError, SelectionError, UnknownNameError, did_you_mean
from archbench._plugins import Plugins, Registered
from archbench._selection import Selected, data_state, describe_missing, format_bytes, write_sample
from archbench.cli._group import Command, Group
from archbench.cli._names import select_any
from archbench.cli._options import Blocked, Json, PluginFiles, load
from archbench.cli._output import plugin_options, print_json

app = typer.Typer(
    cls=Group,
    help="List, download and check the files that some tasks and architectures need. ARCHBENCH_DATA names the folder "
    "that keeps them.",
    no_args_is_help=True,
)

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help="Tasks or architectures by name or by pattern, such as '*mnist'.",
        show_default="all that need files",
    ),
]

Needy = Registered[Any]
"""A task or an architecture that needs files."""


@app.command("list", cls=Command)
def list_(plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """List the tasks and architectures that need files, and say whether the files are there."""
    plugins = load(plugin, no_plugin)
    needy = [registered.item for registered in _needy([], plugins)]
    rows = {
        "tasks": [_describe(item) for item in needy if isinstance(item, Task)],
        "architectures": [_describe(item) for item in needy if isinstance(item, Architecture)],
    }
    if json:
        print_json({"folder": str(data_folder()), **rows})
    else:
        _print_list([*rows["tasks"], *rows["architectures"]], plugin_options(plugins))


@app.command("prepare", cls=Command)
def prepare(names: Names = None, plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """Download missing files, compare their checksums and unpack them. Continues a download that was interrupted."""
    needy = _needy(names or [], load(plugin, no_plugin))
    notes = _note_empty_folders(needy)
    if names and notes:
        raise DataError("; ".join(notes))
    files = _remote_files(needy)
    new = [file for file in files if state(file) != "ready"]
    _download(files, new)
    if json:
        rows = [{"path": file.path, "bytes": file.size, "new": file in new} for file in files]
        print_json({"folder": str(data_folder()), "files": rows})
    else:
        print(f"{len(files)} files are ready in {data_folder()}; {len(new)} of them are new.")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


@app.command("sample", cls=Command)
def sample(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="images, sequences, text, or the scheme of a plugin.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; made if it is not there.")],
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Write a few small files of own data into a folder, to try a kind of files with. Overwrites nothing."""
    written = write_sample(kind, folder, load(plugin, no_plugin).readers)
    if json:
        print_json({"folder": str(folder), "files": written.files, "selector": written.selector})
    else:
        count = f"{len(written.files)} file{'' if len(written.files) == 1 else 's'}"
        print(f"Wrote {count} into {folder}. Try: benchmark run mlp lstm --task {shlex.quote(written.selector)}")


@app.command("verify", cls=Command)
def verify(names: Names = None, plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """Read the downloaded files again and compare checksums. Exits with 1 if a file is not as declared."""
    files = _remote_files(_needy(names or [], load(plugin, no_plugin)))
    there = [file for file in files if state(file) != "missing"]
    damaged = {file.path: damage for file in there if (damage := find_damage(file))}
    if json:
        sound = [file.path for file in there if file.path not in damaged]
        print_json({"folder": str(data_folder()), "sound": sound, "damaged": damaged})
    else:
        absent = f", {len(files) - len(there)} are not there" if len(files) > len(there) else ""
        print(f"{len(there) - len(damaged)} of {len(there)} files in {data_folder()} are as declared{absent}.")
    for damage in damaged.values():
        print(f"damaged: {damage}", file=sys.stderr)
    sys.exit(1 if damaged else 0)


def _needy(names: list[str], plugins: Plugins) -> list[Needy]:
    """Return the tasks and architectures that need files: of all, or of those named.

    Raises:
        SelectionError: a name matches nothing, or only what needs no files.
    """
    if not names:
        everything: list[Needy] = [*plugins.tasks, *plugins.architectures]
        return [registered for registered in everything if registered.item.files]
    found: dict[tuple[bool, str], Needy] = {}
    for name in names:
        chosen = _choose(name, plugins)
        needy = [selected.registered for selected in chosen if selected.registered.item.files]
        if not needy and chosen[0].named:
            raise SelectionError(
                f"{chosen[0].component.label} needs no files: it runs as it is; `benchmark data list` shows what does"
            )
        found |= {(isinstance(each.item, Task), each.canonical): each for each in needy}
    return list(found.values())


def _choose(name: str, plugins: Plugins) -> list[Selected[Any]]:
    try:
        return select_any(name, plugins)
    except UnknownNameError:
        known = [registered.item.name for registered in _needy([], plugins)]
        hint = did_you_mean(name, known, otherwise="`benchmark data list` shows what needs files")
        raise UnknownNameError(f"no task {name!r}, and no architecture of that name; {hint}") from None


def _remote_files(needy: Sequence[Needy]) -> list[RemoteFile]:
    """Return the files to download, each once: several may share one."""
    files = [file for registered in needy for file in registered.item.files]
    return list({file.path: file for file in files if isinstance(file, RemoteFile)}.values())


def _note_empty_folders(needy: Sequence[Needy]) -> list[str]:
    """Return a line for each task whose folders the user has to fill and has not."""
    items = [registered.item for registered in needy]
    empty = [(item, missing([f for f in item.files if isinstance(f, LocalFolder)])) for item in items]
    return [describe_missing(folders, item) for item, folders in empty if folders]


def _download(files: Sequence[RemoteFile], new: Sequence[RemoteFile]) -> None:
    from archbench._downloads._prepare import prepare as prepare_files
    from archbench.cli._downloads import show_downloads

    with show_downloads(new) as report:
        prepare_files(files, report)


def _print_list(rows: Sequence[dict[str, Any]], options: str) -> None:
    print(f"Folder: {data_folder()}  (set ARCHBENCH_DATA for another)\n")
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        size = format_bytes(row["bytes"]) if row["bytes"] else "yours"  # a folder of the user has no declared size
        print(f"{row['name']:<{width}}  {row['state']:<9}  {size:>9}  {row['summary']}")
    print(f"\nGet what is missing: benchmark data prepare NAME...{options}")


def _describe(item: Task | Architecture) -> dict[str, Any]:
    return {
        "name": item.name,
        "summary": item.summary,
        "state": data_state(item),
        "bytes": sum(file.size for file in item.files if isinstance(file, RemoteFile)),
        "files": [{"path": file.path, "state": state(file), **_describe_file(file)} for file in item.files],
    }


def _describe_file(file: RemoteFile | LocalFolder) -> dict[str, Any]:
    if isinstance(file, LocalFolder):
        return {"advice": file.advice}
    kind, value = file.checksum
    return {"bytes": file.size, kind: value, "urls": list(file.urls)}
