"""CUDA graphs: recordings of what an NVIDIA GPU does."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

_WAITS = "called a synchronizing CUDA operation"


class CudaRecorder:
    """Records what a GPU does as a CUDA graph.

    Args:
        device: with an index.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @contextlib.contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Return a context with a list that gets the places at which the host waits for the GPU meanwhile."""
        found: list[str] = []
        before = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                yield found
            finally:
                torch.cuda.set_sync_debug_mode(before)
        for warning in caught:
            if _WAITS in str(warning.message):
                found.append(f"a step waits for the GPU, in {Path(warning.filename).name}, line {warning.lineno}")

    def record(self, step: Callable[[], None]) -> Callable[[], object]:
        """Record a step without carrying it out, and return a function that carries it out.

        Raises:
            RuntimeError: the step does what a graph cannot hold, or memory is short.
        """
        generator = torch.cuda.default_generators[self.device.index]
        kept, stream = generator.clone_state(), torch.cuda.current_stream(self.device)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                step()
            return graph.replay
        except RuntimeError as error:
            failure = str(error)
        # The error is gone, and with its traceback what the step had in memory.
        torch.cuda.set_stream(stream)  # torch does not leave the stream of a recording that it cannot end
        generator.graphsafe_set_state(kept)  # that of a recording that failed refuses to be drawn from
        del graph
        with contextlib.suppress(RuntimeError):  # the allocator may believe in a recording that torch could not end
            torch.cuda.empty_cache()
        raise RuntimeError(failure)


def recorder_of(device: torch.device) -> CudaRecorder | None:
    """Return the recorder of a device; None for one that cannot record."""
    return CudaRecorder(device) if device.type == "cuda" else None
