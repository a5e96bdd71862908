"""`benchmark new`: the start of a plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archbench.cli._options import Json, load, print_json

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the architecture or task, such as tiny-net.")]
TaskPlugin = Annotated[bool, typer.Option("--task-plugin", help="Register a task and not an architecture.")]
Where = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder in which archbench-NAME is made.")]


def new(name: Name, task_plugin: TaskPlugin = False, out: Where = Path(), json: Json = False) -> None:
    """Write a small package, archbench-NAME, that registers a working architecture or task for you to change."""
    from archbench.cli._scaffold import write_package

    plugins = load(None, None)
    items = plugins.tasks if task_plugin else plugins.architectures
    taken = {known for registered in items for known in (registered.item.name, *registered.item.variants)}
    files = write_package(name, out, kind="task" if task_plugin else "architecture", taken=taken)
    folder = files[0].parent
    if json:
        print_json({"folder": str(folder), "files": [str(path) for path in files]})
        return
    for path in files:
        print(path)
    run = f"benchmark run all --task {name}" if task_plugin else f"benchmark run {name}"
    print(f"\nNext:\n  pip install -e {folder}\n  benchmark check {name}\n  {run} --protocol smoke")
