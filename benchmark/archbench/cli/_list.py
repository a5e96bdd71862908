"""`benchmark list`: architectures, tasks, readers of own data and protocols."""

from __future__ import annotations

import sys
from typing import Any

from archbench._declarations import Architecture, Reader, Task
from archbench._plugins import Plugins, Registered, resolution_of
from archbench._protocols import Protocol, protocols
from archbench._selection import data_state
from archbench.cli._options import Blocked, Json, PluginFiles, load
from archbench.cli._output import print_json

Row = dict[str, Any]


def list_(plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """List the architectures, the tasks, the kinds of own files and the protocols."""
    plugins = load(plugin, no_plugin)
    listing = _describe(plugins)
    if json:
        print_json(listing)
    else:
        _print(listing)
    sys.exit(1 if any(problem.fatal for problem in plugins.problems) else 0)


def _describe(plugins: Plugins) -> dict[str, list[Row]]:
    return {
        "architectures": [_describe_architecture(registered) for registered in plugins.architectures],
        "tasks": [_describe_task(registered) for registered in plugins.tasks],
        "own data": [_describe_reader(registered) for registered in plugins.readers],
        "protocols": [_describe_protocol(protocol) for protocol in protocols()],
    }


def _describe_architecture(registered: Registered[Architecture]) -> Row:
    item = registered.item
    return {
        "name": item.name,
        "id": registered.canonical,
        "inputs": list(item.inputs),
        "by_default": item.by_default,
        "summary": item.summary,
        "variants": list(item.variants),
    }


def _describe_task(registered: Registered[Task]) -> Row:
    item, measured = registered.item, resolution_of(registered)
    return {
        "name": item.name,
        "id": registered.canonical,
        "metric": item.metric,
        "resolution": {"told_apart": measured.told_apart, "pairs": measured.pairs} if measured else None,
        "by_default": item.by_default,
        "data": data_state(item),
        "summary": item.summary,
        "variants": list(item.variants),
    }


def _describe_reader(registered: Registered[Reader]) -> Row:
    item = registered.item
    return {"name": f"{item.scheme}:PATH", "id": registered.canonical, "summary": item.summary}


def _describe_protocol(protocol: Protocol) -> Row:
    return {
        "name": protocol.name,
        "summary": protocol.summary,
        "seeds": protocol.seeds,
        "budget": protocol.budget(),
        "track": protocol.track,
    }


def _print(listing: dict[str, list[Row]]) -> None:
    for heading, rows in listing.items():
        print(heading.capitalize())
        width = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            _print_row(row, width)
        print()
    print("What has a star runs when it is named; --task all includes every task.")
    print("[m of n pairs]: so many pairs of entrants does the task tell apart in the reference run.")
    print("Data that are missing: benchmark data prepare TASK")
    print("Details of one: benchmark show NAME")


def _print_row(row: Row, width: int) -> None:
    note = f"  [{', '.join(row['inputs'])}]" if "inputs" in row else ""
    note += f"  [data {row['data']}]" if row.get("data") else ""
    if row.get("resolution"):
        note += f"  [{row['resolution']['told_apart']} of {row['resolution']['pairs']} pairs]"
    star = " " if row.get("by_default", True) else "*"
    print(f"{star} {row['name']:<{width}}  {row['summary']}{note}")
    if row.get("variants"):
        print(f"  {'':<{width}}  variants: {', '.join(row['variants'])}")
