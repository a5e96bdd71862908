"""Optimisers that a plugin makes for its own recipe: made, checked, and put into a form that a file can hold."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from archbench._declarations import resolve
from archbench._protocols import Recipe


class PackingError(Exception):
    """The state of an optimiser has something that a file of a training cannot hold."""


def make_foreign(target: str | Callable[..., Any], network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimiser that a plugin makes; each group has the factor on the learning rate of the schedule.

    Raises:
        TypeError: it is none of torch's, or a step of it needs more than gradients.
        ValueError: it does not have all trainable parameters, or a group without a learning rate.
    """
    optimizer = resolve(target)(network, recipe)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"the own optimiser is {type(optimizer).__name__}, not a torch.optim.Optimizer")
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise TypeError(
            f"a step of {type(optimizer).__name__} calls the network several times; a trial takes one forward pass for "
            "each step, so that steps can be compared"
        )
    _check_parameters(optimizer, network)
    for group in optimizer.param_groups:
        if not isinstance(group.get("lr"), int | float | Tensor):
            raise ValueError(f"a group of {type(optimizer).__name__} has no learning rate `lr`")
        group["share"] = float(group["lr"]) / recipe.learning_rate
    return optimizer


def _check_parameters(optimizer: torch.optim.Optimizer, network: nn.Module) -> None:
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    left = [name for name, p in network.named_parameters() if p.requires_grad and id(p) not in held]
    if left:
        raise ValueError(
            f"the own optimiser leaves out {len(left)} trainable parameters, such as {left[0]}; what is not trained "
            "needs requires_grad_(False)"
        )


def pack(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return a state as plain data for JSON, with its tensors put into `tensors` under names that begin with `name`.

    Raises:
        PackingError: it holds something else than tensors, numbers, texts, lists, tuples and dictionaries.
    """
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"items": [[pack(key, "", {}), pack(item, f"{name}.{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        packed = [pack(item, f"{name}.{place}", tensors) for place, item in enumerate(value)]
        return {type(value).__name__: packed} if type(value) in (list, tuple) else _refuse(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value if value is None or type(value) in (bool, int, float, str) else _refuse(value)


def _refuse(value: Any) -> Any:
    raise PackingError(f"its optimiser keeps an object of type {type(value).__name__}")


def unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return the state that `pack` was given."""
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    match kind:
        case "tensor":
            return tensors[inner]
        case "items":
            return {unpack(key, tensors): unpack(item, tensors) for key, item in inner}
        case "float":
            return float(inner)
        case _:
            return (list if kind == "list" else tuple)(unpack(item, tensors) for item in inner)
