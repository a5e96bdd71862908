"""sLSTM and mLSTM against the equations of the paper, one step after the other."""

# ruff: noqa: N806 - the papers' symbols are capitals

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from msgspec import ValidationError
from torch import Tensor
from torch.nn.functional import logsigmoid
from torch.utils.flop_counter import FlopCounterMode

from archbench import TaskInfo
from archbench._declarations import convert_options
from archbench_plugins.xlstm import by_hand
from archbench_plugins.xlstm import network as xlstm
from archbench_plugins.xlstm.network import MLSTMBlock, ScalarMemory, matrix_memory
from support import equations

ROWS: list[tuple[str, list[tuple[int, ...]], tuple[object, ...]]] = [
    # function, sizes of its tensors, its other arguments
    ("Norm", [(4, 3), (4,), (4,)], (1e-5,)),
    ("NormedProduct", [(4, 3), (4,), (4,), (6, 4), (6,)], (1e-5, 2)),
    ("GatedOutput", [(2, 4, 6), (8, 6), (8, 6), (8,), (8,)], ()),
]
SIZES = [  # heads, d, T and B of the compiled loops
    (1, 1, 1, 1),
    (2, 3, 2, 1),
    (3, 5, 9, 7),
    (4, 9, 33, 32),
    (1, 18, 3, 40),
    (2, 6, 130, 5),
]


def compare(found: Tensor, expected: Tensor, inputs: list[Tensor]) -> None:
    """Assert that values and the gradients in all inputs agree."""
    torch.testing.assert_close(found, expected)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), inputs) for y in (found, expected)), strict=True):
        torch.testing.assert_close(a, b)


def hold_together(
    loop: Callable[..., Any], form: Callable[..., Any], inputs: list[Tensor], *, tolerance: float = 5e-5
) -> None:
    """Assert that a form of loops agrees in float32 with its readable form in float64, gradients included.

    Differences are in units of the largest number of each tensor, or, where all are small, of a thousandth of the
    largest of all tensors.
    """
    found, expected = [], []
    for compute, kind, into in ((loop, torch.float, found), (form, torch.double, expected)):
        leaves = [x.to(kind).requires_grad_() for x in inputs]
        values = compute(*leaves)
        values = values if isinstance(values, tuple) else (values,)
        generator = torch.Generator().manual_seed(1)
        along = [torch.randn(y.shape, generator=generator).to(kind) for y in values]
        into += [*values, *torch.autograd.grad(values, leaves, along)]
    sizes = [float(b.detach().abs().max()) for b in expected]
    for a, b, size in zip(found, expected, sizes, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=0.0, atol=tolerance * max(size, max(sizes) / 1000))


@pytest.mark.parametrize("steps", [1, 9])
def test_scalar_memory_computes_its_equations(steps):
    """The sLSTM's h and all gradients agree with autograd through a plain loop without a stabiliser."""
    a, R = (torch.randn(*size, dtype=torch.double, requires_grad=True) for size in ((2, 12, steps, 4), (2, 12, 3)))

    compare(ScalarMemory.apply(a, R), equations.scalar_memory(a, R), [a, R])


@pytest.mark.parametrize("memory", [ScalarMemory, by_hand.ScalarMemory])
def test_gates_far_apart_are_weighed_as_written(memory):
    """For net inputs of hundreds, float32 agrees with a float64 loop that works on logarithms."""
    a = torch.randn(2, 12, 30, 4, dtype=torch.double) * 150
    a[:, 3:6] /= 10  # f~: below -88 the gate is 0 in float32
    e, log_n, states = torch.zeros(2, 3, 4), torch.full((2, 3, 4), -torch.inf), []
    for i, f, z, o in (a_t.chunk(4, 1) for a_t in a.unbind(2)):
        kept = logsigmoid(f) + log_n
        log_n = torch.logaddexp(kept, i)
        e = (kept - log_n).exp() * e + (i - log_n).exp() * z.tanh()
        states.append(o.sigmoid() * e)
    found = memory.apply(a.float(), torch.zeros(2, 12, 3))

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


@pytest.mark.parametrize("shift", [-60, 60])
def test_scalar_memory_with_gates_out_of_range_computes_its_equations(shift):
    """Where e^i~ leaves the range of float32, values and gradients agree with autograd through the plain equations."""
    a, R = (torch.randn(*size, dtype=torch.double) for size in ((2, 12, 9, 4), (2, 12, 3)))
    a[:, :3] += shift
    inputs = [a.requires_grad_(), R.requires_grad_()]

    compare(ScalarMemory.apply(a, R), equations.scalar_memory(a, R), inputs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("shift", "spread"), [(0, 1), (-60, 1), (200, 1), (0, 30)])
def test_loops_of_scalar_memory_agree_with_its_readable_form(size, shift, spread):
    """Also where i or n leaves the range of float32, or gates are far apart."""
    heads, d, T, B = size
    a, R = torch.randn(heads, 4 * d, T, B) * spread, torch.randn(heads, 4 * d, d) * d**-0.5
    a[:, :d] += shift
    a[:, d : 2 * d] /= spread  # f~: below -88 the gate is 0 in float32

    hold_together(by_hand.ScalarMemory.apply, ScalarMemory.apply, [a, R])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("shift", "spread"), [(0, 1), (-60, 1), (60, 1), (0, 30)])
def test_loops_of_matrix_memory_agree_with_its_readable_form(size, shift, spread):
    """With all heads side by side and one by one, also where gates are far out of range."""
    heads, _, T, B = size
    qkv, net = torch.rand(3, *size), torch.randn(2, heads, T, B) * spread
    qkv[0] *= torch.randn(heads, 1, T, B).sign()  # sums of one sign: n . q, a divisor, is not next to 0
    net[0] += shift

    def readable(qkv: Tensor, net: Tensor) -> Tensor:
        (q, k, v), (i, f) = qkv.permute(0, 4, 1, 3, 2), net.permute(0, 3, 1, 2)
        return matrix_memory(q, k, v, i=i, f=f).permute(1, 3, 2, 0)

    for in_cache in (by_hand.IN_CACHE, 0):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(by_hand, "IN_CACHE", in_cache)
            hold_together(by_hand.MatrixMemory.apply, readable, [qkv, net], tolerance=1e-4 if spread > 1 else 2e-5)


@pytest.mark.parametrize("size", SIZES)
def test_convolution_in_loops_agrees_with_torchs(size):
    """The convolution and its swish, shorter than four steps as well."""
    _, D, T, B = size
    x, W, b = torch.randn(D, T, B), torch.randn(D, 1, 4), torch.randn(D)

    def readable(x: Tensor, weight: Tensor, b: Tensor) -> Tensor:
        x = torch.nn.functional.pad(x.permute(2, 0, 1), (3, 0))
        return torch.nn.functional.silu(torch.conv1d(x, weight, b, groups=D)).permute(1, 2, 0)

    hold_together(by_hand.SwishConv.apply, readable, [x, W, b])


@pytest.mark.parametrize(("width", "heads"), [(4, 1), (6, 3), (12, 4), (5, 5)])
def test_inputs_of_matrix_memory_agree_with_the_readable_ones(width, heads):
    """Groups of 4 features or fewer make q, k and v, and these make the net inputs of the gates."""
    block, E = MLSTMBlock(width, heads=heads).double(), 2 * width
    torch.nn.init.normal_(block.gates.weight)

    def readable(seen: Tensor, u: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        block.qkv, block.gates.weight, block.gates.bias = weights
        *qkv, i, f = block.net_inputs(u.permute(2, 1, 0), seen.permute(2, 1, 0))
        return torch.stack(qkv).permute(0, 3, 2, 1).unflatten(1, (heads, -1)), torch.stack([i, f]).permute(0, 2, 3, 1)

    weights = [block.qkv.detach(), block.gates.weight.detach(), block.gates.bias.detach()]
    del block.qkv, block.gates.weight, block.gates.bias  # plain tensors take their places
    hold_together(by_hand.MixedInputs.apply, readable, [*torch.randn(2, E, 5, 3), *weights])


@pytest.mark.parametrize("gate", range(4))
def test_loops_keep_what_is_no_number(gate):
    """After a net input that is not a number, no step of its head and example is one; all others are."""
    a, net = torch.randn(2, 12, 6, 5), torch.randn(2, 2, 6, 5)
    a[1, 3 * gate + 1, 2, 3] = net[gate % 2, 1, 2, 3] = torch.nan
    spoilt = torch.zeros(2, 6, 5, dtype=torch.bool)
    spoilt[1, 2:, 3] = True
    h = by_hand.ScalarMemory.apply(a, torch.ones(2, 12, 3))  # (T, heads, d, B)
    y = by_hand.MatrixMemory.apply(torch.randn(3, 2, 4, 6, 5), net)

    torch.testing.assert_close(h.isnan().any(2).transpose(0, 1), spoilt)
    torch.testing.assert_close(y.isnan().all(1), spoilt)
    torch.testing.assert_close(y.isnan().any(1), spoilt)


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(
    ("blocks", "steps", "heads"),
    [("ms", 1, 2), ("ms", 2, 12), ("ms", 3, 3), ("s", 30, 1), ("m", 30, 4), ("m", 30, 1), ("smm", 30, 2)],
)
def test_form_for_cpus_is_the_readable_one(build, monkeypatch, blocks, steps, heads, padded, per_step):
    """With weights far from their start, both forms give the same answers and gradients, also with padding."""
    task = TaskInfo(kind="sequence", input_shape=(steps, 2), outputs=3, per_step=per_step)
    network = build("xlstm", task, blocks=blocks, width=12, heads=heads)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    lengths = torch.tensor([steps, 1, (steps + 1) // 2, steps, steps]) if padded else None
    x, taken = torch.randn(5, steps, 2), []
    monkeypatch.setattr(xlstm.XLSTM, "by_hand", lambda *of, form=xlstm.XLSTM.by_hand: taken.append(form) or form(*of))

    def computed(network: torch.nn.Module) -> Callable[..., Tensor]:
        names = [name for name, _ in network.named_parameters()]
        return lambda x, *weights: torch.func.functional_call(
            network, dict(zip(names, weights, strict=True)), (x, lengths)
        )

    weights = [parameter.detach() for parameter in network.parameters()]
    hold_together(computed(network), computed(copy.deepcopy(network).double()), [x, *weights], tolerance=1e-4)
    assert len(taken) == 1


def test_operations_are_counted_in_the_readable_form(build):
    """The counter sees no compiled loop, so under it a network computes in the readable form."""
    network = build("xlstm", TaskInfo(kind="sequence", input_shape=(64, 2), outputs=1)).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.randn(1, 64, 2))

    assert counter.get_total_flops() == 3_400_776


def test_form_for_cpus_is_taken_on_a_cpu_in_full_precision(build, monkeypatch):
    """Autocast, other devices and types, tracing and hooks on modules inside take the readable form."""
    x = torch.zeros(2, 5, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = xlstm.is_faster_by_hand(x)
    core = build("xlstm", TaskInfo(kind="sequence", input_shape=(5, 2), outputs=3), width=8, heads=2).core
    unwatched = core.is_watched()
    core.blocks[0].down.register_forward_hook(lambda *_: None)

    assert xlstm.is_faster_by_hand(x)
    assert not under_autocast
    assert not xlstm.is_faster_by_hand(torch.zeros(2, 5, 2, device="meta"))
    assert not xlstm.is_faster_by_hand(x.double())
    assert (unwatched, core.is_watched()) == (False, True)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert not xlstm.is_faster_by_hand(x)


def test_stabiliser_keeps_large_gates_finite():
    """Net inputs of 200, whose exponential float32 cannot hold, give finite outputs and gradients in all forms."""
    a, R = (torch.randn(2, 12, 20, 4) * 200).requires_grad_(), torch.randn(2, 12, 3)
    qkv, net = torch.randn(3, 2, 4, 20, 3).requires_grad_(), (torch.randn(2, 2, 20, 3) * 200).requires_grad_()
    block = MLSTMBlock(4, heads=2)
    values = [
        ScalarMemory.apply(a, R),
        by_hand.ScalarMemory.apply(a, R),
        block.over_pairs(qkv, net),
        by_hand.MatrixMemory.apply(qkv, net),
    ]

    for value, inputs in zip(values, ([a], [a], [qkv, net], [qkv, net]), strict=True):
        assert all(x.isfinite().all() for x in (value, *torch.autograd.grad(value.sum(), inputs)))


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
