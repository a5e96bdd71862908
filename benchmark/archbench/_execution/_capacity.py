"""The capacity of this machine, as a process with torch sees it, and the devices that trials get."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from archbench._errors import DeviceError
from archbench._execution._sharing import Memory
from archbench._planning import Device


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """The report of a probe, a process like those of trials.

    Args:
        preloaded: the libraries were loaded before the process began.
        parent_threads: operating-system threads of the parent; if there are several, a fork of it may hang.
        gpus: names of the CUDA devices.
        mps: torch can use the GPU of this Mac.
    """

    preloaded: bool
    parent_threads: int
    gpus: list[str]
    mps: bool = False


def describe_process(parent: int) -> bytes:
    """Return the capacity that this process sees, as JSON; first run an operation that hangs if the fork was unsafe."""
    preloaded = "lightning.pytorch" in sys.modules
    import torch

    torch.set_num_threads(2)
    torch.ones(512, 512).mm(torch.ones(512, 512)).exp().sum()
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    mps = torch.backends.mps.is_available()
    return msgspec.json.encode(Capacity(preloaded=preloaded, parent_threads=_thread_count(parent), gpus=gpus, mps=mps))


def describe_memory(index: int) -> bytes:
    """Return the memory of a GPU as the driver sees it, the programs of others included, as JSON."""
    import torch

    free, total = torch.cuda.mem_get_info(index)
    return msgspec.json.encode(Memory(used=total - free, total=total))


def memory_of_this_machine() -> Memory | None:
    """Return the memory of this machine; None where the system does not tell it in Linux's way."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
        found = {name: 1024 * int(kilobytes) for name, kilobytes, *_ in lines}
        return Memory(used=found["MemTotal:"] - found["MemAvailable:"], total=found["MemTotal:"])
    return None


def _thread_count(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 1  # without /proc, the operation on two threads is the only test


def describe_in_fresh_process() -> Capacity:
    """Return the capacity that a new interpreter sees, for systems without a fork server.

    Raises:
        DeviceError: torch cannot be imported.
    """
    code = "from archbench._execution._capacity import describe_process as d; print(d(0).decode())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise DeviceError(f"torch does not work in this environment: {last}; install archbench again")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Capacity)


def share_devices(
    capacity: Capacity, *, device: str, workers: int | None, per_trial: int = 1, sharded: bool = False
) -> list[Device]:
    """Return one device per worker: a worker per GPU, or else per core, with the cores divided among the workers.

    Where a trial takes several devices, a worker stands for so many GPUs in a row, or so many cores.

    Args:
        capacity: the capacity of this machine.
        device: `auto`, `cpu`, `cuda` or `mps`. `auto` never takes `mps`, which lacks some operations of torch.
        workers: number of workers, at least 1; None for one per GPU, or else per core.
        per_trial: number of devices that one trial takes.
        sharded: whether these share the weights out among them, on a CPU or on GPUs of CUDA.

    Raises:
        DeviceError: CUDA or MPS was asked for and there is no such GPU, or there are fewer than one trial takes.
    """
    if device == "mps" and not capacity.mps:
        raise DeviceError("--device mps: torch sees no GPU of a Mac here; use --device cpu or auto")
    if device == "cuda" and not capacity.gpus:
        raise DeviceError("--device cuda: torch sees no CUDA device here; use --device cpu or auto")
    cores = available_cores()
    cuda = device in ("auto", "cuda") and bool(capacity.gpus)
    mps = device == "mps"
    places = (1 if mps else len(capacity.gpus) if cuda else max(cores, per_trial)) // per_trial
    if not places:
        kind, number = ("GPU of a Mac", 1) if mps else ("CUDA device", len(capacity.gpus))
        raise DeviceError(
            f"--devices-per-trial {per_trial}: torch sees {number} {kind}{'s' if number > 1 else ''} here; give at "
            "most so many, or --device cpu"
        )
    count = workers or places
    threads = max(1, cores // (count * per_trial))
    if cuda:
        indices = [i % places * per_trial for i in range(count)]
        sharing = Counter(indices)
        return [
            Device(kind="cuda", index=index, threads=threads, count=per_trial, sharded=sharded, sharing=sharing[index])
            for index in indices
        ]
    if mps:
        return [Device(kind="mps", threads=threads, count=per_trial, sharing=count)] * count
    return [Device(kind="cpu", threads=threads, count=per_trial, sharded=sharded)] * count


def spread(devices: Sequence[Device], number: int, cores: int, bound: Sequence[int] = ()) -> list[Device]:
    """Return so many devices for each GPU, with the cores divided among all; or for the CPU so many in all.

    Args:
        devices: one for each GPU, or any number for the CPU.
        number: of trials at a time on each.
        cores: that there are.
        bound: ids of cores, to give trials on GPUs cores of their own; none to let the system choose.
    """
    first = devices[0]
    if first.kind == "cpu":
        return [msgspec.structs.replace(first, threads=max(1, cores // number))] * number
    slots = [device for _ in range(number) for device in devices]
    threads = max(1, cores // len(slots))
    return [
        msgspec.structs.replace(device, threads=threads, sharing=number, cores=_part(bound, threads, at))
        for at, device in enumerate(slots)
    ]


def _part(bound: Sequence[int], threads: int, at: int) -> tuple[int, ...]:
    """Return the cores of one of several trials; where there are more trials than cores, some have the same."""
    parts = max(1, len(bound) // threads)
    return tuple(bound[at % parts * threads :][:threads])


def cores_to_bind() -> list[int]:
    """Return the ids of the cores of this process; none where it may run on more cores than it may use at a time.

    A container may be granted the time of two cores, on any of those of its machine.
    """
    ids = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return ids if len(ids) == available_cores() else []


def available_cores() -> int:
    """Return the number of cores this process may use; taskset, a scheduler or a container may grant it fewer."""
    from joblib import cpu_count  # not at the top: a process that only describes its capacity does not need it

    return int(cpu_count())


def libraries_of(cells: Sequence[tuple[str, ...]]) -> list[str]:
    """Return all libraries that tasks and architectures declare, given those of each cell, each once, in order."""
    return list(dict.fromkeys(name for libraries in cells for name in libraries))
