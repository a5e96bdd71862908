"""Executors: where the trials of a run are trained. One interface for this machine, for Ray and for SLURM."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from archbench._execution._capacity import available_cores
from archbench._execution._fitness import expect_here
from archbench._execution._messages import NodeSettings
from archbench._execution._pool import Pool
from archbench._execution._sharing import PerDevice, Sharing
from archbench._execution._sharing_probe import open_shared_pool
from archbench._execution._supervisor import execute
from archbench._planning import Device, LoggerName, PlannedTrial
from archbench._plugins import PluginSource
from archbench._records import Record, Store, Weights


class Executor(Protocol):
    """A place where trials are trained, open until it is closed."""

    def execute(
        self,
        planned: Sequence[PlannedTrial],
        store: Store,
        *,
        timeout: float | None,
        keep: Callable[[Any], Weights | None] = lambda planned: None,
        on_start: Callable[[Any], None] = lambda planned: None,
        on_tick: Callable[[], None] = lambda: None,
    ) -> Generator[Record, None, None]:
        """Run trials and yield their records, which are in the store then; see `_supervisor.execute`."""

    def close(self) -> None:
        """End whatever still runs, and free the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A request of a run for an executor.

    Args:
        kind: `local`, `ray` or `slurm`.
        root: the output folder.
        device: `auto`, `cpu` or `cuda`.
        workers: trials at a time on each machine; None for one per GPU, or else per core.
        per_device: trials at a time on each GPU, or on the CPU in all; None where `workers` says how many.
        sample: the trial to measure that number with, where it is `auto`.
        per_trial: devices that train one trial together.
        sharded: each of these keeps its part of the weights only.
        logger: which logger follows the trials of this machine.
        extend: trials of this machine go on from those with a smaller budget.
        seeds_together: seeds of a cell train in one process, as one batched network, where that is faster.
        timeout: seconds after which a trial is ended; None for the limit of its protocol.
        libraries: modules to load before the first trial.
        address: of a Ray cluster; None to start one here.
        nodes: allocations of SLURM at a time.
        slurm: options of sbatch.
        sources: of the plugins that the run needs.
        paths: of people's own files that it reads.
        informed: is told how seeds are trained, in a line.
        ready: is told the devices when they are there or change, and why trials start slowly, if they do.
        warned: is told what goes wrong on a node, in a line.
        waiting: called at least twice a second while nodes get ready.
        meanwhile: work for the process of the run while libraries are loaded on this machine.
        shared: is told how many trials share a device, unless `workers` says how many run.
    """

    kind: str = "local"
    root: Path
    device: str = "auto"
    workers: int | None = None
    per_device: PerDevice | None = None
    sample: PlannedTrial | None = None
    per_trial: int = 1
    sharded: bool = False
    logger: LoggerName | None = None
    extend: bool = False
    seeds_together: bool = False
    timeout: float | None = None
    libraries: Sequence[str] = ()
    address: str | None = None
    nodes: int = 1
    slurm: Mapping[str, str] = field(default_factory=dict)
    sources: Sequence[PluginSource] = ()
    paths: Sequence[str] = ()
    ready: Callable[[Sequence[Device], str], None] = lambda devices, warning: None
    warned: Callable[[str], None] = lambda line: None
    informed: Callable[[str], None] = lambda line: None
    waiting: Callable[[], None] = lambda: None
    meanwhile: Callable[[], None] = lambda: None
    shared: Callable[[Sharing], None] = lambda sharing: None


class LocalExecutor:
    """Trains on this machine.

    Args:
        pool: the launcher and the devices.
        wanted: how trials are trained.
    """

    def __init__(self, pool: Pool, wanted: Wanted) -> None:
        self.pool, self.wanted = pool, wanted

    def execute(self, planned: Sequence[PlannedTrial], store: Store, **how: Any) -> Generator[Record, None, None]:
        """Run trials and yield their records as they finish."""
        wanted = self.wanted
        return execute(
            planned,
            store,
            self.pool,
            logger=wanted.logger,
            extend=wanted.extend,
            seeds_together=wanted.seeds_together,
            on_news=wanted.informed,
            **how,
        )

    def close(self) -> None:
        """Do nothing: the server that trials are forked from ends with this process."""


def open_executor(wanted: Wanted) -> Executor:
    """Return the executor that a run wants; it can train at once.

    Raises:
        ClusterError: an extra is missing, the cluster cannot be reached, or a node is not fit for the run.
        DeviceError: the device asked for is not there.
    """
    if wanted.kind != "local" and isinstance(wanted.per_device, int):
        wanted.shared(Sharing(asked=wanted.per_device, trials=wanted.per_device, device=wanted.device))
    if wanted.kind == "ray":
        return _open_ray(wanted)
    if wanted.kind == "slurm":
        from archbench._execution._slurm import SlurmExecutor

        return SlurmExecutor(wanted)
    pool, sharing = open_shared_pool(
        device=wanted.device,
        workers=wanted.workers,
        per_trial=wanted.per_trial,
        sharded=wanted.sharded,
        per_device=wanted.per_device,
        libraries=wanted.libraries,
        sample=wanted.sample,
        tick=wanted.waiting,
        meanwhile=wanted.meanwhile,
    )
    if sharing is not None:
        wanted.shared(sharing)
    wanted.ready(pool.devices, pool.warning)
    return LocalExecutor(pool, wanted)


def require(kind: str) -> None:
    """Raise if what an executor needs is not installed, before anything else is done.

    Raises:
        ClusterError: it says how to install it.
    """
    if kind == "ray":
        from archbench._execution._ray import require_ray

        require_ray()
    elif kind == "slurm":
        from archbench._execution._sbatch import require_slurm

        require_slurm()


def settings_of(wanted: Wanted) -> NodeSettings:
    """Return how the machines of a cluster train for a run."""
    return NodeSettings(
        root=str(wanted.root.absolute()),
        device=wanted.device,
        workers=wanted.workers,
        per_device=wanted.per_device if isinstance(wanted.per_device, int) else None,
        per_trial=wanted.per_trial,
        sharded=wanted.sharded,
        timeout=wanted.timeout,
        libraries=list(wanted.libraries),
        environment={name: value for name, value in os.environ.items() if name.startswith("ARCHBENCH_")},
    )


def _open_ray(wanted: Wanted) -> Executor:
    from archbench._execution._messages import Connect
    from archbench._execution._nodes import NodesExecutor
    from archbench._execution._ray import RayLink

    expected = expect_here(wanted.sources, wanted.paths)
    connect = Connect(address=wanted.address, cores=available_cores(), expected=expected, node=settings_of(wanted))
    return NodesExecutor(RayLink(connect), ready=wanted.ready, warned=wanted.warned, waiting=wanted.waiting)
