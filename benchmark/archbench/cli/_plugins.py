"""`benchmark plugins`: who provides what, and what went wrong."""

from __future__ import annotations

from archbench._plugins import describe
from archbench.cli._options import Blocked, Json, PluginFiles, load, print_json


def plugins(plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """List every plugin with its version, status and what it registers."""
    loaded = load(plugin, no_plugin)
    if json:
        problems = [
            {"plugin": p.plugin, "stage": p.stage, "message": p.message, "fatal": p.fatal} for p in loaded.problems
        ]
        print_json({"plugins": describe(loaded), "problems": problems})
        return
    width = max((len(status.name) for status in loaded.statuses), default=0)
    for status in loaded.statuses:
        registers = (
            ", ".join((*status.architectures, *status.tasks, *(f"{scheme}:" for scheme in status.readers)))
            or ", ".join(status.hooks)
            or status.message
        )
        origin = status.origin
        badge = f" commit {origin.commit[:10]}" if origin.commit else " editable" if origin.editable else ""
        time = "" if status.import_milliseconds is None else f"{status.import_milliseconds:6.1f} ms"
        print(f"{status.name:<{width}}  {origin.version}{badge}  {status.status:<12} {time:>9}  {registers}")
