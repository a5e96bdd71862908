"""Faster forms of networks agree with their controls: each comparison of docs/equivalence.md that is about networks."""

from __future__ import annotations

import pytest
import torch

from support.equivalence.comparisons import Comparison
from support.equivalence.networks import comparisons, images


def name_of(comparison: Comparison) -> str:
    """Return a name of a comparison for the command line."""
    return f"{comparison.speed_up}, {comparison.inputs.split(', ')[-1]}".replace(" ", "-")


@pytest.mark.parametrize("comparison", list(comparisons()), ids=name_of)
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
