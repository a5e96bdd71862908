"""The training of one rank of several that share the weights out among them, for networks too large for one device."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from archbench._planning import Job
from archbench._training._module import TrialModule
from archbench._training._ranked import RankedModule
from archbench._training._shard_watch import Watch
from archbench._training._sharding import ADVICE, send, shard
from archbench._training._shards import as_shard, is_shard
from archbench._training._splits import EvaluationBatches

MIXED = "mixed torch.Tensor and DTensor"
"""Part of torch's message where a network reads a weight that is not gathered."""
UNFIT = "FSDP expects"
"""The beginning of torch's messages where a block has weights that it does not gather together."""


class ShardedModule(RankedModule):
    """A `RankedModule` whose rank keeps its part of the weights, of their gradients, and of the optimiser's state.

    Args:
        arguments, named: see `RankedModule`.

    Raises:
        ValueError: a plugin brings the optimiser, or see `RankedModule`.
    """

    watch: Watch

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.published is not None and self.published.optimizer is not None:
            raise ValueError("an optimiser of a plugin is written for whole weights; leave out --strategy fsdp")

    def configure_model(self) -> None:
        """Shard the network; called by Lightning when the ranks have met."""
        assert self.device_mesh is not None
        self.watch = shard(self.network, self.device_mesh["data_parallel"])

    def training_step(self, chunk: Iterable[Tensor], chunk_index: int) -> None:
        """Take the steps of one chunk, which begins with the buffers of rank 0 everywhere, as under DDP."""
        with torch.no_grad():
            for buffer in self.network.buffers():
                send(buffer)
        self.watch.begin_chunk()
        with _explained():
            super().training_step(chunk, chunk_index)

    def differentiate(self, loss: Tensor, penalty: Tensor | None) -> Tensor:
        """Compute the gradients of the whole batch, and return the part of this rank in its loss."""
        self.watch.end_forward()
        noted = super().differentiate(loss, penalty)
        self.watch.note_gradients(self.network.parameters())
        return noted

    def collect(self, losses: list[Tensor]) -> Tensor:
        """Return the losses of whole batches, (steps,), if the ranks did the same in all steps."""
        self.watch.agree()
        return super().collect(losses)

    def score(self, batches: EvaluationBatches) -> None:
        """Score the test split together with the other ranks."""
        with _explained():
            super().score(batches)
        self.watch.agree()

    def whole(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return whole weights on rank 0, in host memory, and nothing on others; all ranks call it together."""
        current, found = self.network.state_dict(), {}
        for name, part in state.items():
            tensor: Any = as_shard(part, current[name])
            whole = tensor.full_tensor() if is_shard(tensor) else tensor
            if self.rank.leads:
                found[name] = whole.cpu() if isinstance(whole, Tensor) else whole  # what is no tensor is told later
        return found


def make_module(job: Job, *arguments: Any, **named: Any) -> TrialModule:
    """Return the training of a network, on one device or as one rank of several; see `TrialModule`.

    Args:
        job: says which rank, if there are several, and whether they share the weights out among them.
        arguments, named: of `TrialModule`.
    """
    if job.rank is None:
        return TrialModule(*arguments, **named)
    kind = ShardedModule if job.device.sharded else RankedModule
    return kind(job.rank, *arguments, **named)


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Say in words what it means that a network reads a weight that is not gathered, or cannot be sharded after all."""
    try:
        yield
    except AssertionError as error:
        if not str(error).startswith(UNFIT):
            raise
        raise ValueError(f"the weights cannot be sharded: {error}; {ADVICE}") from error
    except RuntimeError as error:
        if MIXED not in str(error):
            raise
        raise RuntimeError(
            "the network reads weights of a block outside of the block's forward pass, where they are sharded; leave "
            "out --strategy fsdp"
        ) from error
