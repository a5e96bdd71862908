"""The arithmetic that a device reaches when nothing else is in the way."""

from __future__ import annotations

from collections.abc import Callable

import torch

SECONDS = 0.4  # of each size, at least
REPEATS = 3
SIZES = {"cpu": (512, 1024, 2048), "cuda": (4096, 8192), "mps": (1024, 2048, 4096)}


def measure_peak(device: torch.device, now: Callable[[], float]) -> float:
    """Return the FLOP/s of a float32 matrix product with the threads of this process: the best of several sizes.

    Args:
        device: where to measure.
        now: reads a clock when the device has done what it was given, in seconds.
    """
    return max(_measure(size, device, now) for size in SIZES[device.type])


def _measure(size: int, device: torch.device, now: Callable[[], float]) -> float:
    left, right, product = (torch.rand(size, size, device=device) for _ in range(3))
    torch.mm(left, right, out=product)
    best, begun, repeats = float("inf"), now(), 0
    while repeats < REPEATS or now() - begun < SECONDS:
        start = now()
        torch.mm(left, right, out=product)
        best = min(best, now() - start)
        repeats += 1
    return 2 * size**3 / best
