"""Comparisons of networks: each fast form with torch's module or with the published equations, step by step."""

# ruff: noqa: N806 - the papers' symbols are capitals

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from archbench import TaskInfo
from archbench._declarations import convert_options
from archbench_plugins.gru.network import GRU
from archbench_plugins.lstm.network import GatedMemory
from archbench_plugins.lstm_1997 import LSTM1997Options
from archbench_plugins.lstm_1997.network import MemoryBlocks
from archbench_plugins.min_gru.by_hand import StepByStep as MinGRU
from archbench_plugins.min_lstm.by_hand import StepByStep as MinLSTM
from archbench_plugins.recurrent_highway.network import RecurrentHighway
from archbench_plugins.shared.sequences import linear_scan
from archbench_plugins.tcn import network as tcn
from archbench_plugins.transformer import network as transformer
from archbench_plugins.xlstm import network as xlstm
from archbench_plugins.xlstm.network import ScalarMemory, matrix_memory
from support import equations
from support.equivalence.comparisons import Compared, Comparison, both_forms, leaf, parameters_and, with_gradients

B, T, I, H = 8, 50, 2, 16  # noqa: E741 - the number of inputs
DRAWS = 5
SIZES = f"{DRAWS} draws, B={B}, T={T}, {I} inputs, H={H}"
COMPILED = ("gru:", "min-gru:", "min-lstm:", "xlstm on a CPU:")
"""How the names of forms in compiled loops begin; these are in float32 alone."""

KINDS = {torch.double: ("float64", 1e-10), torch.float: ("float32", 1e-4)}
"""The names of the types, and the tolerances that are promised in them."""

RECTIFIED = 1e-2
"""The tolerance in float32 for nets with ReLU. Where its input is 0 up to rounding, its slope is 0 or 1."""


def build(name: str, task: TaskInfo, **options: Any) -> nn.Module:
    """Return a network of an architecture by the name of its plugin's module."""
    (declared,) = importlib.import_module(f"archbench_plugins.{name}").archbench_architectures()
    module, function = declared.build.split(":")
    return getattr(importlib.import_module(module), function)(task, convert_options(declared, options))


def repeated(compute: Callable[[torch.dtype], Compared], kind: torch.dtype) -> Compared:
    """Yield the comparisons of several random draws, each from a seed of its own."""
    for seed in range(DRAWS):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield from compute(kind)


def gru(kind: torch.dtype) -> Compared:
    """Compare our GRU with torch's, two layers."""
    ours, theirs = (core(I, H, 2, batch_first=True).to(kind) for core in (GRU, nn.GRU))
    theirs.load_state_dict(ours.state_dict())
    x = leaf(B, T, I, kind=kind)
    yield from with_gradients([ours(x)[0], theirs(x)[0]], parameters_and(x, ours, theirs))


def lstm(kind: torch.dtype) -> Compared:
    """Compare torch's LSTM, which `lstm` takes, with the equations."""
    core, x = nn.LSTM(I, H, batch_first=True).to(kind), leaf(B, T, I, kind=kind)
    W, R, b, c = core.parameters()
    yield from with_gradients([core(x)[0], equations.lstm(x, W, R, b + c)], [(x, W, R, b, c)] * 2)


def gated_memory(kind: torch.dtype) -> Compared:
    """Compare every form of the own LSTM cell with the equations."""
    for forget_gate in ("learned", "coupled", "none"):
        for peepholes in (False, True):
            cell = GatedMemory(I, H, forget_gate=forget_gate, peepholes=peepholes, bias=1.0).to(kind)
            if cell.p is not None:
                nn.init.normal_(cell.p, std=0.3)
            x = leaf(B, T, I, kind=kind)
            states = [cell(x.permute(2, 1, 0)).permute(2, 1, 0), equations.gated_memory(cell, x)]
            yield from with_gradients(states, parameters_and(x, cell, cell))


def lstm_1997(kind: torch.dtype) -> Compared:
    """Compare the LSTM of 1997 with its equations, for the truncated and for the full gradient."""
    for truncated in (True, False):
        core = MemoryBlocks(I, LSTM1997Options(blocks=H // 2, block_size=2, truncated=truncated)).to(kind)
        x = torch.randn(B, T, I, dtype=kind)
        states = [core(x), equations.lstm_1997(core, x, truncated=truncated)]
        yield from with_gradients(states, [list(core.parameters())] * 2)


def recurrent_highway(kind: torch.dtype) -> Compared:
    """Compare the recurrent highway layer with its equations."""
    layer, x = RecurrentHighway(I, H, 2, gate_bias=-2.0).to(kind), leaf(B, T, I, kind=kind)
    states = [layer(x.permute(2, 1, 0)).permute(2, 1, 0), equations.recurrent_highway(layer, x)]
    yield from with_gradients(states, parameters_and(x, layer, layer))


def minimal(fast: Any, loop: Callable[..., Tensor], gates: int, kind: torch.dtype) -> Compared:
    """Compare minGRU or minLSTM with its equations."""
    inputs = [leaf(I, T, B, kind=kind), leaf(gates * H, I, kind=kind), leaf(gates * H, kind=kind)]
    yield from both_forms([fast.apply, loop], inputs)


def scan(kind: torch.dtype) -> Compared:
    """Compare the parallel scan with its recurrence, factors between 0 and 1."""
    f = torch.rand(B, T, H, dtype=kind).requires_grad_()
    yield from both_forms([linear_scan, equations.linear_recurrence], [f, leaf(B, T, H, kind=kind)])


def scalar_memory(kind: torch.dtype) -> Compared:
    """Compare the sLSTM with its equations, two heads."""
    inputs = [leaf(2, 4 * H, T, B, kind=kind), leaf(2, 4 * H, H, kind=kind, scale=H**-0.5)]
    yield from both_forms([ScalarMemory.apply, equations.scalar_memory], inputs)


def memory_of_matrices(kind: torch.dtype) -> Compared:
    """Compare the mLSTM in its parallel form with its recurrent form, two heads."""
    q, k, v = (leaf(B, 2, T, H, kind=kind) for _ in "qkv")
    i, f = (leaf(B, 2, T, kind=kind) for _ in "if")
    states = [memory(q, k, v, i=i, f=f) for memory in (matrix_memory, equations.matrix_memory)]
    yield from with_gradients(states, [[q, k, v, i, f]] * 2)


def switched(module: ModuleType, switch: str, name: str, kind: torch.dtype) -> Compared:
    """Compare the two forms between which a network of 50 steps chooses, for one answer and for one at every step."""
    for per_step in (False, True):
        task = TaskInfo(kind="sequence", input_shape=(T, I), outputs=3, per_step=per_step)
        network, x = build(name, task).to(kind).eval(), leaf(B, T, I, kind=kind)
        answers = []
        for fast in (True, False):
            with mock.patch.object(module, switch, lambda _, fast=fast: fast):
                answers.append(network(x))
        yield from with_gradients(answers, parameters_and(x, network, network))


def layouts() -> Compared:
    """Compare convolutional nets with channels last, as they are built, with the same nets in torch's own layout."""
    for network, x in images():
        plain = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
        yield from with_gradients([network(x), plain(x)], [list(net.parameters()) for net in (network, plain)])


def images() -> Iterator[tuple[nn.Module, Tensor]]:
    """Yield nets whose weights lie with channels last, in evaluation mode, each with a batch of images."""
    for name in ("resnet", "vgg", "nin", "googlenet"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = build(name, TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)).eval()
            yield network, torch.randn(B, 1, 8, 8)


FORMS: list[tuple[str, str, str, Callable[[torch.dtype], Compared]]] = [
    # faster form, control, the test of more sizes, comparison
    ("gru: input product hoisted, the rest of a step and its gradient compiled", "`torch.nn.GRU`",
     "test_recurrent.py::test_gru_on_a_cpu_agrees_with_torchs", gru),
    ("lstm: torch's fused kernel", "the equations, step by step",
     "test_recurrent.py::test_network_computes_its_equations", lstm),
    ("lstm with peepholes or coupled gates: input product hoisted, gradient by hand", "the equations, step by step",
     "test_gated_memory.py::test_layer_computes_its_equations", gated_memory),
    ("lstm-1997: both gradients by hand", "the equations, step by step",
     "test_lstm_1997.py::test_core_computes_its_equations", lstm_1997),
    ("recurrent-highway: input product hoisted, gradient by hand", "the equations, step by step",
     "test_recurrent_highway.py::test_layer_computes_its_equations", recurrent_highway),
    ("min-gru: gates hoisted, all steps and their gradient compiled", "the equations, step by step",
     "test_minimal.py::test_both_forms_compute_the_equations", partial(minimal, MinGRU, equations.min_gru, 2)),
    ("min-lstm: gates hoisted, all steps and their gradient compiled", "the equations, step by step",
     "test_minimal.py::test_both_forms_compute_the_equations", partial(minimal, MinLSTM, equations.min_lstm, 3)),
    ("min-gru, min-lstm on a GPU: parallel scan", "the recurrence, step by step",
     "test_scan.py::test_scan_agrees_with_the_loop", scan),
    ("xlstm, sLSTM: input product hoisted, gradient by hand", "the equations without stabiliser, step by step",
     "test_xlstm.py::test_scalar_memory_computes_its_equations", scalar_memory),
    ("xlstm, mLSTM: parallel form", "the recurrence without stabiliser, step by step",
     "test_xlstm.py::test_parallel_form_of_matrix_memory_is_the_recurrent_form", memory_of_matrices),
    ("xlstm on a CPU: features first, gradients by hand, only steps that the answer sees", "its readable form",
     "test_xlstm.py::test_form_for_cpus_is_the_readable_one", partial(switched, xlstm, "is_faster_by_hand", "xlstm")),
    ("tcn: products with windows, only steps that the answer sees", "`torch.nn.functional.conv1d` with dilation",
     "test_tcn.py::test_windows_compute_the_dilated_convolutions",
     partial(switched, tcn, "are_windows_faster", "tcn")),
    ("transformer on a CPU: features first, gradients by hand", "its readable form, on torch's layers",
     "test_transformer.py::test_form_for_cpus_is_the_readable_one",
     partial(switched, transformer, "is_faster_by_hand", "transformer")),
]  # fmt: skip


def comparisons() -> Iterator[Comparison]:
    """Yield the comparisons of all networks, in float64 and in float32."""
    for speed_up, control, test, compute in FORMS:
        for kind, (name, promised) in KINDS.items():
            if kind == torch.double and speed_up.startswith(COMPILED):
                continue
            rectified = kind == torch.float and speed_up.startswith(("tcn", "transformer"))
            tolerance = RECTIFIED if rectified else promised
            yield Comparison(
                speed_up, control, f"tests/architectures/{test}", f"{SIZES}, {name}", partial(repeated, compute, kind),
                tolerance,
            )  # fmt: skip
    yield Comparison(
        "resnet, vgg, nin, googlenet: channels last", "torch's own layout",
        "tests/architectures/test_equivalence.py::test_faster_form_agrees_with_its_control",
        f"one draw each, {B} images of 8x8, float32", layouts, RECTIFIED,
    )  # fmt: skip
