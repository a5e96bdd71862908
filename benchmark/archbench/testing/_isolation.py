"""The state that a whole process shares: read before a check, compared, and put back after it."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed every global stream: torch, numpy and Python."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def settings() -> dict[str, Any]:
    """Return the settings of torch that a network may not change, by the name people know them by."""
    return {
        "torch.get_num_threads()": torch.get_num_threads(),
        "torch.get_default_dtype()": torch.get_default_dtype(),
        "torch.get_default_device()": torch.get_default_device(),
        "torch.is_grad_enabled()": torch.is_grad_enabled(),
        "torch.are_deterministic_algorithms_enabled()": torch.are_deterministic_algorithms_enabled(),
        "torch.get_float32_matmul_precision()": torch.get_float32_matmul_precision(),
        "torch.is_anomaly_enabled()": torch.is_anomaly_enabled(),
        "torch.backends.cudnn.benchmark": torch.backends.cudnn.benchmark,
        "torch.backends.cudnn.deterministic": torch.backends.cudnn.deterministic,
    }


def surroundings() -> dict[str, Any]:
    """Return the settings outside torch that a network may not change; importing a library may."""
    return {
        "os.environ": dict(os.environ),
        "the working directory": os.getcwd(),
        "sys.path": list(sys.path),
        "sys.getrecursionlimit()": sys.getrecursionlimit(),
        "warnings.filters": list(warnings.filters),
    }


def streams() -> dict[str, Any]:
    """Return the states of the global random streams of numpy and Python."""
    state: Any = np.random.get_state(legacy=False)
    return {
        "numpy's global random stream": [repr(state), state["state"]["key"].tobytes()],
        "Python's random": random.getstate(),
    }


def torch_stream() -> bytes:
    """Return the state of torch's global random stream."""
    return bytes(torch.get_rng_state().numpy())


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names whose values differ, each with both values where these are short."""
    return [_change(name, before[name], after[name]) for name in before if before[name] != after[name]]


def _change(name: str, before: Any, after: Any) -> str:
    if isinstance(before, dict):
        keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
        return f"{name}[{', '.join(keys)}]"
    return name if isinstance(before, (list, tuple)) else f"{name}: {before} to {after}"


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Run the block on one thread, and restore settings, surroundings and random streams afterwards.

    One thread, because the networks of the checks are so small that threads mostly wait for each other: a check of
    `resnet` took 31 s of CPU time on two cores, and 6 s on one thread.
    """
    kept, around = settings(), surroundings()
    torch_state, numpy_state, python_state = torch.get_rng_state(), np.random.get_state(), random.getstate()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        _restore_settings(kept)
        _restore_surroundings(around)
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)
        random.setstate(python_state)


@contextlib.contextmanager
def two_threads() -> Iterator[None]:
    """Run the block on two threads, to see a network that sets their number: most likely it sets 1."""
    kept = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        yield
    finally:
        torch.set_num_threads(kept)


def _restore_settings(kept: dict[str, Any]) -> None:
    if torch.get_num_threads() != kept["torch.get_num_threads()"]:
        torch.set_num_threads(kept["torch.get_num_threads()"])
    torch.set_default_dtype(kept["torch.get_default_dtype()"])
    if torch.get_default_device() != kept["torch.get_default_device()"]:
        device = kept["torch.get_default_device()"]
        # None instead of the CPU: naming a device installs a mode that every later call passes through.
        torch.set_default_device(None if device.type == "cpu" else device)
    torch.set_grad_enabled(kept["torch.is_grad_enabled()"])
    torch.use_deterministic_algorithms(kept["torch.are_deterministic_algorithms_enabled()"])
    torch.set_float32_matmul_precision(kept["torch.get_float32_matmul_precision()"])
    torch.autograd.set_detect_anomaly(kept["torch.is_anomaly_enabled()"])
    torch.backends.cudnn.benchmark = kept["torch.backends.cudnn.benchmark"]
    torch.backends.cudnn.deterministic = kept["torch.backends.cudnn.deterministic"]


def _restore_surroundings(kept: dict[str, Any]) -> None:
    if dict(os.environ) != kept["os.environ"]:
        os.environ.clear()
        os.environ.update(kept["os.environ"])
    if os.getcwd() != kept["the working directory"]:
        os.chdir(kept["the working directory"])
    sys.path[:] = kept["sys.path"]
    sys.setrecursionlimit(kept["sys.getrecursionlimit()"])
