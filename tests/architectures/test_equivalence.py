"""Faster forms of networks agree with their controls: each comparison of docs/equivalence.md that is about networks."""

from __future__ import annotations

import pytest
import torch

from support.equivalence.networks import comparisons, images


@pytest.mark.parametrize("comparison", comparisons(), ids=lambda c: f"{c.speed_up}, {c.inputs[-7:]}".replace(" ", "-"))
def test_faster_form_agrees_with_its_control(comparison):
    """The largest relative difference of answers and gradients is at most the tolerance."""
    row = comparison.row()

    assert row["n"] > 0
    assert row["relative"] <= comparison.tolerance


def test_weights_lie_with_channels_last():
    """The convolutional nets that are compared have the layout."""
    for network, _ in images():
        kernels = [weight for weight in network.parameters() if weight.dim() == 4 and weight.shape[1] > 1]

        assert kernels
        assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in kernels)
