"""What a trial cost, and where it ran. What cannot be measured is None."""

from __future__ import annotations

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
    """Trainable parameters; shared ones count once."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def count_flops(network: nn.Module, *example: Tensor) -> int | None:
    """Floating-point operations of one forward pass; a multiply-accumulate counts as two.

    The counter knows matrix products and convolutions. It does not see into torch's fused recurrent kernels, so a
    network that has one is reported as not measured.

    Args:
        network: left in the mode it was in.
        example: what the network is called with for a batch of one, (1, ...).
    """
    if any(isinstance(module, nn.RNNBase) for module in network.modules()):
        return None
    training = network.training
    network.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(*example)
    finally:
        network.train(training)
    return int(counter.get_total_flops())


def resident_peak() -> int:
    """Highest resident set of this process so far, in bytes."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if sys.platform == "darwin" else kilobytes * 1024


def peak_memory(device: Device, before: int) -> int:
    """Bytes: the most that was allocated on a GPU; on a CPU, by how much the resident set grew past `before`.

    A forked process starts with the pages of torch already resident, so the whole set would say little.
    """
    if device.kind == "cuda":
        return int(torch.cuda.max_memory_allocated(device.index))
    return resident_peak() - before


def describe_environment(device: Device) -> Environment:
    """Versions, processor and device. Nothing that names a person, a folder or a host."""
    name = torch.cuda.get_device_name(device.index) if device.kind == "cuda" else "cpu"
    return Environment(
        archbench=version("archbench"),
        python=platform.python_version(),
        torch=str(torch.__version__),
        lightning=version("lightning"),
        platform=f"{platform.system()} {platform.machine()}",
        processor=f"{_processor()}, {os.cpu_count()} cores",
        device=name,
        threads=device.threads,
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"
