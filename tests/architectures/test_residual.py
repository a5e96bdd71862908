"""The residual block, its shortcut, and the plain net that lacks it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archbench import TaskInfo
from archbench_plugins.networks.residual import Block

DIGITS = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)


def with_zeroed_branch(block: Block) -> Block:
    """The block with F = 0."""
    nn.init.zeros_(block.norm2.weight)
    return block


def test_block_without_branch_is_the_identity():
    """With F = 0 a block returns relu(x)."""
    x = torch.randn(4, 16, 6, 6)

    assert torch.equal(torch.relu(x), with_zeroed_branch(Block(16, 16, stride=1, shortcut=True))(x))


@pytest.mark.parametrize("size", [6, 7, 1])
def test_widening_block_subsamples_and_pads_with_zeros(size):
    """With F = 0 a block of stride 2 returns every second row and column, and zeros in the new channels."""
    x = torch.randn(4, 16, size, size)
    y = with_zeroed_branch(Block(16, 32, stride=2, shortcut=True))(x)

    assert torch.equal(torch.relu(x[:, :, ::2, ::2]), y[:, :16])
    assert torch.equal(torch.zeros_like(y[:, 16:]), y[:, 16:])


def test_plain_block_without_branch_passes_nothing():
    """With F = 0 and the shortcut cut, the input is lost."""
    y = with_zeroed_branch(Block(16, 16, stride=1, shortcut=False))(torch.randn(4, 16, 6, 6))

    assert not y.any()


def test_block_computes_its_equation():
    """A block in training is relu(F(x) + x) with the two convolutions normalised over the batch."""
    block = Block(16, 16, stride=1, shortcut=True)
    x = torch.randn(4, 16, 6, 6)

    def normalised_convolution(x, weight):
        x = torch.nn.functional.conv2d(x, weight, padding=1)
        return (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()

    h = torch.relu(normalised_convolution(x, block.conv1.weight))

    torch.testing.assert_close(
        block(x), torch.relu(normalised_convolution(h, block.conv2.weight) + x), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("name", ["plain", "resnet"])
def test_maps_halve_twice_while_channels_double(build, name):
    """On 8x8 images the three stages work on 8x8, 4x4 and 2x2 maps."""
    network = build(name, DIGITS, depth=14)
    x, shapes = torch.randn(2, 16, 8, 8), []
    for block in network.blocks:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))

    assert shapes == [(16, 8, 8)] * 2 + [(32, 4, 4)] * 2 + [(64, 2, 2)] * 2


def test_depth_counts_the_layers_with_weights(build):
    """A net of depth 6n+2 has that many convolutions and linear layers."""
    network = build("resnet", DIGITS, depth=32)

    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in network.modules()) == 32


def test_one_seed_starts_plain_and_resnet_with_the_same_weights(build):
    """What parts the two nets is the shortcut alone."""
    states = []
    for name in ("plain", "resnet"):
        torch.manual_seed(3)
        states.append(build(name, DIGITS, depth=14).state_dict())

    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_activations_are_channels_last(build):
    """The faster layout reaches the last block without a conversion of the input."""
    network = build("resnet", DIGITS, depth=8)
    maps = network.blocks(torch.relu(network.norm(network.conv(torch.randn(4, 1, 8, 8)))))

    assert maps.is_contiguous(memory_format=torch.channels_last)
    assert not maps.is_contiguous()
