"""`benchmark plugins`: what every plugin provides, and what went wrong with it."""

from __future__ import annotations

from collections.abc import Iterator

from archbench._plugins import Plugins, PluginStatus, describe
from archbench.cli._options import Blocked, Json, PluginFiles, load
from archbench.cli._output import answer, format_json


def plugins(plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """List every plugin with its version, its status, its import time and what it registers."""
    loaded = load(plugin, no_plugin)
    if json:
        problems = [
            {"plugin": p.plugin, "stage": p.stage, "message": p.message, "fatal": p.fatal} for p in loaded.problems
        ]
        answer(format_json({"plugins": describe(loaded), "problems": problems}), loaded)
    answer("\n".join(_lines(loaded)), loaded)


def _lines(loaded: Plugins) -> Iterator[str]:
    width = max((len(status.name) for status in loaded.statuses), default=0)
    for status in loaded.statuses:
        origin = status.origin
        badge = f" commit {origin.commit[:10]}" if origin.commit else " editable" if origin.editable else ""
        time = "" if status.import_milliseconds is None else f"{status.import_milliseconds:6.1f} ms"
        provides = _describe_contents(status)
        yield f"{status.name:<{width}}  {origin.version}{badge}  {status.status:<12} {time:>9}  {provides}"


def _describe_contents(status: PluginStatus) -> str:
    """Return the names that a plugin registers; without any, its hooks, or why it is not active."""
    registered = (*status.architectures, *status.tasks, *(f"{scheme}:" for scheme in status.readers))
    registered += tuple(f"protocol {name}" for name in status.protocols)
    return ", ".join(registered) or ", ".join(status.hooks) or status.message
