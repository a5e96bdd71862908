"""`benchmark show NAME`: everything about one architecture, task or protocol."""

from __future__ import annotations

import dataclasses
import typing
from typing import Annotated, Any

import msgspec
import typer

from archbench._declarations import Architecture, Declared, Found, Published, Reader, convert_options
from archbench._downloads import data_folder, state
from archbench._errors import ArchbenchError, SelectionError, UnknownNameError, did_you_mean
from archbench._plugins import Plugins, Registered
from archbench._protocols import Protocol, protocols
from archbench._protocols._toml import get_protocol
from archbench._selection import Selected, is_own_data, select
from archbench.cli._options import Blocked, Json, PluginFiles, load, print_json, tasks_of

Name = Annotated[str, typer.Argument(metavar="NAME", help="An architecture, task, protocol or protocol file.")]


def show(name: Name, plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """Show the options, variants, source and provider of one architecture, task or protocol."""
    plugins = load(plugin, no_plugin)
    description = _describe(name, plugins)
    if json:
        print_json(description)
        return
    for key, value in description.items():
        if isinstance(value, dict):
            print(f"{key}:" if value else f"{key}: none")
            for inner, text in value.items():
                print(f"  {inner}: {_text(text)}")
        elif value not in ("", [], None):
            print(f"{key}: {_text(value)}")


def _describe(name: str, plugins: Plugins) -> dict[str, Any]:
    if name.endswith(".toml"):
        return _describe_protocol(get_protocol(name))
    if is_own_data(name):
        return _describe_item("task", tasks_of([name], plugins)[0])
    for reader in plugins.readers:
        if reader.item.scheme == name:
            return _describe_reader(reader)
    refusals = []
    for available, what in ((plugins.architectures, "architecture"), (plugins.tasks, "task")):
        try:
            selected: list[Selected[Any]] = select([name], available, what)
        except SelectionError as error:
            refusals.append(error)
            continue
        return _describe_item(what, selected[0])
    try:
        return _describe_protocol(get_protocol(name))
    except ArchbenchError:
        specific = [error for error in refusals if not isinstance(error, UnknownNameError)]
        raise (specific or [_unknown(name, plugins)])[0] from None


def _unknown(name: str, plugins: Plugins) -> SelectionError:
    registered: list[Registered[Any]] = [*plugins.architectures, *plugins.tasks, *plugins.readers]
    items: list[Declared] = [one.item for one in registered]
    known = {known for item in items for known in (item.name, *item.variants)} | {rules.name for rules in protocols()}
    hint = did_you_mean(name.partition("[")[0], sorted(known), otherwise="`benchmark list` shows what there is")
    return SelectionError(f"nothing is called {name!r}; {hint}")


def _describe_reader(registered: Registered[Reader]) -> dict[str, Any]:
    reader = registered.item
    return {
        "kind": "reader of own data",
        "name": reader.scheme,
        "id": registered.canonical,
        "summary": reader.summary,
        "use": f"benchmark run all --task '{reader.scheme}:PATH[option=value]'",
        "provided by": f"{registered.origin.distribution} {registered.origin.version}".strip(),
        "options": _describe_options(reader, convert_options(reader, {})),
    }


def _describe_protocol(protocol: Protocol) -> dict[str, Any]:
    values = {key: value for key, value in msgspec.to_builtins(protocol).items() if value is not None}
    for table, content in values.items():
        if isinstance(content, dict):
            values[table] = {key: value for key, value in content.items() if value is not None}
    return {"kind": "protocol", "budget": protocol.budget(), **values, "track": protocol.track}


def _describe_item(what: str, selected: Selected[Any]) -> dict[str, Any]:
    registered, item = selected.registered, selected.registered.item
    shared = {
        "kind": what,
        "name": item.name,
        "id": registered.canonical,
        "summary": item.summary,
        "source": item.source,
        "provided by": f"{registered.origin.distribution} {registered.origin.version}".strip(),
        "options": _describe_options(item, selected.options),
        "variants": {name: dict(values) for name, values in item.variants.items()},
    }
    if isinstance(item, Architecture):
        return {
            **shared,
            "inputs": list(item.inputs),
            "compare with": item.control,
            "tags": list(item.tags),
            "declared parameters": {name: count for name, (_, count) in item.parameters.items()},
            "own recipe": _describe_recipe(item.own_recipe(selected.options)),
        }
    info = item.describe(selected.options)
    return {
        **shared,
        "input": f"{info.kind} {info.input_shape}{', of variable length' if info.variable_length else ''}",
        "outputs": info.outputs,
        "loss": item.loss,
        "metric": item.metric,
        "chance": item.chance,
        "oracle": item.oracle,
        "target": item.target,
        "steps": f"{item.effort:g} times those of the protocol",
        "files": {file.path: state(file) for file in item.files},
        "data folder": str(data_folder()) if item.files else "",
        **({} if registered.own_data is None else _describe_data(registered.own_data.found)),
    }


def _describe_data(found: Found) -> dict[str, Any]:
    return {"content": found.content, "left out": list(found.warnings), **found.facts}


def _describe_recipe(published: Published | None) -> dict[str, Any]:
    """Return what an own recipe says, without the settings that it leaves alone."""
    if published is None:
        return {}
    recipe = published.recipe
    settings = {field.name: (getattr(recipe, field.name), field.default) for field in msgspec.structs.fields(recipe)}
    changed = {name: value for name, (value, default) in settings.items() if value != default}
    if recipe.milestones is None:
        changed |= {"milestones": [], "cosine": True}
    words = {name: getattr(published, name) for name in ("source", "data", "augmentation", "unsupported", "note")}
    return {**{name: text for name, text in words.items() if text}, **changed}


def _describe_options(item: Declared, options: Any) -> dict[str, Any]:
    if item.options is None:
        return {}
    default = convert_options(item, {})
    hints = typing.get_type_hints(item.options, include_extras=True)
    return {
        field.name: {
            "value": getattr(options, field.name),
            "default": getattr(default, field.name),
            **_describe_type(hints[field.name]),
        }
        for field in dataclasses.fields(item.options)
    }


def _describe_type(hint: Any) -> dict[str, Any]:
    base, *extras = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    choices = list(typing.get_args(base)) if typing.get_origin(base) is typing.Literal else []
    described: dict[str, Any] = {"choices": choices} if choices else {"type": getattr(base, "__name__", str(base))}
    for meta in extras:
        if isinstance(meta, msgspec.Meta):
            bounds = {name: getattr(meta, name) for name in ("gt", "ge", "lt", "le")}
            described |= {name: bound for name, bound in bounds.items() if bound is not None}
            described["description"] = meta.description or ""
    return described


def _text(value: Any) -> str:
    if isinstance(value, dict):
        inner = {key: " | ".join(map(str, item)) if isinstance(item, list) else item for key, item in value.items()}
        return ", ".join(f"{key} {_text(item)}" for key, item in inner.items() if item not in ("", None))
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    if type(value) is int and value >= 10_000:
        return f"{value:,}"
    return str(value)
