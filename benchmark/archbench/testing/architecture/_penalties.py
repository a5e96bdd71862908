"""B209: penalties that a network returns beside its logits."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from archbench.testing._check import Check, Fault, NotApplicable
from archbench.testing.architecture._subject import Subject, logits_of, moved, penalties_of

BATCH = 6


def sound_penalties(subject: Subject) -> str:
    """Check that penalties are finite scalars which train the network and do not enter its logits.

    Returns:
        A note with the names of the penalties.

    Raises:
        NotApplicable: the network returns none.
    """
    names: dict[str, None] = {}
    for case in subject.main_cases:
        for training in (True, False):
            network = moved(subject.build(case)).train(training)
            output = network(case.inputs(BATCH))
            for name, (value, weight) in penalties_of(output).items():
                names[name] = None
                what = f"{case}: the penalty {name!r}"
                _check_value(what, value, weight)
                if training:
                    _check_gradient(what, value, network)
                _check_apart(what, value, logits_of(output), training=training)
    if not names:
        raise NotApplicable("it returns no penalties")
    return ", ".join(names)


def _check_value(what: str, value: Any, weight: Any) -> None:
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
        raise Fault(f"{what} has the weight {weight!r}, which is no finite number")
    if not isinstance(value, Tensor) or value.ndim:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise Fault(f"{what} is no scalar tensor: {shape}")
    if not torch.isfinite(value):
        raise Fault(f"{what} is {float(value)}")


def _check_gradient(what: str, value: Tensor, network: nn.Module) -> None:
    if not value.requires_grad:
        raise Fault(f"{what} has no gradient, so it changes nothing")
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    found = torch.autograd.grad(value, trained, retain_graph=True, allow_unused=True)
    gradients = [gradient for gradient in found if gradient is not None]
    if not all(bool(gradient.isfinite().all()) for gradient in gradients):
        raise Fault(f"{what} has a gradient that is not finite")
    if not any(bool(gradient.any()) for gradient in gradients):
        raise Fault(f"{what} has a gradient of zero for every parameter, so it changes nothing")


def _check_apart(what: str, value: Tensor, logits: Tensor, *, training: bool) -> None:
    if value.is_leaf or not logits.requires_grad:
        return
    (reached,) = torch.autograd.grad(logits.sum(), value, retain_graph=True, allow_unused=True)
    if reached is not None:
        raise Fault(f"{what} enters the logits in {'training' if training else 'evaluation'}, and so the scores")


CHECKS = (
    Check(
        "B209",
        "penalties beside the logits are scalars that train the network and change no score",
        sound_penalties,
        "return archbench.Outputs(logits, penalties={'name': (value.mean(), weight)}): value depends on parameters "
        "that are trained, and the logits do not depend on it",
        ("B103",),
    ),
)
