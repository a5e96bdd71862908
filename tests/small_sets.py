"""Small data sets in the formats of the real ones: noise, with balanced labels."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def write_all(folder: Path) -> None:
    """Every set that a built-in task reads, below a data folder, without the notes that `prepare` leaves."""
    for name, seed in (("mnist", 1), ("fashion-mnist", 2)):
        write_idx_set(folder / name, seed=seed)


def noise(count: int, *shape: int, seed: int) -> Array:
    """Bytes (count, *shape), no two rows alike."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def balanced(count: int, classes: int, seed: int) -> Array:
    """Labels (count,), equally many of each class, shuffled."""
    return np.random.default_rng(seed).permutation(np.arange(count) % classes)


def idx(array: Array) -> bytes:
    """An idx file of bytes, compressed."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def write_idx_set(folder: Path, *, seed: int, train: int = 240, test: int = 100) -> None:
    """Four files as those of MNIST."""
    folder.mkdir(parents=True)
    for part, count, offset in (("train", train, 0), ("t10k", test, 100)):
        images, labels = noise(count, 28, 28, seed=seed + offset), balanced(count, 10, seed + offset)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(labels))


def tar_gz(members: dict[str, bytes]) -> bytes:
    """An archive of these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def pickled(value: Any) -> bytes:
    """As the CIFAR batches were written: by an old Python, protocol 2."""
    return pickle.dumps(value, protocol=2)
