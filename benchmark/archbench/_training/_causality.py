"""A check that a network which must predict the next symbol, or a later number, cannot see it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from archbench._declarations import IGNORED, TaskInfo
from archbench._training._losses import logits_of


def asks_for_next(inputs: Tensor, targets: Tensor, info: TaskInfo) -> bool:
    """Return whether every target that counts is the input of the step after it, or of a later one for numbers.

    Args:
        inputs, targets: a few examples, (B, T), or (B, T, F) and (B, T, outputs) for numbers.
        info: the task; only one with an answer at every step can ask for what comes next.
    """
    if not info.per_step or info.kind == "image" or info.input_shape[0] < 2:
        return False
    if info.kind == "sequence":
        return targets.is_floating_point() and _asks_for_later_numbers(inputs, targets)
    asked = targets[:, :-1] != IGNORED
    return bool(asked.any()) and bool((targets[:, :-1] == inputs[:, 1:])[asked].all())


def _asks_for_later_numbers(inputs: Tensor, targets: Tensor) -> bool:
    """Return whether the first number that is asked for at each step is a feature at a later one."""
    asked, wanted = ~targets[..., 0].isnan(), targets[..., :1]  # (B, T), (B, T, 1)
    for ahead in range(1, inputs.shape[1]):
        here = asked[:, :-ahead]
        matches = (wanted[:, :-ahead] == inputs[:, ahead:]) | ~here[..., None]  # (B, T - ahead, F)
        known = wanted[:, :-ahead][here]
        if len(known) > 1 and bool((known != known[0]).any()) and bool(matches.all(1).all(0).any()):
            return True
    return False


def refuse_foresight(network: nn.Module, arguments: tuple[Tensor, ...], info: TaskInfo) -> None:
    """Raise if answers to early steps move when later inputs are changed.

    Args:
        network: stays in training or evaluation mode, whichever it is in.
        arguments: the arguments of the network for a few examples, the inputs (B, T) or (B, T, F) first.
        info: the task; the vocabulary of a task of symbols says which there are.

    Raises:
        ValueError: an answer before a step depends on that step.
    """
    inputs, *rest = arguments
    half = inputs.shape[1] // 2
    changed = inputs.clone()
    changed[:, half:] = changed[:, half:] + 1 if info.vocabulary is None else (changed[:, half:] + 1) % info.vocabulary
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            first, second = (logits_of(network(tokens, *rest))[:, :half] for tokens in (inputs, changed))
    finally:
        network.train(training)
    if first.dim() != 3:  # not (B, T, outputs); training reports the wrong shape
        return
    gap = float((first - second).abs().max())
    if gap > 1e-3 * max(1.0, float(first.abs().max())):
        raise ValueError(
            f"the network looks ahead: its answers to the first {half} steps move by {gap:.2g} when later inputs are "
            "changed, and here each input is the answer to a step before; mask what comes later where task.per_step"
        )
