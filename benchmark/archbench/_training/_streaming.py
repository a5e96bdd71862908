"""Inputs that do not fit in memory: read by worker processes, a few batches ahead of the training.

The order is that of training from memory, so the batches are the same ones, however many workers there are.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from archbench._declarations import ArrayLike
from archbench._errors import ArchbenchError, DataError

STREAM_SHARE = 0.25
"""A split whose inputs are larger than this share of the memory of the device that trains is streamed."""

MOST_WORKERS = 8


def must_stream(inputs: np.ndarray[Any, Any] | ArrayLike, memory: int) -> bool:
    """Whether the inputs of a split stay where they are: an object that reads on demand, or too large an array."""
    return not isinstance(inputs, np.ndarray) or inputs.nbytes > STREAM_SHARE * memory


def memory_of(device: torch.device) -> int:
    """Bytes of a GPU; or of this machine, or what a container or a scheduler grants of it."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_granted(Path("/"))])


def _granted(root: Path) -> Iterator[int]:
    """Limits of the control groups that this process is in, and of those around them; none outside Linux.

    Both versions of control groups, as in the manual page cgroups(7). In a container the path may be the one outside of
    it, and the limit then lies at the top.
    """
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top, name = ("memory", "memory.limit_in_bytes") if controllers else ("", "memory.max")
        inside = PurePosixPath(path.lstrip("/"))
        for folder in (inside, *inside.parents):
            with contextlib.suppress(OSError, ValueError):  # not there, or `max`
                yield int((root / "sys/fs/cgroup" / top / folder / name).read_text())


class _Pieces(Dataset[Any]):
    """Reads in a worker. An error that is meant for the user comes back as its text, without the worker's traceback."""

    def __init__(self, inputs: ArrayLike) -> None:
        self.inputs = inputs

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: np.ndarray[Any, Any]) -> Tensor | str:
        try:
            return torch.from_numpy(np.ascontiguousarray(self.inputs[index]))
        except ArchbenchError as error:
            return str(error)


class PaddedInFront:
    """Sequences whose padding is moved before them as they are read.

    Args:
        inputs: padded at the end; like an array (N, T, ...).
        lengths: (N,).
    """

    def __init__(self, inputs: ArrayLike, lengths: np.ndarray[Any, Any]) -> None:
        self.inputs, self.lengths = inputs, lengths
        self.shape, self.dtype = inputs.shape, inputs.dtype

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        steps = self.shape[1]
        source = (np.arange(steps) + self.lengths[index][:, None]) % steps  # (B, T)
        turned: np.ndarray[Any, Any] = self.inputs[index][np.arange(len(index))[:, None], source]
        return turned


class StreamedSplit:
    """One split whose inputs are read when they are wanted.

    Args:
        inputs: has `shape`, `dtype`, a length, and gives an array for an array of indices.
        targets: (N, ...), in memory.
        lengths: (N,), of a task of variable length.
        device: where batches go.
    """

    def __init__(
        self, inputs: ArrayLike, targets: Tensor, lengths: Tensor | None = None, *, device: torch.device | None = None
    ) -> None:
        self.inputs, self.targets, self.lengths = inputs, targets, lengths
        self.device = torch.device("cpu") if device is None else device
        self._scan: Iterator[Tensor] = iter(())

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> StreamedSplit:
        """The same for a device."""
        lengths = None if self.lengths is None else self.lengths.to(device)
        return StreamedSplit(self.inputs, self.targets.to(device), lengths, device=device)

    def arguments(self, index: slice) -> tuple[Tensor, ...]:
        """What the network is called with for these examples, read here and now."""
        inputs = torch.from_numpy(np.ascontiguousarray(self.inputs[_indices(index, len(self))])).to(self.device)
        return self._arguments(inputs, index)

    def batches(self, chunk: Iterable[Tensor]) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        """What the network is called with in each step, and the targets, for the indices (batch,) of each step."""
        ahead: deque[Tensor] = deque()

        def indices() -> Iterator[Any]:
            for index in chunk:
                ahead.append(index)
                yield index.numpy()

        for inputs in self.read(indices()):
            index = ahead.popleft().to(self.device)
            yield self._arguments(inputs, index), self.targets[index]

    def scan(self, start: int, end: int) -> tuple[tuple[Tensor, ...], Tensor]:
        """The same for the examples from `start` to `end`; to be called from the first to the last, in equal pieces."""
        if start == 0:
            self._scan = self.read([slice(first, first + end) for first in range(0, len(self), end)])
        inputs = next(self._scan)
        assert len(inputs) == end - start
        if end == len(self):
            self._scan = iter(())  # ends the workers
        return self._arguments(inputs, slice(start, end)), self.targets[start:end]

    def read(self, pieces: Iterable[Any]) -> Iterator[Tensor]:
        """Pieces of the inputs, each given by a slice or an index array, read ahead by workers."""
        return _read(self.inputs, self.device, pieces)

    def _arguments(self, inputs: Tensor, index: Tensor | slice) -> tuple[Tensor, ...]:
        return (inputs,) if self.lengths is None else (inputs, self.lengths[index])


def _read(inputs: ArrayLike, device: torch.device, pieces: Iterable[Any]) -> Iterator[Tensor]:
    # No method: were the split that reads in a cycle with its reader, the garbage collector would end the queues of the
    # workers before it asks the workers to end, and each would be waited for in vain, for five seconds.
    loader = DataLoader(
        _Pieces(inputs),
        sampler=(_indices(piece, len(inputs)) for piece in pieces),  # taken as workers get free
        batch_size=None,
        num_workers=min(MOST_WORKERS, torch.get_num_threads()),
        # Forked workers are there in a tenth of a second; others import torch first, for five.
        multiprocessing_context="fork" if sys.platform == "linux" else None,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # else it draws from the global stream, that of the network's noise
    )
    for piece in loader:
        if isinstance(piece, str):
            raise DataError(piece)
        yield piece.to(device, non_blocking=True)


def _indices(piece: Any, count: int) -> Any:
    return np.arange(*piece.indices(count)) if isinstance(piece, slice) else piece
