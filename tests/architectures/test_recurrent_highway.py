"""The recurrent highway net against a plain loop over its equations, finite differences and its weight count."""

from __future__ import annotations

import pytest
import torch

from archbench import TaskInfo
from archbench_plugins.recurrent_highway.network import RecurrentHighway, ThroughDepthAndTime
from support.equations import recurrent_highway


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_layer_computes_its_equations(depth):
    """States and all gradients agree with autograd through a plain loop."""
    layer = RecurrentHighway(3, 5, depth, gate_bias=-1.0).double()
    x = torch.randn(4, 6, 3, dtype=torch.double, requires_grad=True)
    found, expected = layer(x.permute(2, 1, 0)).permute(2, 1, 0), recurrent_highway(layer, x)
    inputs = [x, *layer.parameters()]

    torch.testing.assert_close(found, expected)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), inputs) for y in (found, expected)), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("depth", [1, 3])
def test_gradient_agrees_with_finite_differences(depth):
    """The hand-written gradient passes gradcheck."""
    sizes = ((6, 4, 2), (depth, 6, 3), (depth - 1, 6))
    inputs = [torch.randn(*size, dtype=torch.double, requires_grad=True) for size in sizes]

    assert torch.autograd.gradcheck(ThroughDepthAndTime.apply, inputs)


@pytest.mark.parametrize("depth", [1, 2, 10])
def test_core_has_the_equations_weights(build, depth):
    """The core has 2HI + L(2H^2 + 2H) parameters."""
    core = build(
        "recurrent_highway", TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4), width=7, depth=depth
    ).core

    assert 2 * 7 * 3 + depth * (2 * 7 * 7 + 2 * 7) == sum(p.numel() for p in core.parameters())


def test_default_gates_start_as_in_the_authors_code(build):
    """b_T starts at -2: `init_bias` in rhn_train.py, by default and for Penn Treebank."""
    (layer,) = build("recurrent_highway", TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4), width=3).core.layers

    assert layer.b.tolist() == [[0.0] * 3 + [-2.0] * 3] * 2


def test_gates_start_at_the_gate_bias(build):
    """b_T starts at the gate bias in every layer, b_H at 0."""
    task = TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4)
    (layer,) = build("recurrent_highway", task, width=3, depth=2, gate_bias=-1.5).core.layers

    assert layer.b.tolist() == [[0.0] * 3 + [-1.5] * 3] * 2
