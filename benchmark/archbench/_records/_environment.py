"""The environment of a trial: versions and machine."""

from __future__ import annotations

import msgspec


class Environment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The versions and the machine that a trial ran with, and how.

    Args:
        archbench, python, torch, lightning: versions.
        numba: that of the compiler of loops on a CPU; empty in records from before it was used.
        platform, processor: the machine; the processor with its cores and the vector instructions that torch uses.
        device: name of the GPU, or `cpu`.
        threads: CPU threads of one trial, or of each of its ranks.
        devices: number of devices that trained one trial together; not written if it is 1.
        sharded: each of these devices kept its part of the weights only (FSDP); not written if each had all of them.
        seeds_together: number of seeds that were trained as one batched network, this one included; 1 for it alone.
        trials_per_device: how many trials shared the GPU at most; not written if it is 1, which it is on a CPU.
        cuda_graph: `used` if steps were repeated from a CUDA graph, which changes times and no score, else why not; not
            written for trials on a CPU or on several GPUs.
        alone_again: it was run again with the device for itself, after memory, or the GPU, had failed it beside others.
    """

    archbench: str
    python: str
    torch: str
    lightning: str
    numba: str = ""
    platform: str
    processor: str
    device: str
    threads: int
    devices: int = 1
    sharded: bool = False
    seeds_together: int = 1
    trials_per_device: int = 1
    cuda_graph: str = ""
    alone_again: bool = False

    @property
    def place(self) -> str:
        """The device, how many of them trained one trial together and how, and how many trials shared it."""
        devices = self.device if self.devices == 1 else f"{self.devices} x {self.device}"
        sharded = ", weights sharded" if self.sharded else ""
        shared = f", shared by {self.trials_per_device} trials" if self.trials_per_device > 1 else ""
        return f"{devices}{sharded}{shared}{', alone the second time' if self.alone_again else ''}"
