"""minGRU and minLSTM against their equations, one step after the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from archbench import TaskInfo
from archbench_plugins.min_gru.network import MinGRU
from archbench_plugins.min_lstm.network import MinLSTM


def min_gru(cell: MinGRU, x: Tensor) -> Tensor:
    """Compute the equations of sec. 3.1 in a loop: (B, T, I) to (B, T, H)."""
    (W_z, W_h), (b_z, b_h) = cell.affine.weight.chunk(2), cell.affine.bias.chunk(2)  # noqa: N806
    h, states = torch.zeros(len(x), len(W_z)), []
    for x_t in x.unbind(1):
        z = torch.sigmoid(x_t @ W_z.T + b_z)
        h = (1 - z) * h + z * (x_t @ W_h.T + b_h)
        states.append(h)
    return torch.stack(states, 1)


def min_lstm(cell: MinLSTM, x: Tensor) -> Tensor:
    """Compute the equations of sec. 3.2 in a loop: (B, T, I) to (B, T, H)."""
    (W_f, W_i, W_h), (b_f, b_i, b_h) = cell.affine.weight.chunk(3), cell.affine.bias.chunk(3)  # noqa: N806
    h, states = torch.zeros(len(x), len(W_f)), []
    for x_t in x.unbind(1):
        f, i = torch.sigmoid(x_t @ W_f.T + b_f), torch.sigmoid(x_t @ W_i.T + b_i)
        h = f / (f + i) * h + i / (f + i) * (x_t @ W_h.T + b_h)
        states.append(h)
    return torch.stack(states, 1)


@pytest.mark.parametrize(
    ("cell", "loop"), [(MinGRU(3, 5, gate_bias=-1.0), min_gru), (MinLSTM(3, 5, forget_bias=1.0), min_lstm)]
)
@pytest.mark.parametrize("steps", [1, 2, 13])
def test_scan_computes_the_step_by_step_form(cell, loop, steps):
    """States and all gradients of a cell agree with the loop to 1e-5."""
    x = torch.randn(4, steps, 3, requires_grad=True)
    found, expected = cell(x), loop(cell, x)
    inputs = [x, *cell.parameters()]

    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), inputs) for y in (found, expected)), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "parts"), [("min_gru", 2), ("min_lstm", 3)])
def test_layers_have_the_equations_weights(build, name, parts):
    """A minGRU layer has 2H(D+1) parameters and a minLSTM layer 3H(D+1), H = alpha D."""
    task = TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4)
    core = build(name, task, width=7, expansion=3, layers=2).core

    for cell in core.cells:
        assert parts * 21 * 8 == sum(p.numel() for p in cell.parameters())


def test_gates_start_at_their_bias(build):
    """The biases b_z and b_f start at their options, the others at 0."""
    task = TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4)
    gru = build("min_gru", task, width=2, expansion=1, gate_bias=-2.5).core.cells[0]
    lstm = build("min_lstm", task, width=2, expansion=1, forget_bias=3.0).core.cells[0]

    assert gru.affine.bias.tolist() == [-2.5, -2.5, 0.0, 0.0]
    assert lstm.affine.bias.tolist() == [3.0, 3.0, 0.0, 0.0, 0.0, 0.0]
