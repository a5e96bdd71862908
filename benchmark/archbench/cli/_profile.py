"""`benchmark profile ARCH --task T`: where a training step goes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from archbench.cli._options import Blocked, DeviceName, Json, PluginFiles, ProtocolName, load

Name = Annotated[str, typer.Argument(metavar="ARCH", help="One architecture: NAME or 'NAME[option=value]'.")]
TaskName = Annotated[
    list[str], typer.Option("--task", metavar="NAME", help="One task, or your own files as images:PATH.")
]
Threads = Annotated[
    int | None, typer.Option("--threads", metavar="N", min=1, help="CPU threads.", show_default="as in a run")
]
Steps = Annotated[int, typer.Option("--steps", metavar="N", min=1, help="Steps to measure, after 10 of warm-up.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of the trial.")]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0, help="End the measuring after this time.")
]
Layers = Annotated[int, typer.Option("--layers", metavar="N", min=0, help="Layers to show, the slowest first.")]
Trace = Annotated[
    Path | None, typer.Option("--trace", metavar="FILE.json", help="Write a trace of a few steps, for Perfetto.")
]
Flame = Annotated[Path | None, typer.Option("--flame", metavar="FILE.html", help="Write a flame graph.")]


def profile(
    arch: Name,
    task: TaskName,
    protocol: ProtocolName = "quick",
    device: DeviceName = "auto",
    threads: Threads = None,
    steps: Steps = 30,
    seed: Seed = 0,
    timeout: Timeout = 600.0,
    layers: Layers = 15,
    trace: Trace = None,
    flame: Flame = None,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Show where a training step goes: time by phase and layer, memory, and FLOP/s against the peak of the device."""
    from archbench._suite._profile import ProfileSettings  # the measurement and its tables: not for other verbs
    from archbench.cli._profile_output import measure, show

    settings = ProfileSettings(seed=seed, device=device, threads=threads, steps=steps, timeout=timeout, trace=trace)
    found = measure(load(plugin, no_plugin), protocol, arch, task, settings, flame)
    sys.exit(show(found, layers, json=json))
