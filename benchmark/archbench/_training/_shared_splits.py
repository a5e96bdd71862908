"""Splits that a run makes once per task and seed: plain arrays in a folder of the run, which trials map into memory.

A process of its own makes them. So it costs every trial the same memory, and leaves the same state behind, whether it
is the first or a later one of its task and seed.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import Tensor

from archbench._planning import Job
from archbench._protocols import identity_hash
from archbench._training._splits import ResidentSplit, Split

MOST_BYTES = 4 << 30
"""Most bytes in the folder of a run; at most a quarter of what the disk has free is taken."""

SIZES = "sizes"
"""File with the bytes of each set of splits in the folder, which is faster to read than the folder."""

FIELDS = ("inputs", "targets", "lengths")


def load_shared(folder: Path, job: Job, seed: int, make: Callable[[], Mapping[str, Split]]) -> dict[str, Split] | None:
    """Return the splits of a job from the folder of its run, made now if no trial did before.

    What a trial writes into the arrays stays in its process.

    Args:
        folder: the folder of the run.
        job: names the task, its plugin and its files.
        seed: the seed of the splits.
        make: loads and checks the splits.

    Returns:
        None if they cannot be shared: they are streamed or too large, the disk is full, or making them failed.
    """
    place = folder / _key(job, seed)
    refused = folder / f"{job.trial.task.key}.refused"
    if not place.exists() and not refused.exists():
        _make_in_child(place, refused, make)
    if not place.exists():
        return None
    return {name: _map(place, name) for name in ("train", "validation", "test")}


def _key(job: Job, seed: int) -> str:
    data = None if job.own_data is None else msgspec.to_builtins(job.own_data)
    return identity_hash([job.trial.task.identity(), data, seed], digits=32)


def _make_in_child(place: Path, refused: Path, make: Callable[[], Mapping[str, Split]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about threads; the only other one waits for the parent
        child = os.fork()
    if child == 0:
        try:
            _keep(place, refused, make())
        finally:
            os._exit(0)  # an error is not told here: the trial makes the splits itself then, and meets it again
    os.waitpid(child, 0)


def _keep(place: Path, refused: Path, splits: Mapping[str, Split]) -> None:
    """Write the splits so that others see all of them or nothing; if they are too large, make an empty file instead.

    That file counts for all seeds of the task: their splits are as large.
    """
    arrays = {f"{name}.{field}.npy": array for name, split in splits.items() for field, array in _tensors(split)}
    resident = all(isinstance(split, ResidentSplit) for split in splits.values())
    size = sum(array.nbytes for array in arrays.values())
    if not resident or size > _room(place.parent):
        refused.touch()
        return
    part = place.with_name(f"{place.name}.{os.getpid()}.part")
    try:
        part.mkdir()
        for name, array in arrays.items():
            np.save(part / name, array.numpy())
        part.rename(place)  # fails, to no harm, if another trial was faster
        with open(place.parent / SIZES, "a") as sizes:
            sizes.write(f"{size}\n")
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _tensors(split: Split) -> list[tuple[str, Tensor]]:
    return [(name, value) for name in FIELDS if isinstance(value := getattr(split, name), Tensor)]


def _room(folder: Path) -> int:
    sizes = folder / SIZES
    used = sum(map(int, sizes.read_text().split())) if sizes.exists() else 0
    return min(MOST_BYTES - used, shutil.disk_usage(folder).free // 4)


def _map(place: Path, name: str) -> ResidentSplit:
    files = [place / f"{name}.{field}.npy" for field in FIELDS]
    # "c": pages that this process writes to are its own copies.
    return ResidentSplit(*(torch.from_numpy(np.load(file, mmap_mode="c")) for file in files if file.exists()))
