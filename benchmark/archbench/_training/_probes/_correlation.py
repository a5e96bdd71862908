"""The probe `correlation`: do the gradients of nearby inputs resemble each other?"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from archbench._training._probes._specimen import CannotMeasureError, Specimen, Values, settle

PARTS = 8
"""Equal parts into which the line between two examples is cut."""

DISTANCES = (1, 2, 4, 8)
"""Distances between points whose gradients are compared, in parts."""


def correlations(specimen: Specimen) -> Values:
    """Return the correlation between the input gradients of points at each distance on a line between two examples.

    In a shattered net, gradients at neighbouring inputs are as different as white noise, and the correlation falls to 0
    within a short distance (Balduzzi et al. 2017, arXiv:1702.08591, section 2). There, the inputs lie on a grid in one
    dimension. Here, they lie on the lines x(t) = (1 - t) a + t b between examples a and b that follow each other, at t
    = 0, 1/8, ..., 1; the gradient is that of the training loss with the target of a. The value at a distance, which is
    named by its share of the line, is the mean over lines and pairs of points of the cosine between their gradients.
    Pairs in which a gradient vanishes do not count. The mode is that of `settle`.

    Raises:
        CannotMeasureError: between tokens there are no points.
    """
    if specimen.info.kind == "tokens":
        raise CannotMeasureError("between two tokens there is no input")
    gradients = torch.stack([_gradients(specimen, part / PARTS) for part in range(PARTS + 1)])  # (points, lines, n)
    return Values.of((f"{distance / PARTS:g}", _mean_cosine(gradients, distance)) for distance in DISTANCES)


def _gradients(specimen: Specimen, t: float) -> Tensor:
    """Return the gradient of the loss in the point t of each line, (lines, features)."""
    inputs, *others = specimen.arguments
    count = len(inputs) // 2
    starts, ends = inputs[: 2 * count : 2], inputs[1::2][:count]
    points = torch.lerp(starts, ends, t).requires_grad_()
    outputs = settle(specimen.network)(points, *(other[: 2 * count : 2] for other in others))
    loss = specimen.loss(outputs, specimen.targets[: 2 * count : 2])
    return torch.autograd.grad(loss, points)[0].flatten(1).double()


def _mean_cosine(gradients: Tensor, distance: int) -> float:
    first, second = gradients[:-distance], gradients[distance:]
    counts = (first.norm(dim=2) > 0) & (second.norm(dim=2) > 0)
    scale = gradients.abs().amax(2, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)  # so no square underflows
    cosines = cosine_similarity(first / scale[:-distance], second / scale[distance:], dim=2)
    return float(cosines[counts].mean())
