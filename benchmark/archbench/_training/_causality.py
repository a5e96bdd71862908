"""A check that a network which must predict the next symbol cannot see it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from archbench._declarations import IGNORED, Outputs, TaskInfo


def asks_for_next(inputs: Tensor, targets: Tensor, info: TaskInfo) -> bool:
    """Return whether every target that counts is the input of the step after it.

    Args:
        inputs, targets: a few examples, (B, T).
        info: the task; only symbols with an answer at every step can ask for the next symbol.
    """
    if info.kind != "tokens" or not info.per_step or info.input_shape[0] < 2:
        return False
    asked = targets[:, :-1] != IGNORED
    return bool(asked.any()) and bool((targets[:, :-1] == inputs[:, 1:])[asked].all())


def refuse_foresight(network: nn.Module, arguments: tuple[Tensor, ...], info: TaskInfo) -> None:
    """Raise if answers to early steps move when later inputs are changed.

    Args:
        network: stays in training or evaluation mode, whichever it is in.
        arguments: the arguments of the network for a few examples, the inputs (B, T) first.
        info: the task; its vocabulary says which symbols there are.

    Raises:
        ValueError: an answer before a step depends on that step.
    """
    inputs, *rest = arguments
    assert info.vocabulary is not None
    half = inputs.shape[1] // 2
    changed = inputs.clone()
    changed[:, half:] = (changed[:, half:] + 1) % info.vocabulary
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            first, second = (_logits(network(tokens, *rest))[:, :half] for tokens in (inputs, changed))
    finally:
        network.train(training)
    if first.dim() != 3:  # not (B, T, outputs); training reports the wrong shape
        return
    gap = float((first - second).abs().max())
    if gap > 1e-3 * max(1.0, float(first.abs().max())):
        raise ValueError(
            f"the network looks ahead: its answers to the first {half} steps move by {gap:.2g} when later inputs are "
            "changed, and here each input is the answer to the step before; mask what comes later where task.per_step"
        )


def _logits(outputs: Tensor | Outputs) -> Tensor:
    return outputs.logits if isinstance(outputs, Outputs) else outputs
