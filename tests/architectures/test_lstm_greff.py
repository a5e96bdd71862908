"""The forms of Greff et al., against their equations step by step, torch's kernel, and finite differences."""

# ruff: noqa: N806 - the papers' symbols are capitals

from __future__ import annotations

from typing import Any

import pytest
import torch
from msgspec import ValidationError
from torch import Tensor, nn

from archbench import TaskInfo
from archbench._declarations import convert_options
from archbench_plugins.lstm_greff import VARIANTS
from archbench_plugins.lstm_greff.network import Memory, ThroughTime

FORMS = {"vanilla": {}, **VARIANTS}
TASK = TaskInfo(kind="sequence", input_shape=(7, 3), outputs=2)
forms = pytest.mark.parametrize("form", FORMS)


def layer(build, form: str, **options) -> Memory:
    """Return the layer of a form with 5 cells and 3 inputs, in double precision, with peepholes that are not 0."""
    memory = build("lstm-greff", TASK, width=5, **FORMS[form], **options).core.layers[0].double()
    if memory.p is not None:
        nn.init.normal_(memory.p)
    return memory


def by_equations(memory: Memory, form: str, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Compute the paper's equations in a loop, changed as it says for the form: (B, T, I) to (B, T, H), and gates."""
    H = memory.R.shape[1]
    rows = {"nig": "foz", "nfg": "ioz", "nog": "ifz", "cifg": "ioz"}.get(form, "ifoz")
    W, R, b = (dict(zip(rows, value.split(H), strict=True)) for value in (memory.W, memory.R, memory.b))
    p = dict.fromkeys("ifo", torch.zeros(H)) if memory.p is None else dict(zip(rows[:-1], memory.p, strict=True))
    c = y = x.new_zeros(len(x), H)
    before = {name: x.new_zeros(len(x), H) for name in "ifo"}
    outputs, opened = [], []
    for x_t in x.unbind(1):

        def net(
            name: str, memory_seen: Tensor | None = None, x_t: Tensor = x_t, y: Tensor = y, before: Any = before
        ) -> Tensor:
            value = x_t @ W[name].T + y @ R[name].T + b[name]
            if memory_seen is not None:
                value = value + p[name] * memory_seen
                if form == "fgr":
                    row = dict(zip("ifo", memory.G.split(H), strict=True))[name]
                    value = value + sum(before[g] @ G.T for g, G in zip("ifo", row.split(H, 1), strict=True))
            return value

        z = net("z") if form == "niaf" else torch.tanh(net("z"))
        i = torch.ones_like(c) if form == "nig" else torch.sigmoid(net("i", c))
        f = 1 - i if form == "cifg" else torch.ones_like(c) if form == "nfg" else torch.sigmoid(net("f", c))
        c = z * i + c * f
        o = torch.ones_like(c) if form == "nog" else torch.sigmoid(net("o", c))
        y = (c if form == "noaf" else torch.tanh(c)) * o
        before = {"i": i, "f": f, "o": o}
        outputs.append(y)
        opened.append(before)
    gates = {name: torch.stack([step[name] for step in opened], 1) for name in "ifo"}
    return torch.stack(outputs, 1), gates


@forms
def test_layer_computes_the_equations_of_its_form(build, form):
    """Outputs and all gradients of a layer agree with autograd through the paper's equations."""
    memory = layer(build, form)
    x = torch.randn(4, 7, 3, dtype=torch.double, requires_grad=True)
    found, expected = memory(x.permute(2, 1, 0)).permute(2, 1, 0), by_equations(memory, form, x)[0]
    inputs = [x, *memory.parameters()]

    torch.testing.assert_close(found, expected)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), inputs) for y in (found, expected)), strict=True):
        torch.testing.assert_close(a, b)


@forms
def test_gates_are_those_of_the_equations(build, form):
    """The layer shows the gates that its form has, as far open as the equations say, and no others."""
    memory = layer(build, form)
    x = torch.randn(4, 7, 3, dtype=torch.double)
    expected = by_equations(memory, form, x)[1]
    expected.pop({"nig": "i", "nfg": "f", "nog": "o"}.get(form), None)

    torch.testing.assert_close(
        {name: gate.permute(2, 0, 1) for name, gate in memory.gates(x.permute(2, 1, 0)).items()}, expected
    )


@forms
def test_gradient_agrees_with_finite_differences(build, form):
    """The hand-written gradient passes gradcheck, for one step and for several."""
    memory = layer(build, form)
    weights = [value for value in (memory.R, memory.p, memory.G) if value is not None]

    def through_time(a: Tensor, *_: Tensor) -> Tensor:
        return ThroughTime.apply(a, memory.R, memory.p, memory.G, memory.form)

    for steps in (1, 4):
        a = torch.randn(len(memory.b), steps, 2, dtype=torch.double, requires_grad=True)
        assert torch.autograd.gradcheck(through_time, (a, *weights))


def test_without_peepholes_it_is_torchs_lstm(build):
    """Without peepholes and with the weights copied over, outputs agree with torch.nn.LSTM."""
    memory = layer(build, "np")
    reference = nn.LSTM(3, 5).double()
    order = [0, 1, 3, 2]  # torch's is i, f, z, o

    def rows(value: Tensor) -> Tensor:
        return torch.cat([value.split(5)[k] for k in order])

    with torch.no_grad():
        reference.weight_ih_l0.copy_(rows(memory.W))
        reference.weight_hh_l0.copy_(rows(memory.R))
        reference.bias_ih_l0.copy_(rows(memory.b))
        reference.bias_hh_l0.zero_()
    x = torch.randn(11, 4, 3, dtype=torch.double)

    torch.testing.assert_close(memory(x.permute(2, 0, 1)).permute(1, 2, 0), reference(x)[0])


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("vanilla", 4 * 9 * 13 + 27),
        ("nig", 3 * 9 * 13 + 18),
        ("nfg", 3 * 9 * 13 + 18),
        ("nog", 3 * 9 * 13 + 18),
        ("niaf", 4 * 9 * 13 + 27),
        ("noaf", 4 * 9 * 13 + 27),
        ("np", 4 * 9 * 13),
        ("cifg", 3 * 9 * 13 + 18),
        ("fgr", 4 * 9 * 13 + 27 + 9 * 81),
    ],
)
def test_forms_have_the_weights_of_their_equations(build, form, expected):
    """With 3 inputs and 9 cells a form has the weights of the gates and peepholes that it keeps."""
    core = build("lstm-greff", TASK, width=9, **FORMS[form]).core

    assert expected == sum(parameter.numel() for parameter in core.parameters())


def test_ones_start_the_forget_gate_alone(build):
    """b_f starts at 1, and all other biases at 0; a form without forget gate has none at 1."""
    assert layer(build, "vanilla").b.view(4, 5)[:, 0].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert not layer(build, "nfg").b.any()


def test_chrono_start_spreads_the_time_that_cells_remember(build):
    """b_f is the log of numbers between 1 and T - 1 that differ between cells, b_i is -b_f, and the others are 0."""
    task = TaskInfo(kind="sequence", input_shape=(101, 3), outputs=2)
    b = build("lstm-greff", task, width=400, start="chrono").core.layers[0].b.detach().view(4, 400)
    span = b[1].exp()

    assert torch.equal(-b[0], b[1])
    assert not b[2:].any()
    assert span.min() >= 1
    assert span.max() <= 100
    assert abs(float(span.mean()) - 50.5) < 5


def test_coupled_gates_start_with_the_forget_gate_of_the_others(build):
    """A coupled cell keeps sigmoid(1) of its memory at the start, and a chrono one sigmoid(b_f)."""
    assert layer(build, "cifg").b.view(3, 5)[:, 0].tolist() == [-1.0, 0.0, 0.0]
    assert (layer(build, "cifg", start="chrono").b.view(3, 5)[0] <= 0).all()


@pytest.mark.parametrize(
    "options",
    [
        {"coupled": True, "without": "forget-gate"},
        {"coupled": True, "without": "input-gate"},
        {"gate_recurrence": True, "without": "output-gate"},
        {"gate_recurrence": True, "coupled": True},
    ],
)
def test_forms_that_contradict_themselves_are_refused(declared, options):
    """A form that couples or connects gates which it has not is an error that says so."""
    with pytest.raises(ValidationError, match=r"coupled needs both gates|gate_recurrence needs all three gates"):
        convert_options(declared("lstm-greff"), options)
