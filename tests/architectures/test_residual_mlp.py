"""The fully connected residual net against its equation and against the plain net at either end of the dial."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archbench import TaskInfo

DIGITS = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)


def affine(network: nn.Module) -> list[nn.Linear]:
    """Return the linear layers in order."""
    return [module for module in network.modules() if isinstance(module, nn.Linear)]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("line", [0.25, 1.0])
def test_net_computes_the_equation(build, activation, line):
    """The logits are those of h <- s h + F(W h + b), written as a loop, behind one plain layer."""
    network = build("residual-mlp", DIGITS, depth=4, width=7, activation=activation, line=line)
    first, *middle, last = affine(network)
    for layer in (first, *middle):
        nn.init.normal_(layer.bias)
    f, x = getattr(torch, activation), torch.randn(5, 1, 8, 8)
    h = f(x.flatten(1) @ first.weight.T + first.bias)
    for layer in middle:
        h = line * h + f(h @ layer.weight.T + layer.bias)

    assert len(middle) == 3
    torch.testing.assert_close(network(x), h @ last.weight.T + last.bias, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_without_a_line_it_is_the_plain_net(build, activation):
    """At s = 0 one seed gives the weights and the logits of `mlp`, bit for bit."""
    x = torch.randn(5, 1, 8, 8)
    logits = []
    for name, options in (("mlp", {}), ("residual-mlp", {"line": 0.0})):
        torch.manual_seed(3)
        logits.append(build(name, DIGITS, depth=12, width=71, activation=activation, **options)(x))

    assert torch.equal(*logits)


def test_empty_branches_pass_the_power_of_the_line(build):
    """With branches of 0 a net of d layers carries s^(d-1) of the first layer to the classifier (eq. 7)."""
    network = build("residual-mlp", DIGITS, depth=6, line=0.5)
    first, *middle, last = affine(network)
    for layer in middle:
        nn.init.zeros_(layer.weight)
    x = torch.randn(5, 1, 8, 8)
    h = torch.tanh(first(x.flatten(1)))

    torch.testing.assert_close(network(x), last(h * 0.5**5))
