"""NVIDIA's Multi-Process Service (MPS), by which the processes on one GPU use it at the same moment.

A process of CUDA joins the service by itself if its daemon runs, and is scheduled in time slices otherwise. The suite
starts no daemon: that outlives the run that started it, and belongs to whoever looks after the machine.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from archbench._planning import Device

CONTROL = "nvidia-cuda-mps-control"
ANSWER_SECONDS = 10.0


def service_runs(run: Callable[..., Any] = subprocess.run) -> bool:
    """Return whether the daemon of the service answers on this machine.

    Args:
        run: starts a program, as `subprocess.run` does.
    """
    try:
        done = run([CONTROL], input="get_server_list\n", capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return bool(done.returncode == 0)


def describe_slicing(devices: Sequence[Device], runs: Callable[[], bool] = service_runs) -> str:
    """Return a warning if trials share a GPU that serves them in turn only; empty if there is none to give.

    Args:
        devices: of all trials at a time.
        runs: tells whether the service runs.
    """
    most = max((device.sharing for device in devices), default=1)
    if most == 1:
        return ""
    if devices[0].kind == "cuda":
        if runs():
            return ""
        advice = f"; start NVIDIA's service for that with `{CONTROL} -d`, then this command again"
    else:
        advice = ""
    return f"{most} trials share a GPU in time slices: it computes for one of them at a time{advice}"
