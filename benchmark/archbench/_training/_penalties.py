"""Penalties that a network returns beside its logits: part of what training minimises, and kept apart from the loss."""

from __future__ import annotations

import torch
from torch import Tensor

from archbench._declarations import Outputs


def total_penalty(outputs: Tensor | Outputs) -> Tensor | None:
    """Return the weighted sum of the penalties among the outputs of a network, (); None if there are none.

    Raises:
        ValueError: a penalty is no scalar. Broadcasting it would train on the wrong thing in silence.
    """
    if not isinstance(outputs, Outputs) or not outputs.penalties:
        return None
    for name, (value, _) in outputs.penalties.items():
        if value.ndim:
            raise ValueError(f"the penalty {name!r} has the shape {tuple(value.shape)}; return a scalar, as its mean")
    return torch.stack([weight * value for value, weight in outputs.penalties.values()]).sum()


class Penalties:
    """The penalties of the steps of a training.

    Attributes:
        chunks: the penalties of each chunk, (steps of the chunk,); zeros where a step had none.
        seen: whether a step had any.
    """

    def __init__(self) -> None:
        self.chunks: list[Tensor] = []
        self.seen = False
        self._running: dict[int, Tensor] = {}

    def note(self, offset: int, penalty: Tensor) -> None:
        """Keep the penalty of a step of the chunk that is under way."""
        self.seen = True
        self._running[offset] = penalty.detach()

    def end_chunk(self, steps: int) -> None:
        """Close the chunk that is under way, which has this number of steps."""
        chunk = torch.zeros(steps)
        if self._running:
            chunk[list(self._running)] = torch.stack(list(self._running.values())).float().cpu()
        self.chunks.append(chunk)
        self._running = {}

    def mean(self, at: int) -> float | None:
        """Return the mean of the chunk at an index; None if the network returns no penalties."""
        return float(self.chunks[at].mean()) if self.seen else None

    def state(self) -> dict[str, Tensor]:
        """Return what goes on in another process, by name; empty if the network returns no penalties."""
        return {"penalties": torch.cat(self.chunks)} if self.seen else {}

    def restore(self, values: Tensor | None, sizes: list[int]) -> None:
        """Put back the penalties of chunks of these sizes; None where none was kept."""
        self.seen = values is not None
        self.chunks = list(torch.split(torch.zeros(sum(sizes)) if values is None else values, sizes))
