"""The blocks of the built-ins: their number, their gates, and what is left when they are skipped."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archbench import Block, TaskInfo
from support import Build

IMAGE = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)
SEQUENCE = TaskInfo(kind="sequence", input_shape=(12, 3), outputs=2)
X = torch.randn(4, 12, 3, generator=torch.Generator().manual_seed(1))  # (B, T, I)


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("mlp", {"depth": 7}, 7),
        ("plain", {"depth": 20}, 9),
        ("resnet", {"depth": 20}, 9),
        ("resnet", {"depth": 20, "order": "pre-activation"}, 9),
        ("resnet", {"depth": 20, "shortcut": "none"}, 9),
        ("wide-resnet", {"depth": 16, "k": 1}, 6),
        ("stochastic-depth", {"depth": 20}, 9),
        ("rezero", {"depth": 20}, 9),
        ("fixup", {"depth": 20}, 9),
        ("densenet", {"depth": 22}, 9),
        ("densenet", {"depth": 22, "bottleneck": False}, 18),
        ("highway", {"depth": 10}, 9),
        ("highway", {"depth": 10, "form": "convolutional"}, 9),
        ("googlenet", {}, 9),
        ("vgg", {"depth": "11"}, 8),
        ("alexnet", {}, 5),
        ("nin", {}, 8),
        ("lenet", {}, 4),
        ("convnext", {}, 3),
        ("vit", {"depth": 3}, 3),
    ],
)
def test_blocks_of_images(name: str, options: dict[str, Any], count: int, build: Build) -> None:
    """A network for images has the blocks that its options say, counted from 1 unless the paper names them."""
    names = [block.name for block in blocks_of(build(name, IMAGE, **options))]

    assert len(names) == count
    assert names == [str(number) for number in range(1, count + 1)] or name == "googlenet"


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("rnn", {}, 1),
        ("lstm", {"layers": 2}, 1),
        ("lstm", {"layers": 2, "peepholes": True}, 2),
        ("gru", {}, 1),
        ("lstm-1997", {}, 1),
        ("recurrent-highway", {}, 1),
        ("min-gru", {"layers": 2}, 2),
        ("min-lstm", {"layers": 3}, 3),
        ("tcn", {"levels": 4}, 4),
        ("transformer", {"layers": 3}, 3),
        ("xlstm", {"blocks": "msm"}, 3),
    ],
)
def test_blocks_of_sequences(name: str, options: dict[str, Any], count: int, build: Build) -> None:
    """A network for sequences has a block for each layer, or one for a kernel of torch that holds several."""
    blocks = blocks_of(build(name, SEQUENCE, **options))

    assert [block.name for block in blocks] == [str(number) for number in range(1, count + 1)]


def blocks_of(network: nn.Module) -> list[Block]:
    """The blocks that a network names."""
    return network.archbench_blocks()


def call(block: Block, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The output of a block, and its gates."""
    with torch.no_grad():
        output = block.module(x)
        return output[0] if isinstance(output, tuple) else output, dict(block.gates(x))


def test_gates_of_the_lstm(build: Build) -> None:
    """With the gates and a candidate computed by hand, the equations give the states of torch's kernel."""
    network = build("lstm", SEQUENCE, width=5)
    h_all, gates = call(blocks_of(network)[0], X)
    core, c, h = network.core, torch.zeros(4, 5), torch.zeros(4, 5)
    weight, back, b = core.weight_ih_l0[10:15], core.weight_hh_l0[10:15], (core.bias_ih_l0 + core.bias_hh_l0)[10:15]
    for t in range(12):
        c = gates["f"][:, t] * c + gates["i"][:, t] * torch.tanh(X[:, t] @ weight.t() + h @ back.t() + b)
        h = gates["o"][:, t] * torch.tanh(c)
        assert torch.allclose(h, h_all[:, t], atol=1e-6)


def test_gates_of_several_layers_are_numbered(build: Build) -> None:
    """The second layer of a kernel has the gates of a network of one layer that reads the first."""
    network = build("lstm", SEQUENCE, width=5, layers=2)
    _, gates = call(blocks_of(network)[0], X)
    first, second = nn.LSTM(3, 5, batch_first=True), build("lstm", SEQUENCE, width=5).core
    second.weight_ih_l0 = nn.Parameter(network.core.weight_ih_l1)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        setattr(first, f"{name}_l0", nn.Parameter(getattr(network.core, f"{name}_l0")))
        setattr(second, f"{name}_l0", nn.Parameter(getattr(network.core, f"{name}_l1")))
    second.input_size = 5
    with torch.no_grad():
        expected = second.gates(first(X)[0])

    assert list(gates) == ["i1", "f1", "o1", "i2", "f2", "o2"]
    assert all(torch.allclose(gates[f"{name}2"], expected[name], atol=1e-6) for name in "ifo")


@pytest.mark.parametrize(
    ("forget_gate", "peepholes"),
    [("learned", True), ("coupled", True), ("none", True), ("coupled", False), ("none", False)],
)
def test_gates_of_the_other_lstms(forget_gate: str, peepholes: bool, build: Build) -> None:
    """With the gates and a candidate computed by hand, the equations give the states of our own loop."""
    network = build("lstm", SEQUENCE, width=5, forget_gate=forget_gate, peepholes=peepholes)
    (block,) = blocks_of(network)
    layer, c, h = block.module, torch.zeros(5, 4), torch.zeros(5, 4)
    if peepholes:
        nn.init.normal_(layer.p)
    x = X.permute(2, 1, 0)  # (I, T, B)
    h_all, gates = call(block, x)
    weight, back, b = (tensor[-10:-5] for tensor in (layer.W, layer.R, layer.b))
    for t in range(12):
        f = 1.0 if forget_gate == "none" else gates["f"][t]
        c = f * c + gates["i"][t] * torch.tanh(weight @ x[:, t] + back @ h + b[:, None])
        h = gates["o"][t] * torch.tanh(c)
        assert torch.allclose(h, h_all[:, t], atol=1e-6)
    assert list(gates) == (["i", "o"] if forget_gate == "none" else ["i", "f", "o"])


def test_gates_of_the_gru(build: Build) -> None:
    """With the gates and a candidate computed by hand, the equations give the states of our own loop."""
    network = build("gru", SEQUENCE, width=5)
    h_all, gates = call(blocks_of(network)[0], X)
    core, h = network.core, torch.zeros(4, 5)
    weight, back, bias, bias_back = (
        getattr(core, f"{name}_l0")[10:] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    for t in range(12):
        candidate = torch.tanh(X[:, t] @ weight.t() + bias + gates["r"][:, t] * (h @ back.t() + bias_back))
        h = gates["z"][:, t] * h + (1 - gates["z"][:, t]) * candidate
        assert torch.allclose(h, h_all[:, t], atol=1e-6)


def test_gates_of_the_recurrent_highway(build: Build) -> None:
    """With the gates and h computed by hand, the equations give the states of the network."""
    network = build("recurrent-highway", SEQUENCE, width=5, depth=2)
    (block,) = blocks_of(network)
    layer, s, x = block.module, torch.zeros(5, 4), X.permute(2, 1, 0)
    s_all, gates = call(block, x)
    for t in range(12):
        for number in range(2):
            net = layer.R[number, :5] @ s + layer.b[number, :5, None]
            h = torch.tanh(net + layer.W[:5] @ x[:, t] if number == 0 else net)
            opened = gates[f"t{number + 1}"][t]
            s = h * opened + s * (1 - opened)
        assert torch.allclose(s, s_all[:, t], atol=1e-6)


@pytest.mark.parametrize("name", ["min-gru", "min-lstm"])
def test_gates_of_the_minimal_cells(name: str, build: Build) -> None:
    """With the gates and a candidate computed by hand, the equations give the states of the cell."""
    network = build(name, SEQUENCE, layers=1, expansion=1, width=6)
    (block,) = blocks_of(network)
    x = torch.randn(6, 12, 4)
    h_all, gates = call(block, x)
    affine, h = block.module.affine, torch.zeros(6, 4)
    for t in range(12):
        candidate = affine.weight[-6:] @ x[:, t] + affine.bias[-6:, None]
        keep, take = (
            (1 - gates["z"][:, t], gates["z"][:, t]) if name == "min-gru" else (gates["f"][:, t], gates["i"][:, t])
        )
        h = keep * h + take * candidate
        assert torch.allclose(h, h_all[:, t], atol=1e-5)


@pytest.mark.parametrize("connectivity", ["cells", "below"])
def test_gates_of_the_network_of_1997(connectivity: str, build: Build) -> None:
    """The gates are the sigmoid of what the inputs and the cells before the step give them."""
    options = {"blocks": 2, "block_size": 3, "forget_gate": True, "output_gate": True, "biases": "all"}
    network = build("lstm-1997", SEQUENCE, connectivity=connectivity, **options)
    (block,) = blocks_of(network)
    output, gates = call(block, X)
    core, cells = block.module, output[:, :, 3:]  # outputs see the inputs, which come first
    before = torch.cat([torch.zeros(4, 1, 6), cells[:, :-1]], 1)
    net = X @ core.W.t() + core.b + (0 if core.R is None else before @ core.R.t())
    expected = torch.sigmoid(net[:, :, 6:]).permute(1, 2, 0)  # (T, gates, B)

    assert list(gates) == ["in", "out", "forget"]
    assert torch.allclose(torch.cat(list(gates.values()), 1), expected, atol=1e-6)


def test_gates_of_the_xlstm(build: Build) -> None:
    """The gates of the sLSTM are those of its equations step by step; those of the mLSTM start at their biases."""
    network = build("xlstm", SEQUENCE, width=8, heads=2, blocks="ms")
    memory, scalar = blocks_of(network)
    x = torch.randn(4, 12, 8)
    f = call(memory, x)[1]["f"]  # (B, heads, T)
    nn.init.normal_(scalar.module.R, std=0.3)
    gates = call(scalar, x)[1]
    a = scalar.module.net_inputs(x).detach().view(2, 4, 4, 12, 4)  # (heads, gate, d, T, B)
    back = scalar.module.R.detach().view(2, 4, 4, 4)  # (heads, gate, d, d)
    c, n, h = (torch.zeros(2, 4, 4) for _ in range(3))
    for t in range(12):
        i, forget, candidate, o = (a[:, :, :, t] + torch.einsum("kgij,kjb->kgib", back, h)).unbind(1)
        assert torch.allclose(gates["f"][:, :, t], torch.sigmoid(forget), atol=1e-5)
        assert torch.allclose(gates["o"][:, :, t], torch.sigmoid(o), atol=1e-5)
        c = torch.sigmoid(forget) * c + torch.exp(i) * torch.tanh(candidate)
        n = torch.sigmoid(forget) * n + torch.exp(i)
        h = torch.sigmoid(o) * c / n

    assert torch.allclose(f, torch.sigmoid(torch.tensor([3.0, 6.0]))[None, :, None].expand_as(f))


def test_gates_and_line_of_the_highway(build: Build) -> None:
    """A layer is H T + x (1 - T), its straight path the copy that T = 0 leaves, its strength the mean of 1 - T."""
    network = build("highway", IMAGE)
    block = blocks_of(network)[0]
    x = torch.randn(4, 50)
    y, gates = call(block, x)
    hidden = torch.tanh(block.module.affine(x)[:, :50])

    assert torch.allclose(y, hidden * gates["T"] + x * (1 - gates["T"]), atol=1e-6)
    assert torch.equal(block.line(x), x)
    assert torch.allclose(block.strength(x), 1 - gates["T"])


@pytest.mark.parametrize("order", ["post-activation", "pre-activation"])
@pytest.mark.parametrize("shortcut", ["exclusive-gate", "shortcut-gate"])
def test_gates_of_residual_units(shortcut: str, order: str, build: Build) -> None:
    """A gated unit is the sum of the branch and (1 - g) times the shortcut, the branch times g if exclusive."""
    network = build("resnet", IMAGE, depth=20, shortcut=shortcut, order=order).eval()
    block = blocks_of(network)[1]
    x = torch.randn(2, 16, 8, 8).relu()
    y, gates = call(block, x)
    unit, g = block.module, gates["g"]
    branch = unit.branch(x if order == "post-activation" else torch.relu(unit.norm(x)))
    expected = (1 - g) * x + (g if shortcut == "exclusive-gate" else 1) * branch

    assert torch.allclose(y, expected.relu() if order == "post-activation" else expected, atol=1e-5)
    assert blocks_of(network)[3].gates is None  # the shape changes, and the sum is plain


@pytest.mark.parametrize("per_step", [False, True])
def test_a_watched_tcn_computes_what_the_form_for_cpus_does(per_step: bool, build: Build) -> None:
    """With a hook on a block the network takes the paper's form, which calls it, and gives the same logits."""
    task = TaskInfo(kind="sequence", input_shape=(12, 3), outputs=2, per_step=per_step)
    network = build("tcn", task).eval()
    fast, seen = network(X), []
    handle = blocks_of(network)[0].branches[0].register_forward_hook(lambda *call: seen.append(call))
    watched = network(X)
    handle.remove()

    assert len(seen) == 1
    assert torch.allclose(fast, watched, atol=1e-5)
