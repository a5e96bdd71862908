"""Sharding a network: its blocks, what is refused, and states; here over a single rank, which takes the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.nn import functional

from archbench import Outputs
from archbench._training._averaging import WeightAverage
from archbench._training._evaluation import copy_of_state, evaluating, put_state
from archbench._training._sharding import find_blocks, shard
from archbench._training._shards import as_shard, is_sharded, local


@pytest.fixture
def mesh(tmp_path: Path) -> Iterator[DeviceMesh]:
    """One rank on the CPU."""
    store = distributed.FileStore(str(tmp_path / "ranks"), 1)  # type: ignore[attr-defined]
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        yield init_device_mesh("cpu", (1,))
    finally:
        distributed.destroy_process_group()


class Part(nn.Module):
    """A residual branch of two layers, which are no entries of a row."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return x + F(x)."""
        return x + self.two(torch.relu(self.one(x)))


class Net(nn.Module):
    """A network of a few layers, and a way through them."""

    def __init__(self, way: Callable[[Any, Tensor], Any], *layers: nn.Module, **kept: Any) -> None:
        super().__init__()
        self.way, self.layers = way, nn.ModuleList(layers)
        for name, value in kept.items():
            setattr(self, name, value)

    def forward(self, x: Tensor) -> Any:
        """Return the outputs."""
        return self.way(self, x)


def in_a_row(net: Any, x: Tensor) -> Tensor:
    """Call layer after layer."""
    for layer in net.layers:
        x = layer(x)
    return x


def test_blocks_are_the_large_entries_of_rows() -> None:
    """Rows are cut where they are long: inner entries by themselves, and what is too small goes with what is around."""
    small, nested = nn.Linear(8, 8), nn.Sequential(Part(64), nn.ReLU(), nn.LayerNorm(64))
    network = nn.Sequential(nn.Linear(64, 64), nested, nn.ModuleDict({"a": nn.Linear(64, 64)}), small)

    assert [name for name, _ in find_blocks(network)] == ["1.0", "0"]


def test_an_entry_that_holds_enough_beside_its_blocks_is_one() -> None:
    """A block inside another takes its weights away from it, and the outer one stays a block if enough are left."""
    outer = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))
    outer.add_module("more", Net(in_a_row, nn.Linear(64, 64)))
    network = nn.ModuleList([Net(in_a_row, outer, other=nn.Linear(64, 64)), nn.Linear(64, 64)])

    assert [name for name, _ in find_blocks(network)] == [
        "1", "0.layers.0.more.layers.0", "0.layers.0.1", "0.layers.0.0", "0",
    ]  # fmt: skip


def test_tied_weights_are_gathered_with_the_network() -> None:
    """A layer that shares its weight with one elsewhere is no block, nor is one that the network has twice."""
    tied, twice = nn.Linear(64, 64), nn.Linear(64, 64)
    network = Net(in_a_row, tied, twice, nn.Linear(64, 64), head=nn.Linear(64, 64), again=twice)
    network.head.weight = tied.weight  # type: ignore[union-attr]

    assert [name for name, _ in find_blocks(network)] == ["layers.2"]


def test_a_million_weights_are_a_block_in_any_network() -> None:
    """A layer of a million weights is gathered by itself, however small a part of the network it is."""
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(1000, 1000, bias=False), nn.Linear(1000, 999), nn.Linear(10_000, 10_000))

    assert [name for name, _ in find_blocks(network)] == ["2", "0"]


def kept_list() -> nn.Module:
    """Return a network that reads its weights from a list of its own."""
    layer = nn.Linear(8, 8)
    return Net(lambda net, x: functional.linear(x, net.kept[0]), layer, kept=[layer.weight])


def kept_view() -> nn.Module:
    """Return a network that keeps rows of a weight, which share its memory."""
    layer = nn.Linear(8, 8)
    return Net(lambda net, x: net.layers[0](x) + net.rows.sum(), layer, rows=layer.weight.detach()[:2])


def overlapping() -> nn.Module:
    """Return a network with a weight that is a part of another one."""
    layer = nn.Linear(8, 8)
    return Net(in_a_row, layer, part=nn.Parameter(layer.weight.detach()[:2]))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (kept_list, "keeps layers.0.weight at a second place"),
        (kept_view, "keeps layers.0.weight at a second place"),
        (overlapping, "layers.0.weight shares memory with another weight"),
        (lambda: Net(in_a_row, nn.Linear(8, 8), scale=nn.Parameter(torch.ones(()))), "Change scale to a 1D tensor"),
        (lambda: Net(in_a_row, nn.Linear(8, 8), w=nn.Parameter(torch.ones(2, dtype=torch.cfloat))), "w is complex"),
    ],
)
def test_networks_that_cannot_be_sharded(build: Callable[[], nn.Module], words: str, mesh: DeviceMesh) -> None:
    """A network that would go on with other weights than those that are trained is refused, by name."""
    with pytest.raises(ValueError, match=f"the weights cannot be sharded: .*{words}.*leave out --strategy fsdp"):
        shard(build(), mesh)


class Bounded(nn.Linear):
    """A layer that bounds its weights in its forward pass."""

    def forward(self, x: Tensor) -> Tensor:
        """Return W x + b, with no weight beyond 0.01."""
        self.weight.data.clamp_(-0.01, 0.01)
        return super().forward(x)


class Counted(nn.Linear):
    """A layer that changes a frozen weight, under the eyes of autograd."""

    def forward(self, x: Tensor) -> Tensor:
        """Return W x + b."""
        with torch.no_grad():
            self.bias.add_(1)
        return super().forward(x)


class Opaque(nn.Linear):
    """A layer that hides its output in a set."""

    def forward(self, x: Tensor) -> Any:
        """Return {W x + b}."""
        return {super().forward(x)}


def penalised(net: Any, x: Tensor) -> Outputs:
    """Call layer after layer, and read a weight of a block beside it."""
    return Outputs(in_a_row(net, x), penalties={"sum": (net.layers[0].weight.sum(), 1.0)})


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Net(in_a_row, Bounded(8, 8)), "the block layers.0 changes its weight weight in its forward pass"),
        (Net(in_a_row, Counted(8, 8)), "the block layers.0 changes its weight bias in its forward pass"),
        (Net(lambda net, x: next(iter(net.layers[0](x))), Opaque(8, 8)), "the block layers.0 returns set"),
        (
            Net(penalised, nn.Linear(8, 8)),
            "the network computes with weights of a block outside of its forward pass",
        ),
    ],
)  # fmt: skip
def test_uses_that_would_go_wrong(network: nn.Module, words: str, mesh: DeviceMesh) -> None:
    """Changed weights, which are lost when they are freed, and outputs that FSDP cannot see are errors in training."""
    shard(network, mesh)

    with pytest.raises(RuntimeError, match=f"{words}.*leave out --strategy fsdp"):
        network(torch.randn(4, 8))


def test_changes_behind_autograd_are_seen_in_the_next_step(mesh: DeviceMesh) -> None:
    """A layer that finds its weights bounded already is caught when the optimiser has moved them."""
    network = Net(in_a_row, Bounded(8, 8))
    nn.init.zeros_(network.layers[0].weight)  # type: ignore[arg-type]
    watch = shard(network, mesh)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    network(torch.ones(4, 8)).sum().backward()
    watch.end_forward()
    optimizer.step()

    with pytest.raises(RuntimeError, match="changes its weight weight"):
        network(torch.ones(4, 8))


class Viewing(nn.Linear):
    """A layer that returns a view."""

    def forward(self, x: Tensor) -> Tensor:
        """Return W x + b."""
        return super().forward(x).view(len(x), 2, -1).flatten(1)


def test_outputs_may_be_views_that_are_changed_in_place(mesh: DeviceMesh) -> None:
    """A block whose output is a view that is added to in place has the gradients of the whole network."""
    torch.manual_seed(0)
    layers = [nn.Linear(8, 8), Viewing(8, 8), nn.Linear(8, 8)]

    def add(net: Any, x: Tensor) -> Tensor:
        second = net.layers[1](net.layers[0](x))
        second += 1
        return net.layers[2](second)  # type: ignore[no-any-return]

    network, x = Net(add, *layers), torch.randn(4, 8)
    expected = torch.autograd.grad(network(x).square().sum(), list(network.parameters()))
    shard(network, mesh)
    network(x).square().sum().backward()

    found = [local(parameter.grad) for parameter in network.parameters() if parameter.grad is not None]
    assert len(found) == len(expected)
    for mine, other in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, other)


def test_states_are_copied_and_put_back(mesh: DeviceMesh) -> None:
    """A copied state holds this rank's part, plain tensors that training does not move, and can be put back."""
    network = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    shard(network, mesh)
    copied = copy_of_state(network)
    network(torch.randn(16, 8)).sum().backward()
    torch.optim.SGD(network.parameters(), lr=1.0).step()
    moved = copy_of_state(network)
    put_state(network, copied)

    assert is_sharded(network)
    assert {type(value) for value in copied.values()} == {Tensor}
    assert not torch.equal(moved["0.weight"], before["0.weight"])
    assert all(torch.equal(local(value), before[name]) for name, value in network.state_dict().items())
    assert as_shard(copied["0.weight"], next(network.parameters())).shape == (8, 8)


def test_evaluation_leaves_sharded_weights_fit_for_training(mesh: DeviceMesh) -> None:
    """The first pass may be an evaluation, after which gradients can be computed."""
    network = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
    shard(network, mesh)
    with evaluating(network):
        network(torch.randn(4, 8))
    network(torch.randn(4, 8)).sum().backward()

    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_average_of_sharded_weights(mesh: DeviceMesh) -> None:
    """Two updates of the average are those of the formula, and it takes the place of the weights."""
    network = nn.Sequential(nn.Linear(4, 4, bias=False))
    average = WeightAverage(network, 0.9)
    shard(network, mesh)
    values = []
    for factor in (2.0, 3.0):
        with torch.no_grad():
            local(next(network.parameters())).mul_(factor)
        values.append(local(next(network.parameters())).clone())
        average.update()
    average.put()

    assert {type(value) for value in average.state().values()} == {Tensor}
    torch.testing.assert_close(local(next(network.parameters())), 0.9 * values[0] + 0.1 * values[1])
