"""Measurements of a trial: its size, its memory, and where it ran. What cannot be measured is None."""

from __future__ import annotations

import functools
import os
import platform
import resource
import sys
from importlib.metadata import version

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from archbench._planning import Device
from archbench._records import Environment


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters; shared ones count once."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def count_flops(network: nn.Module, *example: Tensor) -> int | None:
    """Return the floating-point operations of one forward pass; a multiply-accumulate counts as two.

    The counter knows matrix products and convolutions. It does not see into torch's fused recurrent kernels, so a
    network that has one is reported as not measured, and so is one that can compute but cannot be counted: the counter
    fails where a network takes gradients of its own.

    Args:
        network: stays in training or evaluation mode, whichever it is in.
        example: the arguments of the network for a batch of one, (1, ...).

    Returns:
        None if the network has a fused recurrent kernel, or the counter fails.
    """
    if any(isinstance(module, nn.RNNBase) for module in network.modules()):
        return None
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            return _count(network, *example)
    finally:
        network.train(training)


def _count(network: nn.Module, *example: Tensor) -> int | None:
    try:
        with FlopCounterMode(display=False) as counter:
            network(*example)
    except Exception:
        network(*example)  # an error of its own comes again
        return None
    return int(counter.get_total_flops())


def resident_peak() -> int:
    """Return the highest resident set of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, kilobytes elsewhere
    return peak if sys.platform == "darwin" else peak * 1024


def peak_memory(device: Device, before: int) -> int | None:
    """Return the peak memory of a trial in bytes; None for the GPU of a Mac, of which torch keeps no peak.

    On a GPU that is the most that was allocated; on a CPU, how far the resident set grew past `before`. A forked
    process starts with the pages of torch already resident, so its whole resident set would say little.
    """
    if device.kind == "mps":
        return None
    if device.kind == "cuda":
        return int(torch.cuda.max_memory_allocated(device.index))
    return resident_peak() - before


def describe_environment(device: Device, *, seeds_together: int = 1, cuda_graph: str = "") -> Environment:
    """Return versions, processor and device; nothing in it names a person, a folder or a host."""
    name = torch.cuda.get_device_name(device.index) if device.kind == "cuda" else device.kind
    return Environment(
        archbench=_version("archbench"),
        python=platform.python_version(),
        torch=str(torch.__version__),
        lightning=_version("lightning"),
        numba=_version("numba"),
        platform=f"{platform.system()} {platform.machine()}",
        processor=f"{_processor()}, {os.cpu_count()} cores{_instructions()}",
        device=name,
        threads=device.threads,
        devices=device.count,
        sharded=device.sharded,
        seeds_together=seeds_together,
        trials_per_device=device.sharing,
        cuda_graph=cuda_graph,
    )


@functools.cache
def _version(distribution: str) -> str:
    return version(distribution)


def _instructions() -> str:
    """Return the vector instructions for which torch takes kernels of their own: other ones round otherwise.

    Virtual machines hide some from processors of one name.
    """
    found = torch.backends.cpu.get_cpu_capability()
    return "" if found == "DEFAULT" else f", {found}"


@functools.cache
def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"
