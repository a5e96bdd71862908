"""`benchmark run`: train what has no result yet, and write the leaderboard."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated

import typer

from archbench._declarations import Size
from archbench._planning import LoggerName
from archbench._suite import RunSettings
from archbench._suite._settings import ExecutorKind, Keep
from archbench.cli._carry_out import carry_out, make_request
from archbench.cli._completion import complete_entrant, complete_protocol
from archbench.cli._job_files import write_job_files
from archbench.cli._options import (
    DEFAULT_OUT,
    Blocked,
    DeviceName,
    DevicesPerTrial,
    DryRun,
    Json,
    Out,
    PerDeviceNumber,
    PluginFiles,
    Retry,
    Seeds,
    StrategyName,
    Tasks,
    Timeout,
    Workers,
    flag,
    load,
)

OrStudies = Annotated[
    list[str],
    typer.Argument(
        metavar="SELECTOR",
        help="Architectures: all, NAME, 'NAME[option=value,value]', or a pattern such as '*net'. Or studies, by name.",
        autocompletion=complete_entrant,
    ),
]
OtherProtocol = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        metavar="NAME|FILE",
        help="Rules of training: smoke, quick, standard, paper, or ./MINE.toml.",
        show_default="quick",
        autocompletion=complete_protocol,
    ),
]
SizeName = Annotated[
    Size | None, typer.Option("--size", help="Size of the studies: quick or full.", show_default="quick")
]
KeepName = Annotated[
    Keep | None,
    typer.Option(
        "--keep",
        help="Keep the trained networks: the weights that validation selected, the last ones, or none.",
        show_default="selected for your own data, else none",
    ),
]
LoggerChoice = Annotated[
    LoggerName | None,
    typer.Option("--logger", help="Let a logger of Lightning follow every trial.", show_default="none"),
]
SeedsTogether = Annotated[
    bool, flag("--seeds-together", "Train the seeds of a cell as one batched network where that is faster.")
]
ShardName = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Train share I of N, for N machines; see `benchmark merge`."),
]
ExecutorName = Annotated[
    ExecutorKind, typer.Option("--executor", help="Train on this machine, or on the nodes of a cluster.")
]
Address = Annotated[
    str | None,
    typer.Option("--address", metavar="HOST:PORT", help="A running Ray cluster.", show_default="Ray started here"),
]
Nodes = Annotated[int | None, typer.Option("--nodes", metavar="N", help="SLURM allocations at a time; 1 by default.")]


def _option(text: str) -> str:
    """Return a text of the form KEY=VALUE."""
    if not all(text.partition("=")):
        raise typer.BadParameter(f"{text!r} is no option of sbatch; give KEY=VALUE, such as partition=gpu")
    return text


Slurm = Annotated[
    list[str] | None,
    typer.Option(
        "--slurm",
        metavar="KEY=VALUE",
        help="Option of sbatch, such as partition=gpu, or time=240 in minutes; repeatable.",
        parser=_option,
    ),
]
Extend = Annotated[
    bool, flag("--extend", "Go on from finished trials with a smaller budget, if the learning rate is constant.")
]
WriteJobs = Annotated[
    Path | None,
    typer.Option(
        "--write-jobs", metavar="DIR", help="Train nothing; write a job file for each trial, for `archbench.worker`."
    ),
]
NoLive = Annotated[bool, flag("--no-live", "Build the page at the end only, not every minute.")]


def run(
    selectors: OrStudies, task: Tasks = None, protocol: OtherProtocol = None, size: SizeName = None,
    seeds: Seeds = None, shard: ShardName = None, out: Out = DEFAULT_OUT, workers: Workers = None,
    device: DeviceName = "auto", devices_per_trial: DevicesPerTrial = 1, timeout: Timeout = None,
    retry: Retry = False, keep: KeepName = None, extend: Extend = False, seeds_together: SeedsTogether = False,
    logger: LoggerChoice = None, executor: ExecutorName = "local", address: Address = None, nodes: Nodes = None,
    slurm: Slurm = None, write_jobs: WriteJobs = None, no_live: NoLive = False, dry_run: DryRun = False,
    plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False, per_device: PerDeviceNumber = None,
    strategy: StrategyName = "ddp",
) -> None:  # fmt: skip
    """Train what has no result yet, and write the leaderboard. The same command again continues an unfinished run."""
    from archbench._suite._live import SamePlugins

    live = None if no_live else SamePlugins(tuple(plugin or ()), tuple(no_plugin or ()))
    settings = RunSettings(
        out=out, device=device, devices_per_trial=devices_per_trial, workers=workers, timeout=timeout, retry=retry,
        keep=keep, extend=extend, logger=logger, executor=executor, address=address, nodes=nodes, live=live,
        slurm=dict(text.split("=", 1) for text in slurm or ()), seeds_together=seeds_together, per_device=per_device,
        strategy=strategy,
    )  # fmt: skip
    wanted = make_request(names=selectors, tasks=task, protocol=protocol, size=size, seeds=seeds, shard=shard)
    do = carry_out if write_jobs is None else functools.partial(write_job_files, folder=write_jobs)
    do(load(plugin, no_plugin), wanted, settings, dry_run=dry_run, json=json)
