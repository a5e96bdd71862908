"""minGRU and minLSTM against their equations, one step after the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

import archbench_plugins.min_gru.network as min_gru_network
import archbench_plugins.min_lstm.network as min_lstm_network
from archbench import TaskInfo
from archbench_plugins.shared.sequences import Affine
from support.equations import min_gru, min_lstm

NETWORKS = {"min_gru": min_gru_network, "min_lstm": min_lstm_network}


CELLS = [("min_gru", min_gru, 2), ("min_lstm", min_lstm, 3)]
SIZES = [(3, 5, 13, 4), (3, 5, 1, 4), (2, 3, 2, 1), (1, 1, 1, 1), (9, 2, 64, 3)]


def drawn(name: str, features: int, H: int, T: int, B: int, kind: torch.dtype) -> list[Tensor]:  # noqa: N803
    """Return x (I, T, B), and W and b of a cell, all random."""
    rows = {cell: gates for cell, _, gates in CELLS}[name] * H
    sizes = ((features, T, B), (rows, features), (rows,))
    return [torch.randn(*size, dtype=kind, requires_grad=True) for size in sizes]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("form", "kind", "exact"),
    [("step by step", torch.float, 1e-5), ("in parallel", torch.float, 1e-5), ("in parallel", torch.double, 1e-10)],
)
@pytest.mark.parametrize(("name", "loop", "gates"), CELLS)
def test_both_forms_compute_the_equations(name, loop, gates, form, kind, exact, size):
    """States and all gradients of either form agree with the equations in float64.

    To 1e-5 in float32, the only type of the compiled loops, and to 1e-10 in float64.
    """
    network = NETWORKS[name]
    compute = network.StepByStep.apply if form == "step by step" else network.in_parallel
    inputs = drawn(name, *size, kind)
    doubles = [x.detach().double().requires_grad_() for x in inputs]
    states = compute(*inputs), loop(*doubles)
    weight = torch.randn_like(states[0])
    gradients = [torch.autograd.grad((h * weight).sum(), x) for h, x in zip(states, (inputs, doubles), strict=True)]

    torch.testing.assert_close(states[0].double(), states[1], atol=exact, rtol=exact)
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found.double(), expected, atol=exact * 10, rtol=exact * 10)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_second_backward_pass_gives_the_gradients_again(name):
    """The loops leave what is kept for the gradient, and the gradient of the states, as they were."""
    inputs = drawn(name, 3, 4, 6, 2, torch.float)
    h = NETWORKS[name].StepByStep.apply(*inputs)
    weight = torch.randn_like(h)
    first, second = (torch.autograd.grad(h, inputs, weight, retain_graph=True) for _ in range(2))

    assert all(torch.equal(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_of_the_linear_layer_agrees_with_finite_differences(name):
    """The hand-written gradient of the linear layer passes gradcheck."""
    inputs = drawn(name, 2, 3, 4, 2, torch.double)

    assert torch.autograd.gradcheck(Affine.apply, inputs)
    assert torch.autograd.gradcheck(Affine.apply, [inputs[0], inputs[1][:1], inputs[2][:1]])


@pytest.mark.parametrize("name", NETWORKS)
def test_closed_and_open_gates_stay_finite(name):
    """Net inputs of 200 in either direction, where sigmoids are 0 or 1, give finite states and gradients."""
    x, W, b = drawn(name, 1, 2, 6, 3, torch.float)  # noqa: N806
    with torch.no_grad():
        W[:2], W[2:4] = 200.0, -200.0  # f and i of minLSTM: one of them is open
    h = NETWORKS[name].StepByStep.apply(x.sign(), W, b)

    torch.testing.assert_close(h, NETWORKS[name].in_parallel(x.sign(), W, b))
    assert all(g.isfinite().all() for g in torch.autograd.grad(h.sum(), (W, b)))


@pytest.mark.parametrize("name", NETWORKS)
def test_device_of_the_input_decides_the_form(build, name, monkeypatch):
    """A CPU steps through time in float32; other devices and types, and torch.compile, take the parallel form."""
    cell = build(name, TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4), width=3).core.cells[0]
    x, calls = torch.randn(3, 5, 2), []
    monkeypatch.setattr(NETWORKS[name], "in_parallel", lambda x, *_: calls.append(x) or x)
    cell(x)
    assert not calls

    cell.double()(x.double())
    cell.to("meta", torch.float)(x.to("meta"))
    assert len(calls) == 2
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    cell(x)
    assert len(calls) == 3


@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_last_step_alone_is_the_last_of_all(build, name, with_lengths):
    """A network that reads one state gives the answer and gradients that it gives at that step when it reads all."""
    whole, last = (
        build(name, TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4, per_step=per_step), width=4)
        for per_step in (True, False)
    )
    last.load_state_dict(whole.state_dict())
    x = torch.randn(5, 9, 3)
    lengths = torch.tensor([9, 1, 4, 7, 2]) if with_lengths else None
    answers = last(x, lengths), whole(x)[range(5), -1 if lengths is None else lengths - 1]
    gradients = [
        torch.autograd.grad(y.square().sum(), list(network.parameters()))
        for network, y in zip((last, whole), answers, strict=True)
    ]

    torch.testing.assert_close(*answers, atol=1e-5, rtol=1e-5)
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


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
