"""The probes `gradient`, `block-gradient` and `time-gradient`: norms of the gradient of the training loss."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from archbench._training._probes._blocks import find_blocks, watched
from archbench._training._probes._specimen import CannotMeasureError, Specimen, Values


def gradient_of_layers(specimen: Specimen) -> Values:
    """Return the norm of the gradient of the training loss for the parameters of each layer.

    A layer is a module that owns trainable parameters itself; parameters that several share belong to the first. The
    network is in training mode. A layer that the loss does not depend on, because it was dropped, has norm 0.
    """
    layers = dict(_layers(specimen.network))
    parameters = [parameter for owned in layers.values() for parameter in owned]
    gradients = iter(torch.autograd.grad(specimen.training_loss(), parameters, allow_unused=True))
    return Values.of((name, _norm([next(gradients) for _ in owned])) for name, owned in layers.items())


def _layers(network: nn.Module) -> Iterator[tuple[str, list[nn.Parameter]]]:
    seen: set[int] = set()
    for name, module in network.named_modules():
        owned = [p for p in module.parameters(recurse=False) if p.requires_grad and id(p) not in seen]
        seen.update(map(id, owned))
        if owned:
            yield name or "network", owned


def _norm(gradients: list[Tensor | None]) -> float:
    squares = [gradient.abs().double().square().sum() for gradient in gradients if gradient is not None]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0


def gradient_of_blocks(specimen: Specimen) -> Values:
    """Return the norm of the gradient of the training loss for the output of each block, over the whole batch.

    It is the error that reaches a block, delta in the words of back-propagation. The gradient for the parameters is
    that error times what comes in: where the error falls from layer to layer towards the input and the signal falls
    towards the loss, it stays level. The network is in training mode.
    """
    blocks = find_blocks(specimen.network)
    with watched(blocks) as calls:
        loss = specimen.training_loss()
    gradients = torch.autograd.grad(loss, [calls[block.name].left for block in blocks], allow_unused=True)
    return Values.of((block.name, _norm([gradient])) for block, gradient in zip(blocks, gradients, strict=True))


def gradient_of_steps(specimen: Specimen) -> Values:
    """Return the norm of the gradient of the training loss for the input of each time step, over the whole batch.

    The network is in training mode. For tokens, it is the gradient for the output of the `nn.Embedding` that is called
    first.
    """
    if specimen.info.kind == "image":
        raise CannotMeasureError("images have no time steps")
    with differentiable_input(specimen) as (arguments, inputs):
        loss = specimen.loss(specimen.network.train()(*arguments), specimen.targets)
    gradient = gradient_of_input(loss, inputs)
    if gradient.shape[:2] != specimen.arguments[0].shape[:2]:
        raise CannotMeasureError(f"the first nn.Embedding gives {tuple(gradient.shape)}, not (batch, steps, features)")
    norms = gradient.double().square().transpose(0, 1).flatten(1).sum(1).sqrt()  # (T,)
    return Values.of((str(step), norm) for step, norm in enumerate(norms.tolist()))


@contextlib.contextmanager
def differentiable_input(specimen: Specimen) -> Iterator[tuple[tuple[Tensor, ...], list[Tensor]]]:
    """Yield the arguments of the network, and a list that holds the input after a forward pass.

    That input has a gradient. For tokens, it is the output of the `nn.Embedding` that is called first.
    """
    first, *others = specimen.arguments
    if first.is_floating_point():
        first = first.detach().requires_grad_()
        yield (first, *others), [first]
        return
    found: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
        found.append(output)

    embeddings = [module for module in specimen.network.modules() if isinstance(module, nn.Embedding)]
    handles = [embedding.register_forward_hook(keep) for embedding in embeddings]
    try:
        yield specimen.arguments, found
    finally:
        for handle in handles:
            handle.remove()


def gradient_of_input(loss: Tensor, inputs: list[Tensor]) -> Tensor:
    """Return the gradient of a loss in what `differentiable_input` found; 0 where the loss does not depend on it.

    Raises:
        CannotMeasureError: tokens were read by no `nn.Embedding`.
    """
    if not inputs:
        raise CannotMeasureError("the network calls no nn.Embedding")
    (gradient,) = torch.autograd.grad(loss, inputs[:1], allow_unused=True)
    return torch.zeros_like(inputs[0]) if gradient is None else gradient
