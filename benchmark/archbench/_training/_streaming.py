"""Streaming of inputs that do not fit in memory: worker processes read them, a few batches ahead of the training.

The order is that of training from memory, so the batches are equal, however many workers there are.
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
"""Share of the memory of the training device beyond which the inputs of a split are streamed."""

MOST_WORKERS = 8

Batch = tuple[tuple[Tensor, ...], Tensor]
"""The arguments of the network for some examples, and the targets of these examples."""


def must_stream(inputs: np.ndarray[Any, Any] | ArrayLike, memory: int) -> bool:
    """Return whether the inputs of a split are streamed: they are read on demand, or too large for `memory` bytes."""
    return not isinstance(inputs, np.ndarray) or inputs.nbytes > STREAM_SHARE * memory


def memory_of(device: torch.device) -> int:
    """Return the bytes of memory of a GPU, or those that this process may use of the machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_granted(Path("/"))])


def _granted(root: Path) -> Iterator[int]:
    """Yield the memory limits of the control groups around this process, in bytes; none outside Linux.

    A container or a batch scheduler sets these limits. Both versions of control groups are read, as the manual page
    cgroups(7) describes them. In a container the path may be the one outside of it; the limit then lies at the top.
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
            with contextlib.suppress(OSError, ValueError):  # there is no such file, or it says `max`
                yield int((root / "sys/fs/cgroup" / top / folder / name).read_text())


class _ReadInWorker(Dataset[Any]):
    """Inputs as a worker process reads them.

    An error that is meant for the user comes back as its text, without the traceback of the worker.
    """

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
    """Sequences whose padding moves in front of them when they are read.

    Args:
        inputs: sequences padded at the end, an object like an array (N, T, ...).
        lengths: steps of each sequence, (N,).
    """

    def __init__(self, inputs: ArrayLike, lengths: np.ndarray[Any, Any]) -> None:
        self.inputs, self.lengths = inputs, lengths
        self.shape, self.dtype = inputs.shape, inputs.dtype

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        steps = self.shape[1]
        source = (np.arange(steps) + self.lengths[index][:, None]) % steps  # (B, T)
        rolled: np.ndarray[Any, Any] = self.inputs[index][np.arange(len(index))[:, None], source]
        return rolled


class StreamedSplit:
    """A split whose inputs are read batch by batch.

    Args:
        inputs: has `shape`, `dtype` and a length, and returns an array for an array of indices.
        targets: (N, ...), in memory.
        lengths: (N,), of a task of variable length.
        device: the device that batches are moved to.
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
        """Return a streamed split whose batches go to a device."""
        lengths = None if self.lengths is None else self.lengths.to(device)
        return StreamedSplit(self.inputs, self.targets.to(device), lengths, device=device)

    def arguments(self, index: slice) -> tuple[Tensor, ...]:
        """Return the arguments of the network for these examples, read in this process."""
        inputs = torch.from_numpy(np.ascontiguousarray(self.inputs[_as_array(index, len(self))])).to(self.device)
        return self._arguments(inputs, index)

    def batches(self, chunk: Iterable[Tensor]) -> Iterator[Batch]:
        """Yield the batch of each step; `chunk` yields the indices of its examples, (batch,)."""
        chunk = chunk.cpu() if isinstance(chunk, Tensor) else chunk  # Lightning moves a tensor to the GPU
        ahead: deque[Tensor] = deque()  # indices that workers were given and whose inputs have not come back yet

        def indices() -> Iterator[Any]:
            for index in chunk:
                ahead.append(index)
                yield index.numpy()

        for inputs in self.read(indices()):
            index = ahead.popleft().to(self.device)
            yield self._arguments(inputs, index), self.targets[index]

    def scan(self, start: int, end: int) -> Batch:
        """Return the examples from `start` to `end`.

        Workers read ahead, so the calls must go through the split from its first to its last example in order, in
        batches of one size; the last batch may be smaller.
        """
        if start == 0:
            self._scan = self.read([slice(first, first + end) for first in range(0, len(self), end)])
        inputs = next(self._scan)
        assert len(inputs) == end - start
        if end == len(self):
            self._scan = iter(())  # ends the workers
        return self._arguments(inputs, slice(start, end)), self.targets[start:end]

    def read(self, indices: Iterable[Any]) -> Iterator[Tensor]:
        """Return an iterator over batches of inputs, each given by a slice or an index array; workers read ahead."""
        return _read(self.inputs, self.device, indices)

    def _arguments(self, inputs: Tensor, index: Tensor | slice) -> tuple[Tensor, ...]:
        return (inputs,) if self.lengths is None else (inputs, self.lengths[index])


def _read(inputs: ArrayLike, device: torch.device, indices: Iterable[Any]) -> Iterator[Tensor]:
    # This is not a method: a split and the iterator that reads it would then form a cycle. The garbage collector would
    # end the queues of the workers before it asks the workers to end, and wait five seconds for each of them in vain.
    loader = DataLoader(
        _ReadInWorker(inputs),
        sampler=(_as_array(index, len(inputs)) for index in indices),  # drawn from as workers become free
        batch_size=None,
        num_workers=min(MOST_WORKERS, torch.get_num_threads()),
        # Forked workers start in a tenth of a second; others import torch first, which takes five seconds.
        multiprocessing_context="fork" if sys.platform == "linux" else None,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # without it, the loader draws from the global stream, which is that of the noise
    )
    for batch in loader:
        if isinstance(batch, str):
            raise DataError(batch)
        yield batch.to(device, non_blocking=True)


def _as_array(index: Any, count: int) -> Any:
    return np.arange(*index.indices(count)) if isinstance(index, slice) else index
