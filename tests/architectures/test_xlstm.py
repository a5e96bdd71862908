"""sLSTM and mLSTM against the equations of the paper, one step after the other."""

# ruff: noqa: N806 - the papers' symbols are capitals

from __future__ import annotations

import pytest
import torch
from msgspec import ValidationError
from torch import Tensor
from torch.nn.functional import logsigmoid

from archbench import TaskInfo
from archbench._declarations import convert_options
from archbench_plugins.xlstm import by_hand
from archbench_plugins.xlstm import network as xlstm
from archbench_plugins.xlstm.by_hand import ScalarMemory
from archbench_plugins.xlstm.network import matrix_memory
from support import equations

ROWS: list[tuple[str, list[tuple[int, ...]], tuple[object, ...]]] = [
    # function, sizes of its tensors, its other arguments
    ("Norm", [(4, 3), (4,), (4,)], (1e-5,)),
    ("NormedProduct", [(4, 3), (4,), (4,), (6, 4), (6,)], (1e-5, 2)),
    ("SwishConv", [(3, 2, 5), (3, 1, 4), (3,)], (2,)),
    ("SwishConv", [(3, 2, 5), (3, 1, 4), (3,)], (1,)),
    ("MixedInputs", [(8, 2, 5), (8, 1, 4), (8,), (3, 2, 4, 4), (4, 24), (4,)], (2,)),
    ("MatrixMemory", [(3, 2, 4, 5), (2, 2, 5)], ()),
    ("GatedOutput", [(4, 4, 3), (8, 6), (8, 6), (8,), (8,)], (2,)),
]


def compare(found: Tensor, expected: Tensor, inputs: list[Tensor]) -> None:
    """Assert that values and the gradients in all inputs agree."""
    torch.testing.assert_close(found, expected)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), inputs) for y in (found, expected)), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("steps", [1, 9])
def test_scalar_memory_computes_its_equations(steps):
    """The sLSTM's h and all gradients agree with autograd through a plain loop without a stabiliser."""
    a, R = (torch.randn(*size, dtype=torch.double, requires_grad=True) for size in ((2, 12, steps, 4), (2, 12, 3)))

    compare(ScalarMemory.apply(a, R), equations.scalar_memory(a, R), [a, R])


def test_gates_far_apart_are_weighed_as_written():
    """For net inputs of hundreds, float32 agrees with a float64 loop that works on logarithms."""
    a = torch.randn(2, 12, 30, 4, dtype=torch.double) * 150
    a[:, 3:6] /= 10  # f~: below -88 the gate is 0 in float32
    e, log_n, states = torch.zeros(2, 3, 4), torch.full((2, 3, 4), -torch.inf), []
    for i, f, z, o in (a_t.chunk(4, 1) for a_t in a.unbind(2)):
        kept = logsigmoid(f) + log_n
        log_n = torch.logaddexp(kept, i)
        e = (kept - log_n).exp() * e + (i - log_n).exp() * z.tanh()
        states.append(o.sigmoid() * e)
    found = ScalarMemory.apply(a.float(), torch.zeros(2, 12, 3))

    torch.testing.assert_close(found.double(), torch.stack(states), atol=2e-4, rtol=2e-4)


def test_gradient_of_scalar_memory_agrees_with_finite_differences():
    """The hand-written gradient passes gradcheck."""
    a, R = (torch.randn(*size, dtype=torch.double, requires_grad=True) for size in ((2, 8, 4, 2), (2, 8, 2)))

    assert torch.autograd.gradcheck(ScalarMemory.apply, (a, R))


@pytest.mark.parametrize("steps", [1, 9])
def test_parallel_form_of_matrix_memory_is_the_recurrent_form(steps):
    """The mLSTM's h and all gradients agree with the recurrence over C and n without a stabiliser."""
    q, k, v = (torch.randn(2, 3, steps, 4, dtype=torch.double, requires_grad=True) for _ in "qkv")
    i, f = (torch.randn(2, 3, steps, dtype=torch.double, requires_grad=True) for _ in "if")

    compare(matrix_memory(q, k, v, i=i, f=f), equations.matrix_memory(q, k, v, i=i, f=f), [q, k, v, i])
    if steps > 1:
        compare(matrix_memory(q, k, v, i=i, f=f), equations.matrix_memory(q, k, v, i=i, f=f), [f])


@pytest.mark.parametrize(("name", "sizes", "rest"), ROWS)
def test_gradients_by_hand_agree_with_finite_differences(name, sizes, rest):
    """Each part of the form for CPUs passes gradcheck."""
    inputs = [torch.randn(*size, dtype=torch.double, requires_grad=True) for size in sizes]

    assert torch.autograd.gradcheck(getattr(by_hand, name).apply, (*inputs, *rest))


@pytest.mark.parametrize("spread", [1, 100])
def test_matrix_memory_by_hand_is_the_readable_one(spread):
    """Also where the exponentials of single steps leave the range of float32, values and gradients agree."""
    qkv = torch.randn(3, 2, 4, 9, dtype=torch.double, requires_grad=True)
    net = (torch.randn(2, 2, 9, dtype=torch.double) * spread).requires_grad_()
    q, k, v = qkv.transpose(2, 3)[:, None]
    expected = matrix_memory(q, k, v, i=net[0][None], f=net[1][None])[0].transpose(1, 2)

    compare(by_hand.MatrixMemory.apply(qkv, net), expected, [qkv, net])
    assert (logsigmoid(net[1]).cumsum(1) - net[0]).max() > by_hand.WIDEST or spread == 1


@pytest.mark.parametrize("shift", [-60, 60])
def test_scalar_memory_with_a_stabiliser_computes_its_equations(shift):
    """The loop for gates i that leave the range agrees with autograd through the plain equations."""
    a, R = (torch.randn(*size, dtype=torch.double) for size in ((2, 12, 9, 4), (2, 12, 3)))
    a[:, :3] += shift
    inputs = [a.requires_grad_(), R.requires_grad_()]

    compare(ScalarMemory.apply(a, R), equations.scalar_memory(a, R), inputs)
    assert not by_hand._is_in_range(a[:, :3].exp())


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(("blocks", "steps"), [("ms", 1), ("ms", 3), ("s", 30), ("m", 30), ("smm", 30)])
def test_form_for_cpus_is_the_readable_one(build, monkeypatch, blocks, steps, padded, per_step):
    """With weights far from their start, both forms give the same answers and gradients, also with padding."""
    task = TaskInfo(kind="sequence", input_shape=(steps, 2), outputs=3, per_step=per_step)
    network = build("xlstm", task, blocks=blocks, width=12, heads=2).double()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    x = torch.randn(4, steps, 2, dtype=torch.double, requires_grad=True)
    lengths = torch.tensor([steps, 1, (steps + 1) // 2, steps]) if padded else None
    answers, gradients = [], []
    for is_faster in (True, False):
        monkeypatch.setattr(xlstm, "is_faster_by_hand", lambda x, is_faster=is_faster: is_faster)
        answers.append(network(x, lengths))
        gradients.append(torch.autograd.grad(answers[-1].square().sum(), [x, *network.parameters()]))

    torch.testing.assert_close(*answers)
    torch.testing.assert_close(*gradients)


def test_form_for_cpus_is_taken_on_a_cpu_in_full_precision(build, monkeypatch):
    """Autocast, other devices, tracing and hooks on modules inside take the readable form."""
    x = torch.zeros(2, 5, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = xlstm.is_faster_by_hand(x)
    core = build("xlstm", TaskInfo(kind="sequence", input_shape=(5, 2), outputs=3), width=8, heads=2).core
    unwatched = core.is_watched()
    core.blocks[0].down.register_forward_hook(lambda *_: None)

    assert xlstm.is_faster_by_hand(x)
    assert not under_autocast
    assert not xlstm.is_faster_by_hand(torch.zeros(2, 5, 2, device="meta"))
    assert (unwatched, core.is_watched()) == (False, True)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert not xlstm.is_faster_by_hand(x)


def test_stabiliser_keeps_large_gates_finite():
    """Net inputs of 200, whose exponential float32 cannot hold, give finite outputs and gradients."""
    a = (torch.randn(2, 12, 20, 4) * 200).requires_grad_()
    h = ScalarMemory.apply(a, torch.randn(2, 12, 3))
    q, k, v = (torch.randn(2, 3, 20, 4) for _ in "qkv")
    i = (torch.randn(2, 3, 20) * 200).requires_grad_()
    y = matrix_memory(q, k, v, i=i, f=torch.randn(2, 3, 20) * 200)
    (h.sum() + y.sum()).backward()

    assert all(value.isfinite().all() for value in (h, y, a.grad, i.grad))


@pytest.mark.parametrize("blocks", ["m", "s", "smm"])
def test_blocks_stack_as_spelt(build, blocks):
    """Every letter of `blocks` makes one block, from the input up."""
    task = TaskInfo(kind="sequence", input_shape=(6, 2), outputs=3)
    network = build("xlstm", task, blocks=blocks, width=8, heads=2)

    assert blocks == "".join(type(block).__name__[0].lower() for block in network.core.blocks)
    assert network(torch.randn(4, 6, 2)).shape == (4, 3)


def test_wrong_blocks_and_heads_are_named(declared):
    """A letter that names no block is refused, and so are heads that do not divide the width."""
    with pytest.raises(ValidationError, match=r"at `\$\.blocks`"):
        convert_options(declared("xlstm"), {"blocks": "mx"})
    with pytest.raises(ValidationError, match="width is 36 and heads is 5; the heads must divide the width"):
        convert_options(declared("xlstm"), {"heads": 5})
