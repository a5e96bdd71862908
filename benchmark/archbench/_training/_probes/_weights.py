"""The weights of a network at one moment, to be kept, and their norms."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from archbench._training._probes._specimen import CannotMeasureError, Values


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Return a copy of all that a network calls its state, in host memory.

    Raises:
        CannotMeasureError: a part of it is no tensor, so that a file of weights cannot hold it.
    """
    state = network.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise CannotMeasureError(f"the network calls {name} its state, which is no tensor")
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in state.items()}


def norms(weights: Mapping[str, Tensor]) -> Values:
    """Return the Euclidean norm of each tensor, computed in double precision."""
    return Values.of((name, float(torch.linalg.vector_norm(_double(value)))) for name, value in weights.items())


def _double(value: Tensor) -> Tensor:
    return value.to(torch.complex128 if value.is_complex() else torch.float64)
