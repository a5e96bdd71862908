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
from archbench_plugins.xlstm.network import ScalarMemory, matrix_memory
from support import equations


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
