"""The suite from Python: `run`, `compare`, `reproduce`; and `read`, which only reads.

Importing it loads neither torch nor numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archbench._suite._live import SamePlugins
from archbench._suite._observer import Observer
from archbench._suite._results import Results
from archbench._suite._settings import DEFAULT_OUT, DeviceChoice, ExecutorKind, Keep, RunSettings, Strategy

if TYPE_CHECKING:
    from archbench._declarations import Size
    from archbench._execution import PerDevice
    from archbench._planning import LoggerName, Plan
    from archbench._plugins import Plugins
    from archbench._suite._certificate import Certificate
    from archbench._suite._compare import Compared

Names = str | Sequence[str]
Files = str | Path | Sequence[str | Path]


def run(
    architectures: Names = "all",
    *,
    tasks: Names | None = None,
    protocol: str | Path | None = None,
    size: Size | None = None,
    seeds: int | None = None,
    shard: str | None = None,
    out: str | Path = DEFAULT_OUT,
    workers: int | None = None,
    device: DeviceChoice = "auto",
    devices_per_trial: int = 1,
    strategy: Strategy = "ddp",
    per_device: PerDevice | None = None,
    timeout: float | None = None,
    retry: bool = False,
    keep: Keep | None = None,
    logger: LoggerName | None = None,
    executor: ExecutorKind = "local",
    address: str | None = None,
    nodes: int | None = None,
    slurm: Mapping[str, str | int] | None = None,
    extend: bool = False,
    live: bool = True,
    seeds_together: bool = False,
    plugin_files: Files = (),
    blocked_plugins: Names = (),
    observer: Observer | None = None,
) -> Results:
    """Train what has no record yet, write the leaderboard, and return the results: `benchmark run`, from Python.

    Trials run in processes of their own, so a script needs no `__main__` guard. Interrupting it (Ctrl-C, or the stop
    button of a notebook) ends the running trials and raises `KeyboardInterrupt`; every finished trial keeps its
    record, `archbench.read(out)` returns them, and the same call again goes on from there.

    Args:
        architectures: selectors, such as `"resnet-20"`, `"lstm[width=32,64]"`, `"*net"` or `"all"`; one or several. Or
            names of studies, which bring their own architectures, tasks and protocols.
        tasks: selectors of tasks, own data such as `"images:flowers"` among them; None for those of a default run.
        protocol: name of a built-in protocol, or the path of a TOML file; None for `quick`.
        size: of studies: `quick`, which is what None stands for, or `full`.
        seeds: seeds 0 to N-1; None for the number of the protocol.
        shard: the share of the trials that is trained here, such as `"1/4"` for the first of four; None for all.
        out: folder of the records and the leaderboard.
        workers: trials at a time; None for as many as there are GPUs, or cores.
        device: `auto`, `cpu`, `cuda` or `mps`.
        devices_per_trial: number of devices that train each trial together, in a process each.
        strategy: `ddp`, each of these devices keeps all weights, or `fsdp`, each keeps its part of them, for networks
            that are too large for one.
        per_device: trials at a time on each GPU, or on a CPU in all, instead of `workers`; `"auto"` measures how many.
        timeout: seconds after which a trial is ended; None for the limit of the protocol.
        retry: repeat trials that did not end ok.
        keep: which weights of each trial to keep, `selected` by validation, `last` or `none`; None for `selected` on
            own data and for none elsewhere. `archbench.load` returns the network.
        logger: `tensorboard`, `csv`, `mlflow` or `wandb`, which then follows every trial; None for none.
        executor: `local` trains on this machine, `ray` and `slurm` on a cluster, as docs/clusters.md explains.
        address: of a running Ray cluster, `"HOST:PORT"` or `"auto"`; None starts Ray on this machine.
        nodes: allocations of SLURM at a time; None for one.
        slurm: options of sbatch, such as `{"partition": "gpu", "time": 240}`; `time` is in minutes.
        extend: go on from finished trials with a smaller budget, where the schedule allows; see `docs/running.md`.
        live: build the page again every minute while trials train.
        seeds_together: train the seeds of a cell as one batched network where that is faster; the records say so.
        plugin_files: one-file plugins to load as well; one or several.
        blocked_plugins: distributions or entry points that are not even imported; one or several.
        observer: is told what happens; None for a progress display on standard error, `Observer()` for silence.

    Returns:
        The records of everything that was asked for, and the leaderboard of the folder. A trial that fails is a
        record with another status than `ok`, not an exception.

    Raises:
        ArchbenchError: what was asked for cannot be carried out; the class says why, as in `archbench._errors`.
        KeyboardInterrupt: the run was interrupted.
    """
    from archbench._suite._progress import make_progress
    from archbench._suite._request import Request
    from archbench._suite._studies import make_plan

    observer = make_progress() if observer is None else observer
    settings = RunSettings(
        out=_folder(out), device=device, devices_per_trial=devices_per_trial, workers=workers, timeout=timeout,
        retry=retry, keep=keep, logger=logger, executor=executor, address=address, nodes=nodes, extend=extend,
        slurm={name: str(value) for name, value in (slurm or {}).items()}, seeds_together=seeds_together,
        per_device=per_device, strategy=strategy,
        live=SamePlugins(tuple(_paths(plugin_files)), tuple(_listed(blocked_plugins))) if live else None,
    )  # fmt: skip
    plugins = load_all_plugins(observer, plugin_files, blocked_plugins)
    names, chosen = _named(architectures, "architectures"), None if tasks is None else _named(tasks, "tasks")
    wanted = Request(names=names, tasks=chosen, protocol=protocol, size=size, seeds=seeds, shard=shard)
    planned = make_plan(plugins, wanted, observer)
    from archbench._suite._run import Run

    made = Run(planned.plan, settings, plugins=planned.plugins, observer=observer, studies=planned.studies)
    try:
        return made.carry_out()
    except KeyboardInterrupt:
        if standing := made.standing():
            observer.interrupted(standing.finished, standing.total, made.store.root)
        raise


def compare(
    architectures: Names,
    *,
    tasks: Names | None = None,
    protocol: str | Path = "quick",
    seeds: int | None = None,
    decide: bool = False,
    max_seeds: int | None = None,
    margin: float | None = None,
    out: str | Path = DEFAULT_OUT,
    workers: int | None = None,
    device: DeviceChoice = "auto",
    timeout: float | None = None,
    retry: bool = False,
    plugin_files: Files = (),
    blocked_plugins: Names = (),
    observer: Observer | None = None,
) -> Compared:
    """Say which architecture is better, or that they are equivalent: `benchmark compare`, from Python.

    Trains what has no record yet, as `run` does, whose arguments are not repeated here.

    Args:
        architectures: selectors of two architectures or more.
        tasks: see `run`; tasks that some of the architectures cannot take are left out.
        protocol, out, workers, device, timeout, retry, plugin_files, blocked_plugins, observer: see `run`.
        seeds: a fixed number of seeds, at least 3; None for the number of the protocol.
        decide: add seeds from the third on until every pair is decided, wrongly in at most 5%.
        max_seeds: where `decide` ends; None for 10.
        margin: smallest difference that matters, in the unit of each metric, or where tasks are compared by ratios the
            smallest factor; None for what the tasks declare.

    Returns:
        A comparison for each task (`tasks`), and of the mean over several (`overall`); `answer` is the one that counts.

    Raises:
        ArchbenchError: what was asked for cannot be carried out; the class says why, as in `archbench._errors`.
        KeyboardInterrupt: the run was interrupted; finished trials keep their records.
    """
    from archbench._selection import choose_protocol
    from archbench._suite._compare import carry_out_comparison, make_rules
    from archbench._suite._progress import make_progress

    observer = make_progress() if observer is None else observer
    settings = RunSettings(out=_folder(out), device=device, workers=workers, timeout=timeout, retry=retry)
    plugins = load_all_plugins(observer, plugin_files, blocked_plugins)
    usual = choose_protocol(protocol, plugins.protocols).seeds
    rules = make_rules(seeds, usual, decide=decide, max_seeds=max_seeds, margin=margin)
    plan = _make_plan(plugins, observer, architectures, tasks, protocol, rules.seeds)
    return carry_out_comparison(plan, rules, settings, plugins=plugins, observer=observer)


def reproduce(
    target: str | Path = DEFAULT_OUT,
    *,
    sample: int | None = None,
    seed: int = 0,
    tasks: Names = (),
    out: str | Path | None = None,
    workers: int | None = None,
    device: DeviceChoice = "auto",
    timeout: float | None = None,
    plugin_files: Files = (),
    blocked_plugins: Names = (),
    observer: Observer | None = None,
) -> Certificate:
    """Train records again, and say whether the numbers come out again: `benchmark reproduce`, from Python.

    The records are read and never written: what is trained again goes into a temporary folder.

    Args:
        target: a folder that holds `records/`, the file of a record, or the first digits of an id in a folder.
        sample: records to draw at random, spread over cells; None for all.
        seed: of the draw.
        tasks: own files that records need, such as `"images:flowers"`; the other tasks are named by the records.
        out: the file that takes the certificate as JSON; None for none.
        workers, timeout, plugin_files, blocked_plugins, observer: see `run`.
        device: `auto` for the kind of device that each record is of, `cpu`, `cuda` or `mps`.

    Returns:
        The certificate; `reproduced` says whether all of it was, and `checks` has one entry for each record.

    Raises:
        ArchbenchError: what was asked for cannot be carried out; the class says why, as in `archbench._errors`.
        KeyboardInterrupt: it was interrupted; nothing is kept.
    """
    from archbench._suite import _reproduce
    from archbench._suite._progress import make_progress

    observer = make_progress() if observer is None else observer
    settings = RunSettings(device=device, workers=workers, timeout=timeout, keep="none")
    drawn = "" if sample is None else f", sample={sample}, seed={seed}"
    wanted = _reproduce.Wanted(
        target=str(target),
        sample=sample,
        seed=seed,
        own_data=_listed(tasks),
        certificate=None if out is None else Path(out),
        command=f"archbench.reproduce({str(target)!r}{drawn})",
    )
    plugins = load_all_plugins(observer, plugin_files, blocked_plugins)
    return _reproduce.reproduce(wanted, settings, plugins=plugins, observer=observer)


def read(folder: str | Path = DEFAULT_OUT) -> Results:
    """Return the records of a folder and the leaderboard they give. Trains and writes nothing.

    Args:
        folder: what a run wrote; the folder that holds `records/`.

    Returns:
        All its records. Files that are no valid records are listed in `set_aside`, and stay where they are; those that
        a newer version wrote, in `newer`.

    Raises:
        StoreError: there is no such folder, or it cannot be read.
    """
    from archbench._errors import StoreError
    from archbench._records import SetAside, Store, folder_exists, printable

    root = Path(folder)
    if not folder_exists(root):
        raise StoreError(f"there is no folder {root}; run archbench.run first, or give the folder that it wrote")
    store = Store(root)
    found, broken = store.scan()
    return Results(
        out=root,
        records=tuple(record for record in found.values() if not record.trial.tuning),
        tuning_records=tuple(record for record in found.values() if record.trial.tuning),
        refused=tuple(store.refused),
        set_aside=tuple(SetAside(printable(path.name), reason) for path, reason in broken),
        newer=store.newer,
    )


def load_all_plugins(observer: Observer, files: Files, blocked: Names) -> Plugins:
    """Return the plugins that are installed and those of files; the observer is told of what is wrong with some."""
    from archbench._plugins import load_plugins, plugins_from_environment

    plugins = load_plugins(files=_paths(files), blocked=_listed(blocked), only=plugins_from_environment())
    for problem in plugins.problems:
        observer.problem_found(problem)
    return plugins


def _make_plan(
    plugins: Plugins,
    observer: Observer,
    architectures: Names,
    tasks: Names | None,
    protocol: str | Path,
    seeds: int | None,
) -> Plan:
    from archbench._selection import choose_protocol
    from archbench._suite._request import request_plan

    selectors, chosen = _named(architectures, "architectures"), None if tasks is None else _named(tasks, "tasks")
    rules = choose_protocol(protocol, plugins.protocols)
    return request_plan(plugins, rules, selectors, chosen, seeds=seeds, observer=observer)


def _named(names: Names, what: str) -> list[str]:
    """Return one or several selectors as a list; raise if there is none, as that would be a run of something else."""
    from archbench._errors import SelectionError

    listed = _listed(names)
    if not listed:
        alternative = "leave it out for those of a default run" if what == "tasks" else "give 'all' for all"
        raise SelectionError(f"{what} is empty; name one at least, or {alternative}")
    return listed


def _listed(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _paths(files: Files) -> list[Path]:
    """Return one or several files as a list."""
    return [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]


def _folder(out: str | Path) -> Path:
    from archbench._errors import SelectionError

    if out == "":
        raise SelectionError("out is ''; name a folder, or '.' for this one")
    return Path(out)
