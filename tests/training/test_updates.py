"""Clipping and applying gradients gives the bits that torch's own functions give."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from archbench._training._optimizers import make_optimizer
from archbench._training._updates import Updates
from support import house_recipe

STEPS = 8


def build() -> nn.ModuleDict:
    """Return a network whose middle layer may be skipped."""
    torch.manual_seed(0)
    return nn.ModuleDict({"first": nn.Linear(6, 5), "middle": nn.Linear(5, 5), "last": nn.Linear(5, 3)})


def train(network: nn.ModuleDict, update: Callable[[int], None], skipped: tuple[int, ...]) -> None:
    """Take steps in which the middle layer gets no gradient where it is skipped."""
    draw = torch.Generator().manual_seed(1)
    for step in range(STEPS):
        x = network["first"](torch.randn(4, 6, generator=draw) * 10)
        x = x if step in skipped else network["middle"](x)
        for parameter in network.parameters():
            parameter.grad = None
        network["last"](x).square().mean().backward()
        update(step)


@pytest.mark.parametrize(
    ("changes", "skipped"),
    [
        ({}, ()),
        ({}, (0, 1, 4)),
        ({"optimizer": "adam", "weight_decay": 0.1, "betas": (0.8, 0.95)}, (0, 1, 4)),
        ({"weight_decay": 0.1, "decay_biases": False, "bias_rate": 2.0}, (2,)),
        ({"clip_norm": 0.001}, (0, 1, 4)),
        ({"optimizer": "nesterov", "momentum": 0.9}, ()),
        ({"optimizer": "rmsprop"}, (0, 1, 4)),
    ],
)
def test_same_bits_as_torch(changes: dict[str, object], skipped: tuple[int, ...]) -> None:
    """Weights are those of `clip_grad_norm_` and `Optimizer.step`, also with layers that have no gradient at times."""
    recipe = house_recipe(**changes)
    ours, theirs = build(), build()
    optimizer, reference = make_optimizer(ours, recipe), make_optimizer(theirs, recipe)
    updates = Updates(optimizer, recipe.clip_norm)

    def update_ours(step: int) -> None:
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * (step + 1) * group["share"]
        if updates.clip_norm:
            updates.clip()
        updates.apply()

    def update_theirs(step: int) -> None:
        for group in reference.param_groups:
            group["lr"] = 0.01 * (step + 1) * group["share"]
        if recipe.clip_norm:
            trained = [parameter for group in reference.param_groups for parameter in group["params"]]
            nn.utils.clip_grad_norm_(trained, recipe.clip_norm)
        reference.step()

    train(ours, update_ours, skipped)
    train(theirs, update_theirs, skipped)

    before = build().state_dict()
    for name, value in ours.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name])
        assert not torch.equal(value, before[name])


def test_parameters_in_double_precision() -> None:
    """A network with parameters of two types is trained as torch trains it."""
    networks = [build(), build()]
    for network in networks:
        network["last"].double()
    recipe = house_recipe()
    updates = Updates(make_optimizer(networks[0], recipe), recipe.clip_norm)
    reference = make_optimizer(networks[1], recipe)
    for network in networks:
        for number, parameter in enumerate(network.parameters()):
            parameter.grad = torch.full_like(parameter, number + 1)
    updates.clip()
    updates.apply()
    nn.utils.clip_grad_norm_(networks[1].parameters(), recipe.clip_norm)
    reference.step()

    for ours, theirs in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_cleared_gradients_are_gone() -> None:
    """No gradient of a step reaches the next."""
    network = build()
    updates = Updates(make_optimizer(network, house_recipe()), 1.0)
    network["last"](torch.ones(1, 5)).sum().backward()
    updates.clear()

    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd", "nesterov"])
def test_parameters_are_updated_in_one_call(name: str) -> None:
    """Optimisers that torch has a fused kernel for use it; without it steps are slower, and other bits can come out."""
    momentum = 0.9 if name == "nesterov" else 0.0
    optimizer = make_optimizer(build(), house_recipe(optimizer=name, momentum=momentum))

    assert [group["fused"] for group in optimizer.param_groups] == [True]
