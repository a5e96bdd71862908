"""The optimisers that recipes may name, made from those of torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from archbench._declarations import Published
from archbench._protocols import Recipe
from archbench._training._foreign_optimizer import make_foreign
from archbench._training._shards import is_sharded


def make_optimizer(network: nn.Module, recipe: Recipe, published: Published | None = None) -> torch.optim.Optimizer:
    """Return the optimiser of a recipe; that of its plugin, if the recipe as it was published names one.

    Where torch has a fused kernel, it updates all parameters in one call; it has none for complex ones. Each group of
    parameters has an entry `share`, the factor on the learning rate of the schedule.
    """
    if published is not None and published.optimizer is not None:
        return make_foreign(published.optimizer, network, recipe)
    groups: Any = _groups(network, recipe)
    rate, momentum = recipe.learning_rate, recipe.momentum
    fused = not any(parameter.is_complex() for group in groups for parameter in group["params"])
    match recipe.optimizer:
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, betas=recipe.betas, fused=fused)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, betas=recipe.betas, fused=fused)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, momentum=momentum)
        case "sgd" | "nesterov":
            nesterov = recipe.optimizer == "nesterov"
            fused = fused and not is_sharded(network)  # torch has no kernel of it for sharded weights
            return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=nesterov, fused=fused)
        case "custom":
            raise ValueError("the recipe names an optimiser of a plugin, and the plugin gives none")


def _groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the trainable parameters in one group, or in two where the recipe treats biases differently."""
    trained = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    if recipe.decay_biases and recipe.bias_rate == 1:
        return [{"params": [p for _, p in trained], "weight_decay": recipe.weight_decay, "share": 1.0}]
    biases = [p for name, p in trained if _is_bias(name)]
    others = [p for name, p in trained if not _is_bias(name)]
    decay = recipe.weight_decay if recipe.decay_biases else 0.0
    groups = [
        {"params": others, "weight_decay": recipe.weight_decay, "share": 1.0},
        {"params": biases, "weight_decay": decay, "share": recipe.bias_rate},
    ]
    return [group for group in groups if group["params"]]


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].startswith("bias")  # `bias`, and `bias_ih_l0` of torch's recurrent layers
