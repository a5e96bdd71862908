"""Blocks are found, skipped and put back; gates and strengths are those of the network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archbench import Block, DeclarationError
from archbench._training._probes._blocks import brought_to, find_blocks, skipped
from archbench._training._probes._lines import openings, strengths
from archbench._training._probes._specimen import CannotMeasureError
from support.residual import Residual, Scaled, make_specimen


class Named(nn.Module):
    """A network whose blocks a test gives."""

    def __init__(self, *layers: nn.Module, blocks: list[Block] | None = None) -> None:
        super().__init__()
        self.layers, self.blocks = nn.Sequential(*layers), blocks or []

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layers give."""
        return self.layers(x)

    def archbench_blocks(self) -> list[Block]:
        """Return the blocks."""
        return self.blocks


def test_a_block_is_replaced_by_its_straight_path_and_put_back() -> None:
    """While a block is skipped its branch gives zeros, and afterwards the network is what it was."""
    torch.manual_seed(0)
    network, x = Residual(Scaled(nn.Linear(4, 4), 0.5), Scaled(nn.Linear(4, 4))), torch.randn(3, 4)
    first, second = find_blocks(network)
    before = network(x)

    with skipped([first]):
        assert torch.equal(network(x), network.blocks[1](0.5 * x))
    with skipped([first, second]):
        assert torch.equal(network(x), 0.5 * x)
    assert torch.equal(network(x), before)
    assert not any(module._forward_hooks for module in network.modules())


def test_a_zero_branch_makes_no_difference() -> None:
    """Skipping a block whose branch gives zero changes nothing, bit for bit."""
    torch.manual_seed(0)
    network, x = Residual(Scaled(nn.Linear(4, 4)), Scaled(nn.Linear(4, 4))), torch.randn(3, 4)
    branch: Any = network.blocks[0].F
    nn.init.zeros_(branch.weight)
    nn.init.zeros_(branch.bias)

    with skipped(find_blocks(network)[:1]):
        lesioned = network(x)
    assert torch.equal(lesioned, network(x))


def test_a_block_without_a_straight_path_is_replaced_by_its_input() -> None:
    """The input takes the place of the output, in its shape, also where several modules make the block."""
    first, second = nn.Linear(4, 6), nn.Linear(6, 6)
    network = Named(first, nn.ReLU(), second, nn.Tanh())
    network.blocks = [Block("a", (first, network.layers[1])), Block("b", (second, network.layers[3]))]
    x = torch.randn(3, 4)

    with skipped(network.blocks[:1]):
        assert torch.equal(network(x), torch.tanh(second(torch.cat([x, torch.zeros(3, 2)], 1))))
    with skipped(network.blocks):
        assert torch.equal(network(x), torch.cat([x, torch.zeros(3, 2)], 1))


def test_a_line_of_its_own_is_taken() -> None:
    """A block with `line` is replaced by what that function makes of its input."""
    layer = nn.Linear(4, 4)
    network = Named(layer, blocks=[Block("a", layer, line=lambda x: 3 * x)])
    x = torch.randn(2, 4)

    with skipped(network.blocks):
        assert torch.equal(network(x), 3 * x)


def test_of_a_tuple_the_first_entry_is_replaced() -> None:
    """A recurrent kernel of torch is skipped as a block, and its last state stays."""
    core = nn.GRU(2, 3, batch_first=True)
    x = torch.randn(4, 5, 2)
    with skipped([Block("a", core)]):
        states, last = core(x)

    assert torch.equal(states, torch.cat([x, torch.zeros(4, 5, 1)], 2))
    assert torch.equal(last, core(x)[1])


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [((2, 4), (2, 4), [0, 1, 2, 3]), ((2, 4), (2, 2), [0, 2]), ((2, 5), (2, 3), [0, 2, 4]), ((2, 3), (2, 2), [0, 2])],
)
def test_shapes_are_brought_together_without_parameters(
    old: tuple[int, ...], new: tuple[int, ...], places: list[int]
) -> None:
    """Along an axis that shrinks every n-th entry is left."""
    x = torch.arange(10.0).view(2, 5)[:, : old[1]]

    assert torch.equal(brought_to(torch.Size(new), x), x[:, places])


def test_the_rule_for_shapes_is_option_a() -> None:
    """Where a stage halves the sides and doubles the channels, the rule is that of the residual networks' option A."""
    x = torch.randn(2, 3, 5, 4)
    brought = brought_to(torch.Size((2, 6, 3, 2)), x)

    assert torch.equal(brought[:, :3], x[:, :, ::2, ::2])
    assert not brought[:, 3:].any()
    with pytest.raises(CannotMeasureError, match="cannot be skipped"):
        brought_to(torch.Size((2, 60)), x)


def test_strengths_are_measured_or_declared() -> None:
    """An identity has strength 1, half of it 0.5, nothing 0, and a declared strength is its mean."""
    x = torch.randn(5, 4)
    network = Residual(Scaled(nn.Linear(4, 4)), Scaled(nn.Linear(4, 4), 0.5), nn.Linear(4, 4))
    values = strengths(make_specimen(network, x))
    layers = [nn.Linear(4, 4), nn.Linear(4, 4)]
    declared = [Block("a", layers[0], strength=0.25), Block("b", layers[1], strength=lambda x: torch.tensor([0, 1]))]

    assert values.names == ["a", "b", "c"]
    assert values.values == pytest.approx([1, 0.5, 0])
    assert strengths(make_specimen(Named(*layers, blocks=declared), x)).values == [0.25, 0.5]


def test_gates_are_their_mean_opening() -> None:
    """A gate's reading is the mean of what the block returns for its input, named by block and gate."""
    layer = nn.Linear(4, 4)
    x = torch.rand(5, 4)
    block = Block("a", layer, gates=lambda x: {"half": x / 2, "shut": torch.zeros(2)})
    values = openings(make_specimen(Named(layer, blocks=[block]), x))

    assert values.names == ["a.half", "a.shut"]
    assert values.values == pytest.approx([float(x.mean()) / 2, 0])
    with pytest.raises(CannotMeasureError, match="no block names gates"):
        openings(make_specimen(Residual(nn.Linear(4, 4)), x))


def test_wrong_blocks_are_refused() -> None:
    """Names and modules must be distinct, modules in the network, and branches in their block."""
    one, two = nn.Linear(2, 2), nn.Linear(2, 2)
    wrong = {
        "two blocks are named": [Block("a", one), Block("a", two)],
        "that of another block": [Block("a", one), Block("b", one)],
        "not in the network": [Block("a", nn.Linear(2, 2))],
        "a branch is not inside": [Block("a", one, branches=(two,))],
    }
    for words, blocks in wrong.items():
        with pytest.raises(ValueError, match=words):
            find_blocks(Named(one, two, blocks=blocks))
    with pytest.raises(CannotMeasureError, match="names no blocks"):
        find_blocks(one)
    with pytest.raises(DeclarationError, match="without '\\+'"):
        Block("a+b", one)
    with pytest.raises(DeclarationError, match="branches or line"):
        Block("a", one, branches=(one,), line=torch.clone)
