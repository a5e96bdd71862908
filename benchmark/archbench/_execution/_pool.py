"""The pool: the launcher that works on this machine, and the devices that trials may use."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from archbench._execution._capacity import (
    Capacity,
    available_cores,
    cores_to_bind,
    describe_in_fresh_process,
    share_devices,
    spread,
)
from archbench._execution._cuda_service import describe_slicing
from archbench._execution._launchers import PROBE_SECONDS, ForkserverLauncher, Launcher, SubprocessLauncher
from archbench._planning import Device


@dataclass(frozen=True, slots=True)
class Pool:
    """The launcher and the devices of a run.

    Args:
        launcher: starts one process per trial.
        devices: one per trial that runs at a time.
        warning: why trials start slowly here, or wait for each other; empty if they do not.
        gpus: names of the CUDA devices.
    """

    launcher: Launcher
    devices: list[Device]
    warning: str = ""
    gpus: Sequence[str] = ()


def open_pool(
    *,
    device: str,
    workers: int | None,
    per_trial: int = 1,
    sharded: bool = False,
    per_device: int | None = None,
    libraries: Sequence[str] = (),
    meanwhile: Callable[[], None] = lambda: None,
) -> Pool:
    """Start the server that trials are forked from and check that forking is safe; else fall back to fresh processes.

    Args:
        device: `auto`, `cpu` or `cuda`.
        workers: trials at a time; None for as many as the devices allow.
        per_trial: number of devices that train one trial together.
        sharded: whether each of these keeps its part of the weights only.
        per_device: trials at a time on each GPU, or on the CPU in all; None where `workers` says how many.
        libraries: further modules to import in the server.
        meanwhile: work for this process while the server imports, which takes seconds.

    Raises:
        DeviceError: the device asked for is not on this machine.
    """
    launcher, capacity, warning = _find_launcher(libraries, meanwhile)
    devices = share_devices(capacity, device=device, workers=workers, per_trial=per_trial, sharded=sharded)
    pool = Pool(launcher, devices, warning, capacity.gpus)
    return with_slicing(pool) if per_device is None else with_sharing(pool, per_device)


def with_slicing(pool: Pool) -> Pool:
    """Return a pool that also warns of GPUs that serve their trials in turn."""
    return replace(pool, warning="; ".join(filter(None, (pool.warning, describe_slicing(pool.devices)))))


def with_sharing(pool: Pool, number: int) -> Pool:
    """Return a pool of one device for each GPU, or core, as one in which so many trials share each GPU, or the CPU."""
    devices = spread(pool.devices, number, available_cores(), cores_to_bind())
    return with_slicing(replace(pool, devices=devices))


def _find_launcher(libraries: Sequence[str], meanwhile: Callable[[], None]) -> tuple[Launcher, Capacity, str]:
    problem = "this system has no fork server"
    if "forkserver" in multiprocessing.get_all_start_methods():
        try:
            launcher = ForkserverLauncher(libraries)
            meanwhile()
            answer = launcher.probe(PROBE_SECONDS)
        except OSError as error:
            answer = None
            problem = f"the fork server cannot be started ({error})"
        if answer is None:
            problem = "a trial process did not answer"
        else:
            capacity = msgspec.json.decode(answer, type=Capacity)
            if capacity.preloaded and capacity.parent_threads == 1:
                return launcher, capacity, ""
            problem = "torch could not be loaded ahead safely"
    warning = f"{problem}; every trial starts a fresh Python instead, which takes some seconds each"
    return SubprocessLauncher(), describe_in_fresh_process(), warning
