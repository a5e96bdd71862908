"""`benchmark new`: write a package to start a plugin from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from archbench.cli._options import Json, flag, load
from archbench.cli._output import print_json

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the architecture or task, such as tiny-net.")]
TaskPlugin = Annotated[bool, flag("--task-plugin", "Register a task instead of an architecture.")]
Where = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to make the folder archbench-NAME.")]


def new(name: Name, task_plugin: TaskPlugin = False, out: Where = Path(), json: Json = False) -> None:
    """Write a small package, archbench-NAME, with a working architecture or task for you to change."""
    from archbench.cli._scaffold import write_package

    kind: Literal["architecture", "task"] = "task" if task_plugin else "architecture"
    files = write_package(name, out, kind=kind, taken=_taken(kind))
    folder = files[0].parent
    if json:
        print_json({"folder": str(folder), "files": [str(path) for path in files]})
        return
    for path in files:
        print(path)
    run = f"benchmark run all --task {name}" if task_plugin else f"benchmark run {name}"
    print(f"\nNext:\n  pip install -e {folder}\n  benchmark check {name}\n  {run} --protocol smoke")


def _taken(kind: Literal["architecture", "task"]) -> dict[str, str]:
    """Return the names that an item of this kind cannot have, each with the kind of item that has it."""
    plugins = load(None, None)
    items = plugins.tasks if kind == "task" else plugins.architectures
    taken = {known: kind for registered in items for known in (registered.item.name, *registered.item.variants)}
    # `benchmark run NAME` would not know whether an architecture or a study of this name is meant.
    studies = {} if kind == "task" else {registered.item.name: "study" for registered in plugins.studies}
    return {**studies, **taken}
