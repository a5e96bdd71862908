"""The products and layers on features first against torch's."""

# ruff: noqa: N806 - the papers' symbols are capitals

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archbench_plugins.shared import features_first
from archbench_plugins.shared.features_first import Affine, Norm, NormedAffine, product


@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 1, 5), (1, 7, 33), (84, 28, 100), (28, 112, 2048), (5, 2048, 3)])
@pytest.mark.parametrize("by_rows", [(True, True), (True, False), (False, True), (False, False)])
def test_product_is_torchs(sizes, by_rows):
    """Matrices by rows and by columns give the product of float64 to the precision of float32."""
    M, K, N = sizes
    A, X = (
        torch.randn(*size) if is_by_rows else torch.randn(*size[::-1]).t()
        for size, is_by_rows in zip(((M, K), (K, N)), by_rows, strict=True)
    )
    error = product(A, X) - A.double() @ X.double()

    assert (error.abs() <= 1e-6 * (A.abs().double() @ X.abs().double())).all()


def test_product_without_one_dnn(monkeypatch):
    """Where torch comes without oneDNN, in float64 and where operations are counted, the product is torch's own."""
    A, X = torch.randn(3, 4), torch.randn(4, 5)
    with FlopCounterMode(display=False) as counter:
        product(A, X)
    monkeypatch.setattr(features_first, "ONE_DNN", None)

    assert counter.get_total_flops() == 2 * 3 * 4 * 5
    assert torch.equal(product(A, X), A @ X)
    assert torch.equal(product(A.double(), X.double()), A.double() @ X.double())


@pytest.mark.parametrize("layer", [Affine, Norm, NormedAffine])
def test_gradients_agree_with_finite_differences(layer):
    """The hand-written gradients pass gradcheck, also for a gradient whose columns lie in memory one by one."""
    D, M, N = 4, 3, 5
    x, g, s, W, b = (
        torch.randn(*size, dtype=torch.double, requires_grad=True) for size in ((D, N), (D,), (D,), (M, D), (M,))
    )
    inputs = {Affine: (x, W, b), Norm: (x, g, s, 1e-3), NormedAffine: (x, g, s, W, b, 1e-3)}[layer]

    assert torch.autograd.gradcheck(layer.apply, inputs)
    assert torch.autograd.gradcheck(lambda *inputs: layer.apply(*inputs).t().contiguous(), inputs)


def test_layers_are_torchs():
    """A LayerNorm alone, an affine layer alone and one after the other are torch's modules."""
    norm, affine, x = nn.LayerNorm(6), nn.Linear(6, 4), torch.randn(9, 6)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    normed = (norm.weight, norm.bias)

    torch.testing.assert_close(Norm.apply(x.t(), *normed, norm.eps).t(), norm(x))
    torch.testing.assert_close(Affine.apply(x.t(), affine.weight, affine.bias).t(), affine(x))
    mixed = NormedAffine.apply(x.t(), *normed, affine.weight, affine.bias, norm.eps)
    torch.testing.assert_close(mixed.t(), affine(norm(x)), atol=1e-5, rtol=1e-5)
