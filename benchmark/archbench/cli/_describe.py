"""Descriptions for `benchmark show`: architectures, tasks, readers and protocols as plain data."""

from __future__ import annotations

import dataclasses
import typing
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from archbench._declarations import Architecture, Declared, Published, Reader, Task, convert_options
from archbench._downloads import data_folder, state
from archbench._plugins import Registered
from archbench._protocols import Protocol
from archbench._selection import Selected

if TYPE_CHECKING:
    from archbench._planning import Plan

Description = dict[str, Any]


def describe_selected(selected: Selected[Any]) -> Description:
    """Return everything about an architecture or a task, with its options as selected."""
    registered, item = selected.registered, selected.registered.item
    is_architecture = isinstance(item, Architecture)
    shared = {
        "kind": "architecture" if is_architecture else "task",
        "name": item.name,
        "id": registered.canonical,
        "summary": item.summary,
        "source": item.source,
        "provided by": _describe_provider(registered),
        "options": _describe_options(item, selected.options),
        "variants": {name: dict(values) for name, values in item.variants.items()},
    }
    facts = _describe_architecture(item, selected.options) if is_architecture else _describe_task(selected)
    return shared | facts


def describe_reader(registered: Registered[Reader]) -> Description:
    """Return everything about a reader of own data."""
    reader = registered.item
    return {
        "kind": "reader of own data",
        "name": reader.scheme,
        "id": registered.canonical,
        "summary": reader.summary,
        "use": f"benchmark run all --task '{reader.scheme}:PATH[option=value]'",
        "provided by": _describe_provider(registered),
        "options": _describe_options(reader, convert_options(reader, {})),
    }


def describe_protocol(protocol: Protocol) -> Description:
    """Return the rules of a protocol, without those that it does not set."""
    values = _without_none(msgspec.to_builtins(protocol))
    tables = {key: _without_none(value) for key, value in values.items() if isinstance(value, dict)}
    return {"kind": "protocol", "budget": protocol.budget(), **values, **tables, "track": protocol.track}


def _without_none(values: Description) -> Description:
    return {key: value for key, value in values.items() if value is not None}


def _describe_provider(registered: Registered[Any]) -> str:
    return f"{registered.origin.distribution} {registered.origin.version}".strip()


def _describe_architecture(item: Architecture, options: Any) -> Description:
    return {
        "inputs": list(item.inputs),
        "compare with": item.control,
        "tags": list(item.tags),
        "declared parameters": {name: count for name, (_, count) in item.parameters.items()},
        "own recipe": _describe_recipe(item.own_recipe(options)),
    }


def _describe_task(selected: Selected[Task]) -> Description:
    item = selected.registered.item
    info = item.describe(selected.options)
    return {
        "input": f"{info.kind} {info.input_shape}{', of variable length' if info.variable_length else ''}",
        "outputs": info.outputs,
        "loss": item.loss,
        "metric": item.metric,
        "chance": item.chance,
        "oracle": item.oracle,
        "margin": item.margin,
        "factor": item.factor,
        "target": item.target,
        "steps": f"{item.effort:g} times those of the protocol",
        "files": {file.path: state(file) for file in item.files},
        "data folder": str(data_folder()) if item.files else "",
        **describe_own_data(selected),
    }


def describe_own_data(selected: Selected[Task]) -> Description:
    """Return the facts, features and warnings of people's own files; nothing for a task that is declared."""
    own = selected.registered.own_data
    if own is None:
        return {}
    found = own.found
    return {
        "content": found.content,
        "features": list(found.features),
        "warnings": list(found.warnings),
        **found.facts,
    }


def describe_all_own_data(plan: Plan) -> dict[str, Description]:
    """Return facts, features and warnings of all people's own files in a plan, by the labels of their tasks."""
    described = {cell.task.component.label: describe_own_data(cell.task) for cell in plan.cells}
    return {label: facts for label, facts in described.items() if facts}


def _describe_recipe(published: Published | None) -> Description:
    """Return the settings of a recipe that differ from their defaults, and where it was published."""
    if published is None:
        return {}
    recipe = published.recipe
    settings = {field.name: (getattr(recipe, field.name), field.default) for field in msgspec.structs.fields(recipe)}
    changed = {name: value for name, (value, default) in settings.items() if value != default}
    if recipe.milestones is None:
        changed |= {"milestones": [], "cosine": True}
    words = {name: getattr(published, name) for name in ("augmentation", "unsupported", "note")}
    described = {"source": published.source, "data": published.data, **changed, **words}
    return {name: value for name, value in described.items() if value != ""}


def _describe_options(item: Declared, options: Any) -> Description:
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


def _describe_type(hint: Any) -> Description:
    """Return the choices or the type of an option, with its bounds and its description."""
    base, *extras = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    base = next((kind for kind in typing.get_args(base) if type(None) in typing.get_args(base)), base)  # without None
    choices = list(typing.get_args(base)) if typing.get_origin(base) is typing.Literal else []
    described: Description = {"choices": choices} if choices else {"type": getattr(base, "__name__", str(base))}
    for meta in extras:
        if isinstance(meta, msgspec.Meta):
            bounds = {name: getattr(meta, name) for name in ("gt", "ge", "lt", "le")}
            described |= _without_none(bounds)
            described["description"] = meta.description or ""
    return described
