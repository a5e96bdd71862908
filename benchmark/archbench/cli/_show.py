"""`benchmark show NAME`: everything about one architecture, task, reader or protocol."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from archbench._declarations import Declared
from archbench._errors import ArchbenchError, SelectionError, UnknownNameError, did_you_mean
from archbench._plugins import Plugins, Registered
from archbench._protocols import protocols
from archbench._selection import choose_protocol, is_own_data
from archbench.cli._completion import complete_any
from archbench.cli._describe import describe_protocol, describe_reader, describe_selected
from archbench.cli._names import select_any
from archbench.cli._options import Blocked, Json, PluginFiles, load, tasks_of
from archbench.cli._output import print_json

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="An architecture or task, with or without options; a protocol or its file; images:PATH.",
        autocompletion=complete_any,
    ),
]


def show(name: Name, plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """Show one architecture, task, protocol or kind of own files: options, variants, source and provider."""
    description = _describe(name, load(plugin, no_plugin))
    if json:
        print_json(description)
    else:
        _print(description)


def _describe(name: str, plugins: Plugins) -> dict[str, Any]:
    if name.endswith(".toml"):
        return describe_protocol(choose_protocol(name, plugins.protocols))
    if is_own_data(name):
        return describe_selected(tasks_of([name], plugins)[0])
    for reader in plugins.readers:
        if reader.item.scheme == name:
            return describe_reader(reader)
    try:
        return describe_selected(select_any(name, plugins)[0])
    except SelectionError as error:
        try:
            return describe_protocol(choose_protocol(name, plugins.protocols))
        except ArchbenchError:
            raise (_unknown(name, plugins) if isinstance(error, UnknownNameError) else error) from None


def _unknown(name: str, plugins: Plugins) -> UnknownNameError:
    """Return an error that suggests the nearest of all names there are."""
    registered: list[Registered[Any]] = [*plugins.architectures, *plugins.tasks, *plugins.readers]
    items: list[Declared] = [each.item for each in registered]
    known = {known for item in items for known in (item.name, *item.variants)}
    known |= {rules.name for rules in (*protocols(), *(each.item for each in plugins.protocols))}
    hint = did_you_mean(name.partition("[")[0], sorted(known), otherwise="`benchmark list` shows what there is")
    return UnknownNameError(f"nothing is called {name!r}; {hint}")


def _print(description: dict[str, Any]) -> None:
    description.pop("warnings", None)  # standard error has them, one a line
    for key, value in description.items():
        if isinstance(value, dict):
            print(f"{key}:" if value else f"{key}: none")
            for inner, text in value.items():
                print(f"  {inner}: {_write(text)}")
        elif value not in ("", [], None):
            print(f"{key}: {_write(value)}")


def _write(value: Any) -> str:
    """Return a value as people read it: lists with commas, large numbers with separators, choices with bars."""
    if isinstance(value, dict):
        inner = {key: " | ".join(map(str, item)) if isinstance(item, list) else item for key, item in value.items()}
        return ", ".join(f"{key} {_write(item)}" for key, item in inner.items() if item not in ("", None))
    if isinstance(value, list | tuple):
        return ", ".join(map(_write, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    if type(value) is int and value >= 10_000:  # not isinstance: a bool is an int too
        return f"{value:,}"
    return str(value)
