"""The correlation of input gradients is 1 where the net is linear and 0 where its gradients are white noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archbench import TaskInfo
from archbench._training._probes._correlation import correlations
from archbench._training._probes._specimen import CannotMeasureError
from support.residual import make_specimen


class Wave(nn.Module):
    """The function sin(w x), whose gradient w cos(w x) changes its sign as often as w is large."""

    def __init__(self, w: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w))

    def forward(self, x: Tensor) -> Tensor:
        """Return sin(w x)."""
        return torch.sin(self.w * x)


def test_a_linear_net_has_correlation_one() -> None:
    """All gradients of a sum of linear outputs are equal, at any distance."""
    network = nn.Linear(4, 2).double()
    x = torch.randn(8, 4).double()
    values = correlations(make_specimen(network, x, targets=torch.zeros(8), loss=lambda y, t: y.sum()))

    assert values.names == ["0.125", "0.25", "0.5", "1"]
    assert values.values == pytest.approx([1, 1, 1, 1])


def test_correlations_agree_with_a_plain_loop() -> None:
    """The mean of the cosines is that of a loop over lines and points with gradients computed one by one."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3)).double()
    x, targets = 3 * torch.randn(7, 4).double(), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    loss = nn.functional.cross_entropy
    found = correlations(make_specimen(network, x, targets=targets, loss=loss))

    cosines = {distance: [] for distance in (1, 2, 4, 8)}
    for line in range(3):
        a, b = x[2 * line], x[2 * line + 1]
        gradients = []
        for part in range(9):
            point = (a + part / 8 * (b - a)).requires_grad_()
            loss(network(point[None]), targets[2 * line : 2 * line + 1]).backward()
            gradients.append(point.grad.numpy())
        for distance, values in cosines.items():
            for first, second in zip(gradients, gradients[distance:], strict=False):
                values.append(first @ second / np.linalg.norm(first) / np.linalg.norm(second))
    assert found.values == pytest.approx([float(np.mean(values)) for values in cosines.values()], rel=1e-9)


def test_a_fast_wave_is_uncorrelated() -> None:
    """The gradient of a function that turns many times between two examples is uncorrelated at every distance."""
    torch.manual_seed(0)
    x = 1000 * torch.rand(400, 1).double()
    values = correlations(make_specimen(Wave(17.3).double(), x, targets=torch.zeros(400), loss=lambda y, t: y.sum()))

    assert all(abs(value) < 0.2 for value in values.values)


def test_vanished_gradients_do_not_count() -> None:
    """A net without any gradient has no correlation, and tokens have no points between them."""
    network = nn.Linear(4, 2)
    nn.init.zeros_(network.weight)
    values = correlations(make_specimen(network, torch.randn(8, 4), targets=torch.zeros(8), loss=lambda y, t: y.sum()))
    tokens = TaskInfo(kind="tokens", input_shape=(4,), outputs=2, vocabulary=5)

    assert values.values == [None] * 4
    with pytest.raises(CannotMeasureError, match="no input"):
        correlations(make_specimen(network, torch.zeros(2, 4), info=tokens))
