"""B2xx: the whole network takes part in training, and training works."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from archbench.testing._check import Check, Fault
from archbench.testing.architecture._subject import (
    Case,
    Subject,
    all_logits,
    first_few,
    logits_of,
    penalties_of,
    without_dropout,
)

OVERFIT_EXAMPLES = 8
OVERFIT_STEPS = 150
LEARNING_RATES = (1e-2, 1e-3)


def nothing_hidden(subject: Subject) -> None:
    """Check that modules and trainable tensors in plain attributes, lists and dictionaries are registered."""
    for case in subject.main_cases:
        network = subject.build(case)
        known = {id(item) for item in [*network.modules(), *network.parameters()]}
        hidden = [where for where, item in _reachable(network) if id(item) not in known]
        if hidden:
            raise Fault(f"{case}: not in .parameters(): {first_few(hidden)}")


def _reachable(network: nn.Module) -> Iterator[tuple[str, Any]]:
    """Yield every module and trainable tensor in plain attributes, with the place where it is."""
    for name, module in network.named_modules():
        for attribute, value in vars(module).items():
            if attribute not in ("_parameters", "_buffers", "_modules"):
                yield from _inside(value, f"{name}.{attribute}".lstrip("."), depth=3)


def _inside(value: Any, where: str, *, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, nn.Module) or (isinstance(value, Tensor) and value.requires_grad and value.is_leaf):
        yield where, value
    elif isinstance(value, (list, tuple, dict)) and depth:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _inside(item, f"{where}[{key!r}]", depth=depth - 1)


def gradient_everywhere(subject: Subject) -> None:
    """Check that each parameter gets a gradient on each of three batches, and one that is not zero on at least one.

    A step is taken after each batch: a residual branch that starts at zero, which is good practice, keeps the gradient
    from the layers before it on the first batch only.
    """
    for case in subject.main_cases:
        network = without_dropout(subject.build(case))
        missing, zero = _gradients(network, case)
        names = [name for name, _ in network.named_parameters()]
        patterns = subject.architecture.unused_parameters
        idle = [p for p in patterns if not fnmatch.filter(names, p)]
        if idle:
            raise Fault(f"{case}: unused_parameters has {idle[0]!r}, which matches no parameter")
        for found, what in ((missing, "no gradient on some batch"), (zero, "a gradient of zero on all batches")):
            left = [name for name in found if not any(fnmatch.fnmatchcase(name, p) for p in patterns)]
            if left:
                raise Fault(f"{case}: {what}: {first_few(left)}")


def _gradients(network: nn.Module, case: Case) -> tuple[list[str], list[str]]:
    """Train for three batches and return the names of parameters without a proper gradient.

    Returns:
        The parameters without a gradient on some batch, and those whose gradient is zero on all of them.
    """
    trainable = {name: p for name, p in network.named_parameters() if p.requires_grad}
    missing: dict[str, None] = {}
    moved: set[str] = set()
    optimizer = torch.optim.SGD(trainable.values(), lr=0.01)
    for batch in range(3):
        network.zero_grad(set_to_none=True)
        # Random weights instead of the mean, whose gradient is the same for all outputs: a norm at the end makes it 0.
        output = network(case.inputs(6, seed=batch))
        terms = [(logits * torch.randn_like(logits)).sum() for logits in all_logits(output)]
        terms += [value for value, _ in penalties_of(output).values() if isinstance(value, Tensor) and not value.ndim]
        torch.autograd.backward(torch.stack(terms).sum())
        missing |= dict.fromkeys(name for name, p in trainable.items() if p.grad is None)
        moved |= {name for name, p in trainable.items() if p.grad is not None and bool(p.grad.any())}
        nn.utils.clip_grad_norm_(trainable.values(), 1.0)
        optimizer.step()
    return list(missing), [name for name in trainable if name not in moved and name not in missing]


def overfits(subject: Subject) -> str:
    """Check that Adam, at one of two learning rates, learns eight examples of noise by heart.

    Returns:
        A note with the loss that was reached for each kind of input.
    """
    notes = []
    for case in subject.main_cases:
        goal = 0.1 * math.log(case.info.outputs)
        losses = []
        for rate in LEARNING_RATES:
            losses.append(_overfit(without_dropout(subject.build(case)), case, rate, goal))
            if losses[-1] < goal:
                break
        if not min(losses) < goal:
            raise Fault(
                f"{case}: the loss on {OVERFIT_EXAMPLES} examples is still {min(losses):.3g} after {OVERFIT_STEPS} "
                f"steps (chance {math.log(case.info.outputs):.3g}, goal {goal:.3g})"
            )
        notes.append(f"{min(losses):.2g}")
    return f"loss {', '.join(notes)}"


def _overfit(network: nn.Module, case: Case, rate: float, goal: float) -> float:
    """Train until the loss is below the goal, and return the last loss."""
    inputs, targets = case.inputs(OVERFIT_EXAMPLES), case.targets(OVERFIT_EXAMPLES)
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=rate)
    loss = math.inf
    for _ in range(OVERFIT_STEPS):
        loss = train_step(network, optimizer, inputs, targets)
        if loss < goal or not math.isfinite(loss):
            break
    return loss


def train_step(network: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> float:
    """Take one step on the cross-entropy and return the loss before it."""
    optimizer.zero_grad(set_to_none=True)
    loss = cross_entropy(logits_of(network(inputs.clone())).flatten(0, -2), targets.flatten())
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return loss.item()


CHECKS = (
    Check(
        "B201",
        "no module or parameter is hidden from .parameters()",
        nothing_hidden,
        "use nn.ModuleList, nn.ModuleDict, nn.ParameterList or nn.Parameter: a plain list is not trained, saved or "
        "moved",
        ("B101",),
    ),
    Check(
        "B202",
        "the gradient reaches every parameter",
        gradient_everywhere,
        "remove what forward() does not use, look for detach() and argmax(); if some batches rightly leave "
        "parameters out, name these in unused_parameters: training over several devices must know them",
        ("B103", "B201"),
    ),
    Check(
        "B203",
        "learns eight examples by heart",
        overfits,
        "the outputs may not depend on the inputs, or the signal dies on its way: look at the initialisation, the "
        "scale of the logits and saturated units",
        ("B202", "B206"),
    ),
)
