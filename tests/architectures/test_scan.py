"""The scan of a linear recurrence against its step-by-step form."""

from __future__ import annotations

import pytest
import torch

from archbench_plugins.shared.sequences import linear_scan
from support.equations import linear_recurrence


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 64, 129])
def test_scan_agrees_with_the_loop(steps):
    """Values and both gradients of the scan agree with the loop to 1e-5, for any number of steps."""
    f = torch.rand(3, steps, 5).requires_grad_()
    u = torch.randn(3, steps, 5).requires_grad_()
    found, expected = linear_scan(f, u), linear_recurrence(f, u)

    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for a, b in zip(*(torch.autograd.grad(h.square().sum(), (f, u)) for h in (found, expected)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_gradient_agrees_with_finite_differences():
    """The hand-written gradient passes gradcheck, also for factors that are 0 or negative."""
    f = torch.randn(2, 6, 3, dtype=torch.double)
    f[0, 2] = 0
    u = torch.randn(2, 6, 3, dtype=torch.double)

    assert torch.autograd.gradcheck(linear_scan, (f.requires_grad_(), u.requires_grad_()))


def test_long_sequences_stay_finite():
    """The scan is exact for factors of 0.5 over 5,000 steps, where their running product would underflow."""
    h = linear_scan(torch.full((1, 5000, 1), 0.5), torch.ones(1, 5000, 1))

    torch.testing.assert_close(h[0, -1, 0], torch.tensor(2.0))
