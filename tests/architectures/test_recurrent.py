"""The recurrent nets against hand-written loops over their equations."""

# ruff: noqa: N803, N806 - the papers' symbols are capitals

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from archbench import TaskInfo
from archbench_plugins.gru.network import GRU
from archbench_plugins.shared.sequences import start_gates
from support import equations


def weights(core: nn.RNNBase, layer: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return W, R and b of one layer, b the sum of torch's two bias vectors."""
    W, R, b_W, b_R = (getattr(core, f"{n}_l{layer}") for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    return W, R, b_W + b_R


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(
    ("name", "loop", "options"),
    [
        ("rnn", equations.elman, {}),
        ("rnn", lambda *args: equations.elman(*args, squash=torch.relu), {"nonlinearity": "relu"}),
        ("lstm", equations.lstm, {}),
        ("lstm", equations.lstm, {"forget_bias": -2.0}),
    ],
    ids=["rnn-tanh", "rnn-relu", "lstm", "lstm-forgetful"],
)
def test_network_computes_its_equations(build, name, loop, options, layers):
    """Logits of a recurrent net and their gradient in the input agree with the loop to 1e-5."""
    task = TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4, per_step=True)
    network = build(name, task, width=6, layers=layers, **options)
    x = torch.randn(5, 9, 3, requires_grad=True)
    h = x
    for layer in range(layers):
        h = loop(h, *weights(network.core, layer))
    expected = h @ network.head.weight.T + network.head.bias
    logits = network(x)

    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    (gradient,) = torch.autograd.grad(logits.square().sum(), x)
    (expected_gradient,) = torch.autograd.grad(expected.square().sum(), x)
    torch.testing.assert_close(gradient, expected_gradient, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("options", "expected"), [({}, 1.0), ({"forget_bias": 2.5, "layers": 3}, 2.5)])
def test_forget_gates_start_at_the_forget_bias(build, options, expected):
    """The two bias vectors that torch adds sum to b_f in every layer, and only there."""
    network = build("lstm", TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4), width=6, **options)
    for layer in range(network.core.num_layers):
        b_i, b_f, b_c, b_o = weights(network.core, layer)[2].chunk(4)

        assert torch.equal(torch.full((6,), expected), b_f)
        assert not any(b.any() for b in (b_i, b_c, b_o))


@pytest.mark.parametrize(("name", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_recurrent_weights_start_orthogonal(build, name, gates):
    """The recurrent matrix R of each gate starts orthogonal, R R' = 1, which keeps the length of the state."""
    network = build(name, TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4), width=6, layers=2)
    for layer in range(2):
        recurrent = weights(network.core, layer)[1].chunk(gates)

        for gate in recurrent:
            torch.testing.assert_close(gate @ gate.T, torch.eye(6), atol=1e-5, rtol=0)


@pytest.mark.parametrize("layers", [1, 2])
def test_gru_computes_its_equations(build, layers):
    """Logits of a GRU agree with the loop to 1e-5."""
    network = build(
        "gru", TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4, per_step=True), width=6, layers=layers
    )
    x = h = torch.randn(5, 9, 3)
    for layer in range(layers):
        h = equations.gru(h, network.core, layer)

    torch.testing.assert_close(network(x), network.head(h), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("B", "T", "features", "H", "layers"),
    [(5, 9, 3, 6, 1), (5, 9, 3, 6, 2), (1, 1, 2, 3, 1), (4, 1, 1, 5, 2), (1, 12, 3, 4, 3)],
)
def test_gru_on_a_cpu_agrees_with_torchs(B, T, features, H, layers):
    """States and all gradients of our loop, in float32, agree with torch.nn.GRU in float64 to 1e-5."""
    ours, theirs = GRU(features, H, layers, batch_first=True), nn.GRU(features, H, layers, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    theirs.double()
    x = torch.randn(B, T, features)
    inputs = x.clone().requires_grad_(), x.double().requires_grad_()
    results = [core(x) for core, x in zip((ours, theirs), inputs, strict=True)]
    weight = torch.randn(B, T, H)
    gradients = [
        torch.autograd.grad((states * weight).sum() + last.square().sum(), [x, *core.parameters()])
        for core, x, (states, last) in zip((ours, theirs), inputs, results, strict=True)
    ]

    for found, expected in (*zip(*results, strict=True), *zip(*gradients, strict=True)):
        torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


def test_gru_starts_as_torchs(build):
    """A seed gives the GRU the names and values that it gives torch.nn.GRU."""
    torch.manual_seed(3)
    core = build("gru", TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4), width=6, layers=2).core
    torch.manual_seed(3)
    expected = nn.GRU(3, 6, 2, batch_first=True)
    start_gates(expected)

    assert list(core.state_dict()) == list(expected.state_dict())
    assert all(torch.equal(p, q) for p, q in zip(core.parameters(), expected.parameters(), strict=True))


@pytest.mark.parametrize("case", ["other device", "other type", "first state", "packed"])
def test_gru_leaves_the_rest_to_torch(case, monkeypatch):
    """Tensors on another device than a CPU or in float64, a first state and packed sequences go to torch's kernel."""
    calls, forward = [], nn.GRU.forward

    def record(self, *args):
        calls.append(args)
        return forward(self, *args)

    monkeypatch.setattr(nn.GRU, "forward", record)
    core, x = GRU(3, 5, batch_first=True), torch.randn(2, 4, 3)
    core(x)
    assert not calls

    if case == "other device":
        core.to("meta")(x.to("meta"))
    elif case == "other type":
        core.double()(x.double())
    elif case == "first state":
        core(x, torch.zeros(1, 2, 5))
    else:
        core(nn.utils.rnn.pack_padded_sequence(x, torch.tensor([4, 2]), batch_first=True))

    assert len(calls) == 1


def test_identity_start_copies_the_state(build, declared):
    """An IRNN starts with R = 1, b = 0 and small W."""
    options = declared("rnn").variants["irnn"]
    core = build("rnn", TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4), width=60, **options).core
    W, R, b = weights(core, 0)

    assert core.nonlinearity == "relu"
    assert torch.equal(torch.eye(60), R)
    assert not b.any()
    assert 0.0007 < W.std() < 0.0013


def test_uniform_start_is_torchs(build):
    """`initialisation=uniform` leaves the weights as torch.nn.RNN draws them."""
    torch.manual_seed(3)
    core = build("rnn", TaskInfo(kind="sequence", input_shape=(9, 3), outputs=4), initialisation="uniform").core
    torch.manual_seed(3)
    expected = nn.RNN(3, 128)

    assert all(torch.equal(p, q) for p, q in zip(core.parameters(), expected.parameters(), strict=True))
