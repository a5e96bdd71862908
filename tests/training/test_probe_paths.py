"""A residual network is the sum of its paths: in the output and in the gradient."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from archbench._training._probes._blocks import find_blocks
from archbench._training._probes._paths import contributions_of_paths, gradient_through, separated_outputs
from archbench._training._probes._specimen import CannotMeasureError, Specimen
from support.residual import Residual, Scaled, make_specimen


def branch() -> nn.Sequential:
    """A branch that is not linear."""
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 4))


def residual(blocks: int) -> Specimen:
    """A network of such blocks in double precision, between a linear bottom and a linear head without a bias."""
    torch.manual_seed(0)
    layers = [Scaled(branch(), 0.8) for _ in range(blocks)]
    network = Residual(*layers, bottom=nn.Linear(3, 4), head=nn.Linear(4, 2, bias=False)).double()
    return make_specimen(network, torch.randn(6, 3).double(), targets=torch.randn(6, 2).double())


def size(x: Tensor) -> float:
    """The root mean square."""
    return float(x.detach().square().mean().sqrt())


def test_a_block_separates_into_a_short_and_a_long_net() -> None:
    """The output of bottom, block and head is that of a short net plus that of a long one, which share the bottom."""
    specimen = residual(1)
    network, (x,) = specimen.network, specimen.arguments
    short, long = separated_outputs(specimen, find_blocks(network))
    bottom = network.bottom(x)

    assert torch.allclose(short, network.head(0.8 * bottom))
    assert torch.allclose(long, network.head(network.blocks[0].F(bottom)))
    assert torch.allclose(short + long, network(x))
    values = contributions_of_paths(specimen)
    assert values.names == ["gradient 0", "gradient 1", "output 0", "output 1"]
    assert values.values[2:] == pytest.approx([size(short), size(long)])


def test_two_blocks_separate_into_their_paths() -> None:
    """The terms of two blocks add up to the output, and each is that of a net made by hand."""
    specimen = residual(2)
    network: Any = specimen.network
    (x,) = specimen.arguments
    terms = separated_outputs(specimen, find_blocks(network))
    (first, second), bottom = network.blocks, network.bottom(x)

    assert torch.allclose(torch.stack(list(terms)).sum(0), network(x))
    assert torch.allclose(terms[0], network.head(0.64 * bottom))
    assert torch.allclose(terms[1], network.head(0.8 * first.F(bottom)))
    assert torch.allclose(terms[2], network.head(second.F(first(bottom))))


def test_gradients_of_all_paths_add_up_to_the_gradient() -> None:
    """Over all sets of blocks, the gradients along the paths have the gradient of the loss as their sum."""
    specimen = residual(3)
    blocks = find_blocks(specimen.network)
    sets = itertools.chain(*(itertools.combinations(blocks, count) for count in range(4)))
    total = torch.stack([gradient_through(specimen, blocks, through) for through in sets]).sum(0)
    x = specimen.arguments[0].clone().requires_grad_()
    mse_loss(specimen.network(x), specimen.targets).backward()

    assert torch.allclose(total, x.grad)


def test_the_gradient_along_a_path_is_a_product_of_jacobians() -> None:
    """Along the path through the second of two blocks, the gradient is bottom' 0.8 J_2' head' dL/dy."""
    specimen = residual(2)
    network, (x,) = specimen.network, specimen.arguments
    blocks = find_blocks(network)
    found = gradient_through(specimen, blocks, blocks[1:])
    middle = network.blocks[0](network.bottom(x)).detach().requires_grad_()
    output = network.head(network.blocks[1](middle))
    back = 2 / output.numel() * (output - specimen.targets).detach() @ network.head.weight
    (through,) = torch.autograd.grad(network.blocks[1].F(middle), middle, back)

    assert torch.allclose(found, 0.8 * through @ network.bottom.weight)
    assert not any(module._forward_hooks for module in network.modules())


def test_the_reading_is_the_mean_norm_of_paths_of_one_length() -> None:
    """The shortest and the longest path have the norms of their gradients; every length has a number."""
    specimen = residual(3)
    values = contributions_of_paths(specimen)
    readings = dict(zip(values.names, values.values, strict=True))
    blocks = find_blocks(specimen.network)
    singles = [float(gradient_through(specimen, blocks, [block]).norm()) for block in blocks]

    assert list(readings) == [f"{kind} {length}" for kind in ("gradient", "output") for length in range(4)]
    assert readings["gradient 0"] == pytest.approx(float(gradient_through(specimen, blocks, []).norm()))
    assert readings["gradient 3"] == pytest.approx(float(gradient_through(specimen, blocks, blocks).norm()))
    assert min(singles) <= readings["gradient 1"] <= max(singles)


def test_a_net_without_branches_has_no_paths() -> None:
    """Blocks without a straight path form one path, and the probe says so."""
    with pytest.raises(CannotMeasureError, match="no block has a branch"):
        contributions_of_paths(make_specimen(Residual(nn.Linear(4, 4)), torch.randn(2, 4)))
