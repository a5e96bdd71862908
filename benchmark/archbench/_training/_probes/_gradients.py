"""The probes `gradient`, `block-gradient` and `time-gradient`: norms of the gradient of the training loss."""

from __future__ import annotations

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
    squares = [gradient.double().square().sum() for gradient in gradients if gradient is not None]
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
    gradient = _token_gradient(specimen) if specimen.info.kind == "tokens" else _input_gradient(specimen)
    norms = gradient.double().square().transpose(0, 1).flatten(1).sum(1).sqrt()  # (T,)
    return Values.of((str(step), norm) for step, norm in enumerate(norms.tolist()))


def _input_gradient(specimen: Specimen) -> Tensor:
    """Return dL/dx, (B, T, features)."""
    inputs, *others = specimen.arguments
    inputs = inputs.clone().requires_grad_()
    loss = specimen.loss(specimen.network.train()(inputs, *others), specimen.targets)
    return _gradient(loss, inputs)


def _token_gradient(specimen: Specimen) -> Tensor:
    """Return the gradient in the output of the first embedding, (B, T, features)."""
    found: list[Tensor] = []

    def keep(module: nn.Module, inputs: Any, output: Tensor) -> None:
        found.append(output)

    for module in specimen.network.modules():
        if isinstance(module, nn.Embedding):
            module.register_forward_hook(keep)
    loss = specimen.training_loss()
    if not found:
        raise CannotMeasureError("the network calls no nn.Embedding")
    if found[0].shape[:2] != specimen.arguments[0].shape[:2]:
        raise CannotMeasureError(f"the first nn.Embedding gives {tuple(found[0].shape)}, not (batch, steps, features)")
    return _gradient(loss, found[0])


def _gradient(loss: Tensor, tensor: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(loss, [tensor], allow_unused=True)
    return torch.zeros_like(tensor) if gradient is None else gradient
