"""`benchmark list`: what can be run."""

from __future__ import annotations

from typing import Any

from archbench._protocols import protocols
from archbench._selection import data_state
from archbench.cli._options import Blocked, Json, PluginFiles, load, print_json


def list_(plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """List architectures, tasks and protocols."""
    plugins = load(plugin, no_plugin)
    listing: dict[str, list[dict[str, Any]]] = {
        "architectures": [
            {
                "name": r.item.name,
                "id": r.canonical,
                "inputs": list(r.item.inputs),
                "summary": r.item.summary,
                "variants": list(r.item.variants),
            }
            for r in plugins.architectures
        ],
        "tasks": [
            {
                "name": r.item.name,
                "id": r.canonical,
                "metric": r.item.metric,
                "by_default": r.item.by_default,
                "data": data_state(r.item),
                "summary": r.item.summary,
                "variants": list(r.item.variants),
            }
            for r in plugins.tasks
        ],
        "own data": [
            {"name": f"{r.item.scheme}:PATH", "id": r.canonical, "summary": r.item.summary} for r in plugins.readers
        ],
        "protocols": [
            {"name": p.name, "summary": p.summary, "seeds": p.seeds, "budget": p.budget(), "track": p.track}
            for p in protocols()
        ],
    }
    if json:
        print_json(listing)
        return
    for heading, rows in listing.items():
        print(f"{heading.capitalize()}")
        width = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            note = f"  [{', '.join(row['inputs'])}]" if "inputs" in row else ""
            note += f"  [data {row['data']}]" if row.get("data") else ""
            mark = " " if row.get("by_default", True) else "*"
            print(f"{mark} {row['name']:<{width}}  {row['summary']}{note}")
            if row.get("variants"):
                print(f"  {'':<{width}}  variants: {', '.join(row['variants'])}")
        print()
    print("Tasks with a star run when they are named, or with --task all.")
    print("Data that are missing: benchmark data prepare TASK")
    print("Details of one: benchmark show NAME")
