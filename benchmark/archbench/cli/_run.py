"""`benchmark run`: train what has no result yet, and write the leaderboard."""

from __future__ import annotations

from archbench._protocols._toml import get_protocol
from archbench._suite import RunSettings
from archbench.cli._carry_out import carry_out
from archbench.cli._options import (
    DEFAULT_OUT,
    Blocked,
    DeviceName,
    DryRun,
    Json,
    Out,
    PluginFiles,
    ProtocolName,
    Retry,
    Seeds,
    Selectors,
    Tasks,
    Timeout,
    Workers,
    load,
)


def run(
    selectors: Selectors,
    task: Tasks = None,
    protocol: ProtocolName = "quick",
    seeds: Seeds = None,
    out: Out = DEFAULT_OUT,
    workers: Workers = None,
    device: DeviceName = "auto",
    timeout: Timeout = None,
    retry: Retry = False,
    dry_run: DryRun = False,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Train what has no result yet, and write the leaderboard. The same command again continues an unfinished run."""
    settings = RunSettings(out=out, device=device, workers=workers, timeout=timeout, retry=retry)
    plugins = load(plugin, no_plugin)
    carry_out(plugins, get_protocol(protocol), selectors, task, seeds, settings, dry_run=dry_run, json=json)
