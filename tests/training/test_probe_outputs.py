"""The probes of outputs: effective rank and size."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archbench._training._probes._outputs import activations, effective_rank, effective_ranks
from archbench._training._probes._specimen import settle
from support.residual import Residual, Scaled, make_specimen


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
    network, x = Residual(Scaled(nn.Linear(4, 4), 0.5), Scaled(nn.Linear(4, 4))), torch.randn(10, 4)
    with torch.no_grad():
        network.blocks[1].F.weight.copy_(torch.diag(torch.tensor([0.0, -1.0, -1.0, -1.0])))  # leaves one feature
        network.blocks[1].F.bias.zero_()
    values = effective_ranks(make_specimen(network, x))

    assert values.names == ["a", "b"]
    assert values.values[0] == pytest.approx(effective_rank(network.blocks[0](x).detach()))
    assert values.values[0] > 2
    assert values.values[1] == pytest.approx(1)


def test_activations_of_branch_and_line() -> None:
    """Output, branch and line of a block have the root mean squares that a computation by hand gives."""
    torch.manual_seed(0)
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    network, x = Residual(Scaled(first, 0.5), Scaled(second)), torch.randn(10, 4)
    values = activations(make_specimen(network, x))

    def size(tensor: Tensor) -> float:
        return float(tensor.detach().square().mean().sqrt())

    middle = 0.5 * x + first(x)
    expected = {
        "a": size(middle),
        "a.branch": size(first(x)),
        "a.line": size(0.5 * x),
        "b": size(middle + second(middle)),
        "b.branch": size(second(middle)),
        "b.line": size(middle),
    }
    assert dict(zip(values.names, values.values, strict=True)) == pytest.approx(expected, rel=1e-5)


def test_outputs_are_measured_with_the_statistics_of_the_batch() -> None:
    """Batch normalisation takes the statistics of the examples, and dropout drops nothing."""
    network = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5))
    network[0].running_mean.fill_(100.0)
    x = torch.randn(10, 4)

    assert torch.allclose(settle(network)(x), (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-5).sqrt(), atol=1e-5)
