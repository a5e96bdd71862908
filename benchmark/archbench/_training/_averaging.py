"""The exponential average of the weights over the steps, which is evaluated in the place of the weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archbench._training._shards import local


class WeightAverage:
    """The average of all parameters and buffers that are real or complex numbers.

    It begins with the weights after the first step: `average = decay * average + (1 - decay) * weights` from then on.
    Other buffers, such as the number of batches of a norm, are not averaged.

    Args:
        network: whose weights are averaged.
        decay: weight of the average so far.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.average: dict[str, Tensor] = {}
        self._places = _places(network)

    @property
    def weights(self) -> dict[str, Tensor]:
        """The weights of the network as they are now, by name; if they are sharded, the part of this rank."""
        return {name: local(holder[key].detach()) for name, (holder, key) in self._places.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights after a step into the average."""
        weights = self.weights
        if self.average:
            torch._foreach_lerp_(list(self.average.values()), list(weights.values()), 1 - self.decay)
        else:
            self.average = {name: value.clone() for name, value in weights.items()}

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the network have the average meanwhile."""
        kept = {name: value.clone() for name, value in self.weights.items()}
        self.put()
        try:
            yield
        finally:
            self._write(kept)

    def put(self) -> None:
        """Give the average to the network for good."""
        self._write(self.average)

    def state(self) -> dict[str, Tensor]:
        """Return what goes on in another process, by name."""
        return {f"average.{name}": value for name, value in self.average.items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned, found among other tensors."""
        self.average = {
            name: torch.empty_like(value).copy_(tensors[f"average.{name}"]) for name, value in self.weights.items()
        }

    @torch.no_grad()
    def _write(self, values: Mapping[str, Tensor]) -> None:
        weights = self.weights
        for name, value in values.items():
            weights[name].copy_(value)


def _places(network: nn.Module) -> dict[str, tuple[dict[str, Any], str]]:
    """Return where each real or complex parameter and buffer is kept, once where several names share it.

    A network may put another tensor in the place of a buffer, so the tensors themselves cannot be kept.
    """
    places: dict[str, tuple[dict[str, Any], str]] = {}
    seen: set[int] = set()
    for prefix, module in network.named_modules():
        holders: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for holder in holders:
            for key, value in holder.items():
                if value is not None and _is_averaged(value) and id(value) not in seen:
                    seen.add(id(value))
                    places[f"{prefix}.{key}" if prefix else key] = (holder, key)
    return places


def _is_averaged(value: Tensor) -> bool:
    return value.is_floating_point() or value.is_complex()
