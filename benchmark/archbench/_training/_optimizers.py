"""The optimisers of recipes, as torch has them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from archbench._protocols import Recipe


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser of a recipe; where torch has one, the fused kernel updates all parameters in one call.

    Each group of parameters has the entry `share`: by what the learning rate of the schedule is multiplied for it.
    """
    groups: Any = _groups(network, recipe)
    rate, momentum = recipe.learning_rate, recipe.momentum
    match recipe.optimizer:
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, betas=recipe.betas, fused=True)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, betas=recipe.betas, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, momentum=momentum)
        case "sgd" | "nesterov":
            nesterov = recipe.optimizer == "nesterov"
            return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=nesterov, fused=True)


def _groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """All trainable parameters in one group; two where biases are treated in their own way."""
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
