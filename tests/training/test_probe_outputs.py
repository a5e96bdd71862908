"""The probes of outputs: effective rank and size."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archbench import Block, TaskInfo
from archbench._training._probes._outputs import activations, effective_rank, effective_ranks
from archbench._training._probes._specimen import Specimen, settle

IMAGES = TaskInfo(kind="image", input_shape=(1, 2, 2), outputs=2)


def specimen(network: nn.Module, x: Tensor) -> Specimen:
    """A specimen of which only the outputs are looked at."""
    return Specimen(network, (x,), torch.zeros(len(x)), loss=None, info=IMAGES, seed=0, score=None)


class Residual(nn.Module):
    """Two blocks, 0.5 x + F(x) and x + F(x), behind nothing."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(width, width), nn.Linear(width, width)
        self.blocks = nn.ModuleList([Scaled(self.first, 0.5), Scaled(self.second, 1.0)])

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x

    def archbench_blocks(self) -> list[Block]:
        return [Block(name, block, branches=(block.F,)) for name, block in zip("ab", self.blocks, strict=True)]


class Scaled(nn.Module):
    """The block s x + F(x)."""

    def __init__(self, F: nn.Module, s: float) -> None:
        super().__init__()
        self.F, self.s = F, s

    def forward(self, x: Tensor) -> Tensor:
        return self.s * x + self.F(x)


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_effective_rank_agrees_with_a_singular_value_decomposition(shape: tuple[int, int]) -> None:
    """The rank is exp of the entropy of the normalised singular values that numpy finds in the centred rows."""
    rows = np.random.default_rng(0).normal(size=shape)
    values = np.linalg.svd(rows - rows.mean(0), compute_uv=False)
    shares = values[values > 1e-9] / values.sum()

    assert effective_rank(torch.from_numpy(rows)) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()), rel=1e-6)


def test_effective_rank_of_known_spectra() -> None:
    """k equal singular values have rank k; equal rows have rank 0, also where they differ by rounding."""
    corners = torch.eye(5)  # centred, four equal singular values
    same = torch.full((6, 3), 0.1) + 1e-9 * torch.arange(18).view(6, 3)

    assert effective_rank(corners) == pytest.approx(4)
    assert effective_rank(corners[:, :1] * torch.tensor([1.0, 2.0, 3.0])) == pytest.approx(1)
    assert effective_rank(same) == 0
    assert math.isnan(effective_rank(torch.tensor([[1.0], [math.inf]])))


def test_ranks_are_those_of_the_outputs_of_blocks() -> None:
    """Each block has the rank of its output, all numbers of an example counted."""
    torch.manual_seed(0)
    network, x = Residual(), torch.randn(10, 4)
    with torch.no_grad():
        network.second.weight.copy_(torch.diag(torch.tensor([0.0, -1.0, -1.0, -1.0])))  # leaves one feature
        network.second.bias.zero_()
    values = effective_ranks(specimen(network, x))

    assert values.names == ["a", "b"]
    assert values.values[0] == pytest.approx(effective_rank(network.blocks[0](x).detach()))
    assert values.values[0] > 2
    assert values.values[1] == pytest.approx(1)


def test_activations_of_branch_and_line() -> None:
    """Output, branch and line of a block have the root mean squares that a computation by hand gives."""
    torch.manual_seed(0)
    network, x = Residual(), torch.randn(10, 4)
    values = activations(specimen(network, x))

    def size(tensor: Tensor) -> float:
        return float(tensor.detach().square().mean().sqrt())

    middle = 0.5 * x + network.first(x)
    expected = {
        "a": size(middle),
        "a.branch": size(network.first(x)),
        "a.line": size(0.5 * x),
        "b": size(middle + network.second(middle)),
        "b.branch": size(network.second(middle)),
        "b.line": size(middle),
    }
    assert dict(zip(values.names, values.values, strict=True)) == pytest.approx(expected, rel=1e-5)


def test_outputs_are_measured_with_the_statistics_of_the_batch() -> None:
    """Batch normalisation takes the statistics of the examples, and dropout drops nothing."""
    network = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5))
    network[0].running_mean.fill_(100.0)
    x = torch.randn(10, 4)

    assert torch.allclose(settle(network)(x), (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt(), atol=1e-5)
