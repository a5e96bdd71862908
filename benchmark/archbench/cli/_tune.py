"""`benchmark tune`: search a recipe for every entrant, with equally many trials, and evaluate the best."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from archbench._errors import ProtocolError
from archbench._protocols import Protocol, Tuning
from archbench._selection import choose_protocol
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

Trials = Annotated[int, typer.Option("--trials", metavar="N", help="Recipes to try, for each architecture and task.")]


def tune(
    selectors: Selectors,
    task: Tasks = None,
    protocol: ProtocolName = "quick",
    trials: Trials = 20,
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
    """Try N recipes for each architecture on each task, choose the best on validation, and train it on the seeds."""
    from archbench._suite._request import Request

    settings = RunSettings(out=out, device=device, workers=workers, timeout=timeout, retry=retry)
    plugins = load(plugin, no_plugin)
    rules = add_search(choose_protocol(protocol, plugins.protocols), trials)
    wanted = Request(names=selectors, tasks=task, protocol=rules, seeds=seeds)
    carry_out(plugins, wanted, settings, dry_run=dry_run, json=json)


def add_search(protocol: Protocol, trials: int) -> Protocol:
    """Return the protocol with a search for a recipe before the evaluation.

    Raises:
        ProtocolError: Optuna is not installed, the protocol has own recipes, or the number of trials is not positive.
    """
    from archbench._planning._search import require_optuna

    require_optuna()
    if protocol.recipe == "own":
        raise ProtocolError(f"{protocol.name} has the own recipe, which is trained as published; tune another protocol")
    if trials < 1:
        raise ProtocolError(f"--trials is {trials}; at least 1 is needed")
    return msgspec.structs.replace(protocol, tuning=Tuning(trials=trials))
