"""The forms of the LSTM that torch has no kernel for, against torch's kernel, a plain loop and finite differences."""

# ruff: noqa: N803, N806 - the papers' symbols are capitals

from __future__ import annotations

import pytest
import torch
from torch import nn

from archbench import TaskInfo
from archbench_plugins.lstm.network import GatedMemory, ThroughTime
from support.equations import gated_memory

FORMS = [(forget, peepholes) for forget in ("learned", "coupled", "none") for peepholes in (False, True)]


@pytest.mark.parametrize(("forget_gate", "peepholes"), FORMS)
def test_layer_computes_its_equations(forget_gate, peepholes):
    """Outputs and all gradients of a layer agree with autograd through a plain loop."""
    cell = GatedMemory(3, 5, forget_gate=forget_gate, peepholes=peepholes, bias=1.0).double()
    if cell.p is not None:
        nn.init.normal_(cell.p)
    x = torch.randn(4, 7, 3, dtype=torch.double, requires_grad=True)
    found, expected = cell(x.permute(2, 1, 0)).permute(2, 1, 0), gated_memory(cell, x)
    inputs = [x, *cell.parameters()]

    torch.testing.assert_close(found, expected)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), inputs) for y in (found, expected)), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("forget_gate", "peepholes"), FORMS)
def test_gradient_agrees_with_finite_differences(forget_gate, peepholes):
    """The hand-written gradient passes gradcheck."""
    gates = 4 if forget_gate == "learned" else 3
    a, R, p = (
        torch.randn(*size, dtype=torch.double, requires_grad=True)
        for size in ((gates * 3, 4, 2), (gates * 3, 3), (gates - 1, 3))
    )

    assert torch.autograd.gradcheck(
        lambda a, R, p: ThroughTime.apply(a, R, p if peepholes else None, forget_gate), (a, R, p)
    )


def test_without_peepholes_it_is_torchs_lstm():
    """Without peepholes and with the weights copied over, outputs agree with torch.nn.LSTM to 1e-5."""
    reference = nn.LSTM(3, 5)
    cell = GatedMemory(3, 5, forget_gate="learned", peepholes=False, bias=1.0)
    with torch.no_grad():
        cell.W.copy_(reference.weight_ih_l0)
        cell.R.copy_(reference.weight_hh_l0)
        cell.b.copy_(reference.bias_ih_l0 + reference.bias_hh_l0)
    x = torch.randn(11, 4, 3)

    torch.testing.assert_close(cell(x.permute(2, 0, 1)).permute(1, 2, 0), reference(x)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"peepholes": True}, 40_800 + 300),
        ({"forget_gate": "coupled"}, 30_600),
        ({"forget_gate": "none"}, 30_600),
        ({"forget_gate": "coupled", "peepholes": True}, 30_600 + 200),
    ],
)
def test_forms_have_the_equations_weights(build, options, expected):
    """A form has 4H(I+H+1) weights, 3H(I+H+1) without one gate, and H more for each peephole."""
    core = build("lstm", TaskInfo(kind="sequence", input_shape=(784, 1), outputs=10), width=100, **options).core

    assert expected == sum(parameter.numel() for parameter in core.parameters())


def test_forget_bias_reaches_the_forget_gate(build):
    """b_f starts at the forget bias in every layer, and no other bias does."""
    task = TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4)
    network = build("lstm", task, width=6, layers=2, peepholes=True, forget_bias=2.5)
    expected = torch.tensor([0.0, 2.5, 0.0, 0.0])[:, None].expand(4, 6).flatten()

    assert all(torch.equal(expected, layer.b) for layer in network.core.layers)
