"""`benchmark list`: architectures, tasks, readers of own data and protocols."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from archbench._declarations import Architecture, InputKind, Reader, Task, convert_options
from archbench._plugins import Plugins, Registered, resolution_of
from archbench._protocols import Protocol, protocols
from archbench._selection import data_state
from archbench.cli._options import Blocked, Json, PluginFiles, load
from archbench.cli._output import answer, format_json, plugin_options

Row = dict[str, Any]

UNLIMITED = 1_000_000
"""Columns where the output is no terminal, so that a program reads one line for each entry."""

LEAST_COLUMNS = 20

EXPLANATIONS = (
    "What has a star runs when it is named; --task all includes every task.",
    "[m of n pairs]: the task tells m of n pairs of entrants apart in the reference run.",
    "Data that are missing: benchmark data prepare NAME{options}",
    "Details of one: benchmark show NAME{options}",
)


KindOfInput = Annotated[
    InputKind | None,
    typer.Option("--kind", help="Only what takes or gives such inputs.", show_default="all"),
]


def list_(kind: KindOfInput = None, plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """List the architectures, the tasks, the kinds of own files and the protocols."""
    plugins = load(plugin, no_plugin)
    listing = _describe(plugins, kind)
    answer(format_json(listing) if json else "\n".join(_lines(listing, plugin_options(plugins))), plugins)


def _describe(plugins: Plugins, kind: InputKind | None) -> dict[str, list[Row]]:
    architectures = [r for r in plugins.architectures if kind is None or kind in r.item.inputs]
    further = [registered.item for registered in plugins.protocols]
    tasks = [r for r in plugins.tasks if kind is None or _kind_of(r.item) in (kind, "")]
    return {
        "architectures": [_describe_architecture(registered) for registered in architectures],
        "tasks": [_describe_task(registered) for registered in tasks],
        "own data": [_describe_reader(registered) for registered in plugins.readers],
        "protocols": [_describe_protocol(protocol) for protocol in (*protocols(), *further)],
    }


def _kind_of(task: Task) -> str:
    """Return the kind of input of a task without options; empty if it cannot say."""
    try:
        return task.describe(convert_options(task, {})).kind
    except Exception:  # code of a plugin, which a run reports
        return ""


def _describe_architecture(registered: Registered[Architecture]) -> Row:
    item = registered.item
    return {
        "name": item.name,
        "id": registered.canonical,
        "inputs": list(item.inputs),
        "by_default": item.by_default,
        "data": data_state(item),
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
        "provider": protocol.provider or "archbench",
    }


def _lines(listing: dict[str, list[Row]], options: str) -> Iterator[str]:
    columns = shutil.get_terminal_size(fallback=(UNLIMITED, 24)).columns
    for heading, rows in listing.items():
        yield heading.capitalize()
        width = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            yield from _row_lines(row, width, columns)
        yield ""
    for line in EXPLANATIONS:
        yield from _beside("", line.replace("{options}", options), columns)


def _row_lines(row: Row, width: int, columns: int) -> Iterator[str]:
    """Yield a row, with what does not fit into the columns of the terminal on lines below."""
    note = f"  [{', '.join(row['inputs'])}]" if "inputs" in row else ""
    note += f"  [data {row['data']}]" if row.get("data") else ""
    if row.get("resolution"):
        note += f"  [{row['resolution']['told_apart']} of {row['resolution']['pairs']} pairs]"
    note += f"  [{row['provider']}]" if row.get("provider", "archbench") != "archbench" else ""
    star = " " if row.get("by_default", True) else "*"
    yield from _beside(f"{star} {row['name']:<{width}}  ", f"{row['summary']}{note}", columns)
    if row.get("variants"):
        yield from _beside(" " * (width + 4), f"variants: {', '.join(row['variants'])}", columns)


def _beside(head: str, text: str, columns: int) -> Iterator[str]:
    lines = textwrap.wrap(text, max(LEAST_COLUMNS, columns - len(head)), break_on_hyphens=False) or [""]
    yield head + f"\n{'':<{len(head)}}".join(lines)
