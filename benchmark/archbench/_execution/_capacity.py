"""What this machine can run, seen from a process that has torch loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import msgspec

from archbench._errors import DeviceError
from archbench._planning import Device


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """A report from a probe.

    Args:
        preloaded: the libraries were already there when the process began.
        parent_threads: operating-system threads of the parent; more than one means that forks of it may hang.
        gpus: names of the CUDA devices.
    """

    preloaded: bool
    parent_threads: int
    gpus: list[str]


def describe_process(parent: int) -> bytes:
    """Look around in this process; also run an operation on two threads, which hangs if the fork was unsafe."""
    preloaded = "lightning.pytorch" in sys.modules
    import torch

    torch.set_num_threads(2)
    torch.ones(512, 512).mm(torch.ones(512, 512)).exp().sum()
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return msgspec.json.encode(Capacity(preloaded=preloaded, parent_threads=_thread_count(parent), gpus=gpus))


def _thread_count(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 1  # no /proc, no way to look; the operation above is the test then


def describe_in_fresh_process() -> Capacity:
    """The same from a new interpreter, for where there is no server to ask.

    Raises:
        DeviceError: torch itself does not load.
    """
    code = "from archbench._execution._capacity import describe_process as d; print(d(0).decode())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise DeviceError(f"torch does not work in this environment: {last}; install archbench again")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Capacity)


def share_devices(capacity: Capacity, *, device: str, workers: int | None) -> list[Device]:
    """One slot per trial that runs at a time: a worker per GPU, or per core, and the cores divided among them.

    Args:
        capacity: what there is.
        device: `auto`, `cpu` or `cuda`.
        workers: how many slots, at least 1; None for as many as there are GPUs, or cores.

    Raises:
        DeviceError: CUDA was asked for and there is none.
    """
    if device == "cuda" and not capacity.gpus:
        raise DeviceError("--device cuda: torch sees no CUDA device here; use --device cpu or auto")
    cores = available_cores()
    cuda = device != "cpu" and bool(capacity.gpus)
    count = workers or (len(capacity.gpus) if cuda else cores)
    threads = max(1, cores // count)
    if cuda:
        return [Device(kind="cuda", index=i % len(capacity.gpus), threads=threads) for i in range(count)]
    return [Device(kind="cpu", threads=threads) for _ in range(count)]


def available_cores() -> int:
    """Cores this process may use: fewer than the machine has under taskset, a scheduler or a container's quota."""
    from joblib import cpu_count  # not at the top: a fresh process that only describes itself does without

    return int(cpu_count())


def libraries_of(tasks: Sequence[tuple[str, ...]]) -> list[str]:
    """All declared libraries, each once, in order."""
    return list(dict.fromkeys(name for libraries in tasks for name in libraries))
