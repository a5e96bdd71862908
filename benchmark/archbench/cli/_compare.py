"""`benchmark compare`: is one architecture better than another, or are they equivalent?"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from archbench._plugins import Plugins
from archbench._selection import choose_protocol
from archbench._suite import RunSettings
from archbench._suite._settings import MAX_SEEDS
from archbench.cli._options import (
    DEFAULT_OUT,
    Blocked,
    DeviceName,
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
    flag,
    load,
)
from archbench.cli._output import out_option, plugin_options

if TYPE_CHECKING:
    from archbench._suite._compare import Rules

Decide = Annotated[bool, flag("--decide", "Add seeds until the question is decided, wrongly in at most 5%.")]
MaxSeeds = Annotated[
    int | None,
    typer.Option("--max-seeds", metavar="N", help="Largest number of seeds of --decide.", show_default=str(MAX_SEEDS)),
]
Margin = Annotated[
    float | None,
    typer.Option(
        "--margin",
        metavar="X",
        help="Smallest difference that matters, in the unit of the metric; of ratios, the smallest factor.",
        show_default="set by each task",
    ),
]


def compare(
    selectors: Selectors,
    task: Tasks = None,
    protocol: ProtocolName = "quick",
    seeds: Seeds = None,
    decide: Decide = False,
    max_seeds: MaxSeeds = None,
    margin: Margin = None,
    out: Out = DEFAULT_OUT,
    workers: Workers = None,
    device: DeviceName = "auto",
    timeout: Timeout = None,
    retry: Retry = False,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Say which architecture is better, or that they are equivalent; train what has no result yet."""
    from archbench._suite._compare import make_rules

    settings = RunSettings(out=out, device=device, workers=workers, timeout=timeout, retry=retry)
    plugins = load(plugin, no_plugin)
    usual = choose_protocol(protocol, plugins.protocols).seeds
    rules = make_rules(seeds, usual, decide=decide, max_seeds=max_seeds, margin=margin)
    sys.exit(_carry_out(plugins, protocol, selectors, task, rules, settings, json=json))


def _carry_out(
    plugins: Plugins,
    protocol: str,
    selectors: list[str],
    tasks: list[str] | None,
    rules: Rules,
    settings: RunSettings,
    *,
    json: bool,
) -> int:
    """Train, compare and print; return the exit code: 1 if a trial or a plugin failed, else 0."""
    from archbench._suite._compare import carry_out_comparison
    from archbench._suite._progress import make_progress
    from archbench._suite._request import request_plan
    from archbench.cli._compare_output import show_comparison

    observer = make_progress()
    asked = choose_protocol(protocol, plugins.protocols)
    plan = request_plan(plugins, asked, selectors, tasks, seeds=rules.seeds, observer=observer)
    compared = carry_out_comparison(plan, rules, settings, plugins=plugins, observer=observer)
    again = _command(selectors, tasks, protocol, rules.margin, settings) + plugin_options(plugins)
    return show_comparison(compared, again + out_option(settings.out), json=json)


def _command(
    selectors: Sequence[str], tasks: Sequence[str] | None, protocol: str, margin: float | None, settings: RunSettings
) -> str:
    """Return the command that compares the same entrants on the same tasks, trained in the same way."""
    words = [*selectors, *(word for task in tasks or () for word in ("--task", task))]
    words += [] if protocol == "quick" else ["--protocol", protocol]
    words += [] if margin is None else ["--margin", f"{margin:.12g}"]  # another margin is another question
    words += [] if settings.device == "auto" else ["--device", settings.device]
    words += [] if settings.timeout is None else ["--timeout", f"{settings.timeout:.12g}"]
    return f"benchmark compare {shlex.join(words)}"
