"""`benchmark run`: train what has no result yet, and write the leaderboard."""

from __future__ import annotations

from typing import Annotated

import typer

from archbench._declarations import Size
from archbench._suite import RunSettings
from archbench._suite._settings import ExecutorKind, Keep
from archbench.cli._carry_out import carry_out
from archbench.cli._options import (
    DEFAULT_OUT,
    Blocked,
    DeviceName,
    DryRun,
    Json,
    Out,
    PluginFiles,
    Retry,
    Seeds,
    Tasks,
    Timeout,
    Workers,
    load,
)

OrStudies = Annotated[
    list[str],
    typer.Argument(
        metavar="SELECTOR",
        help="Architectures: all, NAME, 'NAME[option=value,value]', or a pattern such as '*net'. Or studies, by name.",
    ),
]
OtherProtocol = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        metavar="NAME|FILE",
        help="Rules of training: smoke, quick, standard, paper, or ./MINE.toml.",
        show_default="quick",
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


def run(
    selectors: OrStudies, task: Tasks = None, protocol: OtherProtocol = None, size: SizeName = None,
    seeds: Seeds = None, shard: ShardName = None, out: Out = DEFAULT_OUT, workers: Workers = None,
    device: DeviceName = "auto", timeout: Timeout = None, retry: Retry = False, keep: KeepName = None,
    executor: ExecutorName = "local", address: Address = None, nodes: Nodes = None, slurm: Slurm = None,
    dry_run: DryRun = False, plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False,
) -> None:  # fmt: skip
    """Train what has no result yet, and write the leaderboard. The same command again continues an unfinished run."""
    from archbench._suite._request import Request

    settings = RunSettings(
        out=out, device=device, workers=workers, timeout=timeout, retry=retry, keep=keep,
        executor=executor, address=address, nodes=nodes, slurm=dict(text.split("=", 1) for text in slurm or ()),
    )  # fmt: skip
    wanted = Request(names=selectors, tasks=task, protocol=protocol, size=size, seeds=seeds, shard=shard)
    carry_out(load(plugin, no_plugin), wanted, settings, dry_run=dry_run, json=json)
