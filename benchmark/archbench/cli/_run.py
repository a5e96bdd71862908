"""`benchmark run`: train what is not trained yet, and write the leaderboard."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from archbench._plugins import Plugins
from archbench._protocols import Protocol
from archbench._protocols._toml import get_protocol
from archbench._records import Record
from archbench._suite import Results, RunSettings
from archbench._suite._settings import DeviceChoice
from archbench.cli._options import (
    DEFAULT_OUT,
    Blocked,
    Json,
    Out,
    PluginFiles,
    load,
    out_option,
    print_json,
)
from archbench.cli._signals import Stopped, leave

Selectors = Annotated[
    list[str],
    typer.Argument(metavar="SELECTOR...", help="all, NAME, 'NAME\\[option=value,value]', or a pattern such as '*net'."),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        metavar="SELECTOR",
        help="Only these tasks, or all, or your own files as images:PATH; repeatable. Default: a core set, see list.",
    ),
]
ProtocolName = Annotated[
    str, typer.Option("--protocol", metavar="NAME|FILE", help="smoke, quick, standard, paper, or ./MINE.toml.")
]
Seeds = Annotated[int | None, typer.Option("--seeds", metavar="N", help="Seeds 0 to N-1. Default: the protocol's.")]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", help="Trials at a time. Default: GPUs, or cores.")
]
DeviceName = Annotated[DeviceChoice, typer.Option("--device", help="Where to train.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", help="Limit for one trial. Default: the protocol's.")
]
Retry = Annotated[bool, typer.Option("--retry", help="Repeat trials that did not end ok.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the matrix and what it will cost; keep nothing.")]


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
    """Train what is not trained yet and write the leaderboard. The same command again goes on where it was."""
    settings = RunSettings(out=out, device=device, workers=workers, timeout=timeout, retry=retry)
    plugins = load(plugin, no_plugin)
    carry_out(plugins, get_protocol(protocol), selectors, task, seeds, settings, dry_run=dry_run, json=json)


def carry_out(
    plugins: Plugins,
    protocol: Protocol,
    selectors: list[str],
    tasks: list[str] | None,
    seeds: int | None,
    settings: RunSettings,
    *,
    dry_run: bool,
    json: bool,
) -> None:
    """Carry out, or only forecast, what one call of `run` or of `tune` asks for."""
    from archbench._suite._progress import make_progress
    from archbench._suite._request import request_plan
    from archbench._suite._run import Run

    observer = make_progress()
    plan = request_plan(plugins, protocol, selectors, tasks, seeds=seeds, observer=observer)
    if dry_run:
        from archbench.cli._forecast import show_forecast

        show_forecast(plan, settings, observer, json=json)
    else:
        _finish(_train(Run(plan, settings, plugins=plugins, observer=observer)), json=json)


def _train(run: Any) -> Results:
    """Carry out a run; after a signal, say how to go on and leave."""
    try:
        results: Results = run.carry_out()
    except Stopped as stop:
        standing, out = run.standing(), run.store.root
        leave(
            stop.number,
            f"Stopped. {standing.finished} of {standing.total} trials are finished and kept in {out}; the same command "
            f"goes on from there, `benchmark leaderboard{out_option(out)}` shows what there is.",
        )
    return results


def _finish(results: Results, *, json: bool) -> NoReturn:
    """Print what came of a run, and exit with the code that says so."""
    broken = [problem for problem in results.problems if problem.fatal]
    code = 1 if results.failures or broken else 0
    if json:
        print_json(_summary(results, code))
    else:
        from archbench.cli._tables import print_results

        print_results(results.records, results.out)
    for record in results.failures:
        print(f"{record.status}: {record.trial}: {record.message}", file=sys.stderr)
    for problem in broken:
        print(f"problem: {problem.plugin}: {problem.message}", file=sys.stderr)
    if results.failures:
        count = f"{len(results.failures)} of {len(results.records)}"
        print(f"{count} trials did not end ok; --retry repeats them.", file=sys.stderr)
    if broken:
        advice = "see `benchmark plugins`, leave one out with --no-plugin."
        print(f"Some plugins did not load fully; {advice}", file=sys.stderr)
    sys.exit(code)


def _summary(results: Results, code: int) -> dict[str, Any]:
    return {
        "exit_code": code,
        "out": str(results.out),
        "trained": results.trained,
        "files": results.files,
        "set_aside": [str(item) for item in results.set_aside],
        "problems": [{"plugin": p.plugin, "message": p.message, "fatal": p.fatal} for p in results.problems],
        "trials": _describe_trials(results.records),
        "tuning": _describe_tuning(results.tuning_records),
    }


def _describe_trials(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [
        {
            "id": record.id,
            "architecture": record.trial.architecture.label,
            "task": record.trial.task.label,
            "seed": record.trial.seed,
            "status": record.status,
            "message": record.message,
            "test": None if record.scores is None else record.scores.test,
            "metric": record.task_facts.metric,
        }
        for record in records
    ]


def _describe_tuning(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [
        {
            "id": record.id,
            "architecture": record.trial.architecture.label,
            "task": record.trial.task.label,
            "seed": record.trial.seed,
            "recipe": record.trial.settings.words(),
            "status": record.status,
            "validation": record.validation,
        }
        for record in records
    ]
