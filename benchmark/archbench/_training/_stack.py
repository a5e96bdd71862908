"""The networks of several seeds as one batched network, and proof that it computes what each of them computes."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional

from archbench._declarations import IGNORED, Outputs
from archbench._training._stacked_layers import with_stacked_layers
from archbench._training._streaming import Batch
from archbench._training._streams import host_states
from archbench._training._updates import Updates

TOLERANCE = 1e-3
"""Largest difference of losses, gradients and buffers of one step, relative to the largest number of their tensor."""
CLIPPED = 0.1
"""Norm to which gradients are clipped for the comparison."""


class NotTogetherError(Exception):
    """The reason why seeds are trained one by one, in a few words."""


class DifferentError(NotTogetherError):
    """The batched network computes something else than the networks that it is made of."""


class Stack:
    """The networks of S seeds as one: the seed is the first axis of all its parameters and buffers.

    Args:
        networks: of one architecture; they stay as they are.
        loss: `cross_entropy` or `mean_squared_error`.

    Attributes:
        network: the code of the first network with the weights of all.

    Raises:
        NotTogetherError: the networks cannot be copied, or differ in more than their numbers.
    """

    def __init__(self, networks: Sequence[nn.Module], loss: str) -> None:
        self.seeds, self.loss = len(networks), loss
        self.network = with_stacked_layers(copy.deepcopy(networks[0]))
        parts = [dict(_tensors(network)) for network in networks]
        for name, tensor in _tensors(self.network):
            tensor.data = torch.stack([part[name].detach() for part in parts])
        self._call = vmap(self._forward, randomness="error")

    @torch.no_grad()
    def write_to(self, networks: Sequence[nn.Module]) -> None:
        """Copy the weights and buffers of each seed into its network.

        They cannot be views of the stacked ones: a recurrent layer on a GPU moves its weights to memory of its own.
        """
        stacked = dict(_tensors(self.network))
        for number, network in enumerate(networks):
            for name, tensor in _tensors(network):
                tensor.copy_(stacked[name][number])

    def losses(self, arguments: Sequence[Tensor], targets: Tensor) -> Tensor:
        """Return the training loss of each seed, (S,), given a batch of each, the seeds first."""
        return losses_of(self._call(dict(_tensors(self.network)), *arguments), targets, self.loss)

    def _forward(self, tensors: dict[str, Tensor], *arguments: Tensor) -> Tensor:
        answer = functional_call(self.network, tensors, arguments)
        if isinstance(answer, Outputs):
            raise NotTogetherError("it has auxiliary classifiers")
        assert isinstance(answer, Tensor)
        return answer

    def clip(self, most: float) -> None:
        """Clip the gradients of each seed to a norm, as `nn.utils.clip_grad_norm_` does for one network."""
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        norms = torch.stack([torch.linalg.vector_norm(g.reshape(self.seeds, -1), dim=1) for g in gradients])
        factors = torch.clamp(most / (torch.linalg.vector_norm(norms, dim=0) + 1e-6), max=1.0)  # (S,)
        for gradient in gradients:
            gradient.mul_(factors.view(-1, *[1] * (gradient.dim() - 1)))


def _tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    return chain(network.named_parameters(), network.named_buffers())


def losses_of(answers: Tensor, targets: Tensor, loss: str) -> Tensor:
    """Return the mean loss of each seed, (S,), given answers (S, B, ..., K) and targets (S, B, ...)."""
    if loss == "mean_squared_error":
        return (answers - targets).square().flatten(1).mean(1)
    flat = targets.flatten()
    each = functional.cross_entropy(answers.flatten(0, -2), flat, ignore_index=IGNORED, reduction="none")
    return each.view(len(targets), -1).sum(1) / (targets != IGNORED).flatten(1).sum(1)


Step = Callable[[Sequence[Tensor], Tensor, float | Tensor], Tensor]


def stack_batches(batches: Sequence[Batch]) -> tuple[list[Tensor], Tensor]:
    """Return the arguments and the targets of a batch of each seed, the seeds first."""
    arguments, targets = zip(*batches, strict=True)
    return [torch.stack(parts) for parts in zip(*arguments, strict=True)], torch.stack(targets)


def make_step(stack: Stack, optimizer: torch.optim.Optimizer, clip_norm: float | None) -> Step:
    """Return a function that takes one step of all seeds at a learning rate and returns their losses, (S,)."""
    updates = Updates(optimizer, None)

    def step(arguments: Sequence[Tensor], targets: Tensor, rate: float | Tensor) -> Tensor:
        losses = stack.losses(arguments, targets)
        updates.clear()
        losses.sum().backward()  # type: ignore[no-untyped-call]
        if clip_norm:
            stack.clip(clip_norm)
        updates.set_rate(rate)
        updates.apply()
        return losses.detach()

    return step


def compare(
    networks: Sequence[nn.Module],
    arguments: Sequence[Tensor],
    targets: Tensor,
    *,
    loss: str,
    control: Callable[[Any, Tensor], Tensor],
) -> float:
    """Return the largest difference between a training step of the batched network and one of each network.

    Args:
        networks: of several seeds; they stay as they are.
        arguments, targets: a batch of each seed, the seeds first.
        loss: name of the loss.
        control: the training loss of one network, given its answer and its targets.

    Raises:
        NotTogetherError: they cannot be trained as one network.
    """
    try:
        copies = [copy.deepcopy(network) for network in networks]
    except Exception as error:
        raise NotTogetherError(f"it cannot be copied: {_explain(error)}") from error
    before = host_states()
    try:
        stack = Stack(copies, loss)
        losses = stack.losses(arguments, targets)
        losses.sum().backward()  # type: ignore[no-untyped-call]
    except NotTogetherError:
        raise
    except Exception as error:
        raise NotTogetherError(_explain(error)) from error
    if host_states() != before:
        raise NotTogetherError("it draws random numbers in training, and each seed has a stream of its own")
    largest = 0.0
    for number, network in enumerate(copies):
        alone = control(network(*(argument[number] for argument in arguments)), targets[number])
        alone.backward()  # type: ignore[no-untyped-call]
        largest = max(largest, _distance(losses[number], alone), _difference(stack, number, network))
    stack.clip(CLIPPED)
    for number, network in enumerate(copies):
        nn.utils.clip_grad_norm_(network.parameters(), CLIPPED)
        largest = max(largest, _difference(stack, number, network))
    if not largest <= TOLERANCE:
        raise DifferentError(f"as one batched network it computes other numbers, by {largest:.2g} of the largest")
    return largest


def _difference(stack: Stack, number: int, network: nn.Module) -> float:
    """Return by how much the gradients and buffers of one seed differ from those of its network alone."""
    stacked = dict(_tensors(stack.network))
    pairs = [
        (stacked[name].grad, tensor.grad) if tensor.requires_grad else (stacked[name], tensor)
        for name, tensor in _tensors(network)
    ]
    if any((ours is None) != (alone is None) for ours, alone in pairs):
        return math.inf
    steepest = max((float(p.grad.abs().max()) for p in network.parameters() if p.grad is not None), default=0.0)
    # Where a gradient is 0 but for rounding, as that of a bias before batch normalisation, it has no size of its own.
    least = steepest / 1000
    return max(
        (_distance(ours[number], alone, least) for ours, alone in pairs if ours is not None and alone is not None),
        default=0.0,
    )


def _distance(one: Tensor, other: Tensor, least: float = 0.0) -> float:
    """Return the largest difference of two tensors, as a share of the largest number of the other, at least `least`."""
    one, other = _double(one), _double(other)
    finite = torch.isfinite(other)
    if not torch.equal(finite, torch.isfinite(one)):
        return math.inf
    one, other = one[finite], other[finite]  # a seed that diverges does so in either way
    distance = float((one - other).abs().max()) if other.numel() else 0.0
    return distance / max(float(other.abs().max()), least) if distance else 0.0


def _double(value: Tensor) -> Tensor:
    return value.detach().to(torch.complex128 if value.is_complex() else torch.float64)


def _explain(error: Exception) -> str:
    """Return in a few words why torch cannot batch a network."""
    text = " ".join(str(error).split())
    if "randomness" in text:
        return "it draws random numbers in training, and each seed has a stream of its own"
    if "does not have vmap support" in text or "setup_context" in text:
        return "an autograd.Function of its own has no vmap()"
    return f"torch cannot batch it: {type(error).__name__}: {text}"[:300]
