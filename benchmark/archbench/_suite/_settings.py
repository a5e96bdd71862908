"""How a run is carried out, beside what it trains."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from archbench._errors import SelectionError
from archbench._suite._loggers import require_logger

if TYPE_CHECKING:
    from archbench._execution import PerDevice
    from archbench._planning import LoggerName, PlannedTrial
    from archbench._records import Weights
    from archbench._suite._live import SamePlugins

DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
Keep = Literal["selected", "last", "none"]

Strategy = Literal["ddp", "fsdp"]

ExecutorKind = Literal["local", "ray", "slurm"]

DEFAULT_OUT = Path("leaderboard")

_ADDRESS = re.compile(r"auto|[^\s/:]+:\d{1,5}|\[[0-9a-fA-F:.]+\]:\d{1,5}")

MAX_SEEDS = 10
"""Where a sequential comparison ends if nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How a run is carried out. None of it changes a result, but that devices and seeds together round differently.

    Args:
        out: folder of the records and the leaderboard.
        device: where to train; `auto` takes the GPUs of CUDA if there are any; `mps` is the GPU of a Mac.
        workers: trials at a time; None for as many as there are GPUs, or cores.
        devices_per_trial: number of devices that train one trial together.
        strategy: `ddp`, every device of a trial keeps all weights, or `fsdp`, each keeps its part of them.
        per_device: trials at a time on each GPU, or on a CPU in all, instead of `workers`; `auto` measures how many.
        timeout: seconds after which a trial is ended; None for the limit of the protocol.
        retry: repeat trials that did not end ok.
        executor: `local` for this machine, `ray` or `slurm` for a cluster.
        address: of a running Ray cluster, `HOST:PORT` or `auto`; None to start Ray on this machine.
        nodes: allocations of SLURM at a time; None for one.
        slurm: options of sbatch, by name, such as `partition`; `time` is in minutes.
        keep: which weights of every trial to keep, `selected`, `last` or `none`; None for `selected` where people's
            own data are trained on, and for none elsewhere.
        logger: `tensorboard`, `csv`, `mlflow` or `wandb`, which then follows every trial; None for none.
        live: the plugins of the run, if the page is built again while it trains; None to build it at the end only.
        extend: go on from trials with a smaller budget that are otherwise equal, and keep what that needs.
        seeds_together: train seeds of a cell in one process, as one batched network, where that is faster.

    Raises:
        SelectionError: a value is not allowed.
    """

    out: Path = DEFAULT_OUT
    device: DeviceChoice = "auto"
    workers: int | None = None
    devices_per_trial: int = 1
    strategy: Strategy = "ddp"
    per_device: PerDevice | None = None
    timeout: float | None = None
    retry: bool = False
    keep: Keep | None = None
    logger: LoggerName | None = None
    executor: ExecutorKind = "local"
    address: str | None = None
    nodes: int | None = None
    slurm: Mapping[str, str] = field(default_factory=dict)
    live: SamePlugins | None = None
    extend: bool = False
    seeds_together: bool = False

    def __post_init__(self) -> None:
        if self.keep not in (None, *get_args(Keep)):
            raise SelectionError(f"`keep` is {self.keep!r}; give one of {', '.join(get_args(Keep))}")
        if self.logger is not None:
            require_logger(self.logger)
        if self.device not in get_args(DeviceChoice):
            raise SelectionError(f"`device` is {self.device!r}; give one of {', '.join(get_args(DeviceChoice))}")
        if self.timeout is not None and not self.timeout > 0:
            raise SelectionError(f"`timeout` is {self.timeout:g}; give a positive number of seconds")
        if self.workers is not None and self.workers < 1:
            raise SelectionError(f"`workers` is {self.workers}; at least 1 is needed")
        if self.devices_per_trial < 1:
            raise SelectionError(f"`devices_per_trial` is {self.devices_per_trial}; at least 1 is needed")
        self._check_strategy()
        self._check_per_device()
        self._check_executor()

    @property
    def sharded(self) -> bool:
        """True if each device of a trial keeps its part of the weights only."""
        return self.strategy == "fsdp"

    def _check_strategy(self) -> None:
        if self.strategy not in get_args(Strategy):
            raise SelectionError(f"`strategy` is {self.strategy!r}; give one of {', '.join(get_args(Strategy))}")
        if self.sharded and self.devices_per_trial == 1:
            raise SelectionError(
                "`strategy` is 'fsdp', which shards weights over the devices of a trial, and `devices_per_trial` is 1; "
                "give 2 at least, or leave out `strategy`"
            )

    def _check_per_device(self) -> None:
        number = self.per_device
        if number is None:
            return
        if number != "auto" and not (isinstance(number, int) and number >= 1):
            raise SelectionError(f"`per_device` is {number!r}; give a number of trials, at least 1, or auto")
        if self.workers is not None:
            raise SelectionError(
                f"`workers` is {self.workers} and `per_device` is {number}, and both say how many trials run at a "
                "time; leave one out"
            )
        if self.devices_per_trial > 1:
            raise SelectionError(
                f"`devices_per_trial` is {self.devices_per_trial} and `per_device` is {number}: a trial takes several "
                "devices, or a device several trials; leave one out"
            )
        if number == "auto" and self.executor != "local":
            raise SelectionError(
                f"`per_device` is auto, which is measured on this machine, and `executor` is {self.executor!r}; give "
                "the number of trials for each device of a node"
            )

    def _check_executor(self) -> None:
        if self.executor not in get_args(ExecutorKind):
            raise SelectionError(f"`executor` is {self.executor!r}; give one of {', '.join(get_args(ExecutorKind))}")
        if self.address is not None and self.executor != "ray":
            raise SelectionError(f"`address` is {self.address!r}, which is for Ray; add `executor` ray")
        if self.address is not None and not _ADDRESS.fullmatch(self.address):
            raise SelectionError(f"`address` is {self.address!r}; give HOST:PORT or auto, on a machine of the cluster")
        if (self.nodes is not None or self.slurm) and self.executor != "slurm":
            raise SelectionError("`nodes` and `slurm` are for SLURM; add `executor` slurm")
        if self.nodes is not None and self.nodes < 1:
            raise SelectionError(f"`nodes` is {self.nodes}; at least 1 is needed")
        if not self.slurm.get("time", "1").isdigit():
            raise SelectionError(f"time of `slurm` is {self.slurm['time']!r}; give whole minutes, such as time=240")
        given = {"`logger`": self.logger, "`extend`": self.extend, "`seeds_together`": self.seeds_together}
        local = [name for name, value in given.items() if value]
        if local and self.executor != "local":
            raise SelectionError(f"{local[0]} is for trials of this machine; leave it out, or `executor`")
        if self.extend and self.devices_per_trial > 1:
            raise SelectionError(
                f"`devices_per_trial` is {self.devices_per_trial}, and `extend` keeps the state of one; leave one out"
            )
        if self.seeds_together and (self.devices_per_trial > 1 or len(local) > 1):
            other = "`devices_per_trial`" if self.devices_per_trial > 1 else local[0]
            raise SelectionError(f"{other} is for trials that train one by one; leave it out, or `seeds_together`")
        if self.executor != "local":
            from archbench._execution import require  # commands that train nothing should not pay for it

            require(self.executor)

    def weights_of(self, planned: PlannedTrial) -> Weights | None:
        """Return which weights of a trial to keep."""
        if planned.trial.tuning or self.keep == "none":
            return None
        own = planned.cell.task.registered.own_data is not None
        return self.keep or ("selected" if own else None)
