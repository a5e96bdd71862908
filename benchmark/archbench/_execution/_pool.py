"""A pool: the launcher that works here, and the devices it may fill."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from archbench._execution._capacity import Capacity, describe_in_fresh_process, share_devices
from archbench._execution._launchers import ForkserverLauncher, Launcher, SubprocessLauncher
from archbench._planning import Device

PROBE_SECONDS = 120.0  # a cold import of torch from a slow disk; a hang is what this is for


@dataclass(frozen=True, slots=True)
class Pool:
    """How trials are started, and where they may run.

    Args:
        launcher: starts one process per trial.
        devices: one slot each.
        warning: why trials start slowly here; empty when they do not.
    """

    launcher: Launcher
    devices: list[Device]
    warning: str = ""


def open_pool(*, device: str, workers: int | None, libraries: Sequence[str] = ()) -> Pool:
    """Start the server that trials are forked from and see that forking is safe; else fall back to fresh processes.

    Raises:
        DeviceError: the device asked for is not there.
    """
    launcher, capacity, warning = _find_launcher(libraries)
    return Pool(launcher, share_devices(capacity, device=device, workers=workers), warning)


def _find_launcher(libraries: Sequence[str]) -> tuple[Launcher, Capacity, str]:
    problem = "this system has no fork server"
    if "forkserver" in multiprocessing.get_all_start_methods():
        launcher = ForkserverLauncher(libraries)
        answer = launcher.probe(PROBE_SECONDS)
        if answer is None:
            problem = "a trial process did not answer"
        else:
            capacity = msgspec.json.decode(answer, type=Capacity)
            if capacity.preloaded and capacity.parent_threads == 1:
                return launcher, capacity, ""
            problem = "torch could not be loaded ahead safely"
    warning = f"{problem}; every trial starts a fresh Python instead, which takes some seconds each"
    return SubprocessLauncher(), describe_in_fresh_process(), warning
