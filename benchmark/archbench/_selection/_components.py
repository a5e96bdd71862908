"""Turn a declaration and its options into plain data: the component of a trial, and its label."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec

from archbench._declarations import Architecture, Declared, Task, convert_options, option_names
from archbench._plugins import Registered
from archbench._records import Component


def write_options(options: Any) -> dict[str, Any]:
    """Return options as plain data, in the order and with the types that they have in a record read from disk.

    Options that are None are left out: a declaration can get one more later without another identity of its trials.
    """
    values: dict[str, Any] = {} if options is None else msgspec.to_builtins(dataclasses.asdict(options))
    given = {name: value for name, value in values.items() if value is not None}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in sorted(given.items())}


def make_component(
    registered: Registered[Architecture] | Registered[Task], options: Any, *, ambiguous: bool = False
) -> Component:
    """Return the plain data that stand for an architecture or a task in a trial.

    Args:
        registered: the declaration and its provider.
        options: an instance of its options class, or None.
        ambiguous: something else has that name or variant, too, so that the label must name the provider.
    """
    item = registered.item
    label = make_label(item, options)
    return Component(
        provider=registered.origin.distribution,
        name=item.name,
        revision=item.revision,
        options=write_options(options),
        fingerprint=registered.fingerprint,
        effort=float(item.effort) if isinstance(item, Task) else 1.0,
        target=item.target if isinstance(item, Task) else None,
        files={file.path: file.sha256 for file in item.files} if isinstance(item, Architecture) else {},
        label=f"{registered.origin.distribution}/{label}" if ambiguous else label,
    )


def make_label(item: Declared, options: Any) -> str:
    """Return a selector for these options: a variant that sets them, else the name with the options that differ."""
    for variant, values in item.variants.items():
        if options == convert_options(item, values):
            return variant
    default = convert_options(item, {})
    if options == default:
        return item.name
    changed = [name for name in option_names(item) if getattr(options, name) != getattr(default, name)]
    return f"{item.name}[{','.join(f'{name}={_write(getattr(options, name))}' for name in changed)}]"


def _write(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_write, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
