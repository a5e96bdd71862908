"""The Lightning Trainer, and the device that it trains on."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

from archbench._planning import Device
from archbench._protocols import Precision
from archbench._training._precision import set_matrix_precision


def set_up_device(device: Device, precision: Precision = "32") -> torch.device:
    """Set the threads and the arithmetic of this process, and return torch's name of the device."""
    torch.set_num_threads(device.threads)
    if device.kind != "cuda":
        return torch.device(device.kind)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else matrix products are not repeatable
    torch.cuda.set_device(device.index)
    # Deterministic mode would fill each new tensor first, with a kernel of its own.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    set_matrix_precision(precision)
    return torch.device(device.kind, device.index)


@contextlib.contextmanager
def telling_at_the_end(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` when SIGTERM arrives, in the main thread of a process; Lightning then ends the training.

    Lightning calls the handler that it finds besides its own, and puts it back after the training.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: tell())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


_spare: list[pl.Trainer] = []


def keep_spare() -> None:
    """Make a Trainer for the CPU ahead, for the next call of `make_trainer`."""
    _spare.append(make_trainer(Device(kind="cpu")))


def make_trainer(device: Device, **placement: Any) -> pl.Trainer:
    """Return a Trainer that only trains: no logger, checkpoint, bar or summary, and no guess about the cluster.

    Args:
        device: that of this process.
        placement: arguments of the Trainer on where it trains; those of a single device if there are none.
    """
    if device.kind == "cpu" and _spare and not placement:
        return _spare.pop()
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # no banner in the log of every trial
    cuda = device.kind == "cuda"
    # Without an environment, Lightning under a batch scheduler would install handlers that requeue the whole suite.
    alone = {"devices": [device.index] if cuda else 1, "plugins": [LightningEnvironment()]}
    return pl.Trainer(
        accelerator="gpu" if cuda else device.kind,
        **(placement or alone),
        deterministic="warn" if cuda else False,
        max_epochs=1,
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
