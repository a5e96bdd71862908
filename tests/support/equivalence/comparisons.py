"""A comparison: numbers of a faster form beside those of its control, with the tolerance that is promised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Compared = Iterator[tuple[Tensor, Tensor]]
"""Tensors of the faster form, each with that of its control."""


@dataclass(frozen=True)
class Comparison:
    """A faster form and its control.

    Args:
        speed_up: what was made faster.
        control: the readable form that it must agree with.
        test: the test that holds it, `file::function`.
        inputs: what both are given.
        compute: yields the numbers of both.
        tolerance: largest relative difference that is promised; 0 for equal bits.
    """

    speed_up: str
    control: str
    test: str
    inputs: str
    compute: Callable[[], Compared]
    tolerance: float = 0.0

    def row(self) -> dict[str, Any]:
        """Return the largest differences, and how many numbers were compared; NaN anywhere makes them NaN.

        A relative difference is taken over the largest number of its tensor, since single ones may be 0.
        """
        count, absolute, relative = 0, torch.zeros(()).double(), torch.zeros(()).double()
        for tensors in self.compute():
            found, expected = (tensor.detach().double() for tensor in tensors)
            difference = (found - expected).abs().max()
            count += expected.numel()
            absolute = torch.maximum(absolute, difference)
            relative = torch.maximum(relative, difference / expected.abs().max().clamp(min=1e-300))
        words = {name: getattr(self, name) for name in ("speed_up", "control", "test", "inputs", "tolerance")}
        return {**words, "n": count, "absolute": float(absolute), "relative": float(relative)}


def with_gradients(outputs: Sequence[Tensor], inputs: Sequence[Iterable[Tensor]]) -> Compared:
    """Yield the outputs of both forms, and the gradients of a random sum of them in the inputs that matter."""
    found, expected = outputs
    weight = torch.randn(expected.shape, dtype=expected.dtype, generator=torch.Generator().manual_seed(0))
    yield found, expected
    gradients = (
        torch.autograd.grad((y * weight).sum(), list(x), allow_unused=True)
        for y, x in zip(outputs, inputs, strict=True)
    )
    yield from (pair for pair in zip(*gradients, strict=True) if pair != (None, None))


def both_forms(forms: Sequence[Callable[..., Tensor]], inputs: Sequence[Tensor]) -> Compared:
    """Yield what two functions make of the same inputs, with the gradients in all of them."""
    yield from with_gradients([form(*inputs) for form in forms], [inputs, inputs])


def leaf(*size: int, kind: torch.dtype, scale: float = 1.0) -> Tensor:
    """Return normal numbers that ask for their gradient."""
    return (scale * torch.randn(*size, dtype=kind)).requires_grad_()


def parameters_and(x: Tensor, *networks: nn.Module) -> list[list[Tensor]]:
    """Return, for each network, the input and its parameters."""
    return [[x, *network.parameters()] for network in networks]
