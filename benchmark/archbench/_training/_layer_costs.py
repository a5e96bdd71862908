"""The costs of layers over several steps."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from torch import nn

from archbench._planning._profile import Layer
from archbench._training._layers import LayerStep, LayerTimes


def describe_layers(network: nn.Module, steps: Sequence[LayerStep]) -> list[Layer]:
    """Return the cost of every module that ran in some step, in the order of execution, then the leaves that never did.

    Args:
        network: the network.
        steps: at least one; modules may be missing in some.
    """
    modules = dict(network.named_modules())
    ran = merge_orders(step.layers for step in steps)
    never = [name for name, module in modules.items() if name not in ran and _is_leaf(module)]
    return [_describe(name, modules[name], steps) for name in [*ran, *never]]


def merge_orders(orders: Iterable[Iterable[str]]) -> list[str]:
    """Return all names in one order; a name that is missing in the first comes after the one that it follows."""
    merged: list[str] = []
    for order in orders:
        place = 0
        for name in order:
            if name not in merged:
                merged.insert(place, name)
            place = merged.index(name) + 1
    return merged


def _describe(name: str, module: nn.Module, steps: Sequence[LayerStep]) -> Layer:
    ran = [step.layers[name] for step in steps if name in step.layers]
    own = [parameter for parameter in module.parameters(recurse=False) if parameter.requires_grad]
    return Layer(
        name=name,
        type=type(module).__name__,
        leaf=_is_leaf(module),
        calls=sum(times.calls for times in ran) / len(steps),
        forward_seconds=_typical(ran, len(steps), lambda times: times.forward),
        backward_seconds=_typical(ran, len(steps), lambda times: times.backward),
        parameters=sum(parameter.numel() for parameter in own),
        output_bytes=max(times.output_bytes for times in ran) if ran and _is_leaf(module) else None,
    )


def _typical(ran: Sequence[LayerTimes], steps: int, read: Callable[[LayerTimes], float | None]) -> float | None:
    """Return the median over the steps that have a value, times the share of those steps; None if none has."""
    known = [value for value in map(read, ran) if value is not None]
    return statistics.median(known) * len(known) / steps if known else None


def _is_leaf(module: nn.Module) -> bool:
    return next(module.children(), None) is None
