"""The temporal convolutional net against its definition, step by step."""

# ruff: noqa: N806 - the papers' symbols are capitals

from __future__ import annotations

import pytest
import torch

from archbench import TaskInfo
from archbench_plugins.tcn import network as tcn
from archbench_plugins.tcn.network import TemporalBlock, Windows
from support.equations import causal_convolution


@pytest.mark.parametrize("channels", [3, 5])
def test_block_computes_its_definition(channels):
    """A block agrees with relu(x + F(x)), its causal convolutions computed as sums over past steps."""
    block = TemporalBlock(channels, 5, k=3, d=2, dropout=0.0)
    x = torch.randn(4, channels, 11)
    h = x
    for conv in (block.F[0], block.F[3]):
        h = torch.relu(causal_convolution(conv, h, k=3, d=2))

    torch.testing.assert_close(block(x), torch.relu(block.shortcut(x) + h), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("levels", "kernel"), [(1, 2), (3, 3)])
def test_answer_sees_as_far_back_as_documented(build, levels, kernel):
    """The gradient of the last answer reaches 1 + 2(k-1)(2^L - 1) steps and no further."""
    reach = 1 + 2 * (kernel - 1) * (2**levels - 1)
    task = TaskInfo(kind="sequence", input_shape=(reach + 4, 2), outputs=1)
    x = torch.randn(16, *task.input_shape, requires_grad=True)
    build("tcn", task, levels=levels, kernel=kernel, width=8)(x).sum().backward()

    assert x.grad.abs().sum((0, 2))[:5].bool().tolist() == [False] * 4 + [True]


def test_mnist_variant_has_the_papers_size(build, declared):
    """`tcn-mnist` has the 66,910 parameters of the paper's net and reads 784 pixels."""
    network = build("tcn", TaskInfo(kind="image", input_shape=(1, 28, 28), outputs=10), variant="tcn-mnist")

    assert sum(p.numel() for p in network.parameters()) == 66_910
    assert declared("tcn").parameters["tcn-mnist"][1] == 66_910
    assert network.front.steps == 784


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize(("steps", "levels", "kernel"), [(1, 2, 2), (13, 1, 4), (13, 6, 3), (16, 3, 7), (50, 4, 7)])
@pytest.mark.parametrize("padded", [False, True])
def test_windows_compute_the_dilated_convolutions(build, monkeypatch, per_step, steps, levels, kernel, padded):
    """The form for CPUs gives the answers and gradients of the dilated convolutions, with the same dropped channels."""
    task = TaskInfo(kind="sequence", input_shape=(steps, 2), outputs=3, per_step=per_step)
    network = build("tcn", task, levels=levels, kernel=kernel, width=5, dropout=0.3).double()
    x = torch.randn(6, steps, 2, dtype=torch.double, requires_grad=True)
    lengths = torch.randint(1, steps + 1, (6,)) if padded else None
    answers, gradients = [], []
    for are_faster in (True, False):
        monkeypatch.setattr(tcn, "are_windows_faster", lambda x, are_faster=are_faster: are_faster)
        torch.manual_seed(0)
        answers.append(network(x, lengths))
        gradients.append(torch.autograd.grad(answers[-1].square().sum(), [x, *network.parameters()]))

    torch.testing.assert_close(*answers)
    torch.testing.assert_close(*gradients)


def test_windows_are_the_form_of_a_cpu():
    """A CPU takes the windows for float32, and torch's convolutions under autocast."""
    assert tcn.are_windows_faster(torch.zeros(1))
    assert not tcn.are_windows_faster(torch.zeros(1, device="meta"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not tcn.are_windows_faster(torch.zeros(1))


@pytest.mark.parametrize("every", [1, 2, 5])
def test_gradient_of_windows_agrees_with_finite_differences(every):
    """The hand-written gradient passes gradcheck, for all steps and for some of them."""
    sizes = ((5, 3, 2), (4, 3, 3), (4, 1, 1), (4,))
    x, V, g, b = (torch.randn(*size, dtype=torch.double, requires_grad=True) for size in sizes)

    assert torch.autograd.gradcheck(Windows.apply, (x, V, g, b, every))
