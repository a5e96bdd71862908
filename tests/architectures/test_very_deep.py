"""Nets of hundreds of layers can be built and trained on a CPU."""

from __future__ import annotations

import pytest
import torch

from archbench import TaskInfo


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("highway", {"depth": 900}, (1, 8, 8)),
        ("recurrent_highway", {"depth": 10, "gate_bias": -6.0}, (90, 2)),
    ],
)
def test_900_layers_step_forward_and_backward(build, name, options, shape):
    """A 900-layer highway, in depth or in time, has finite logits and gradients that reach the first layer."""
    kind = "image" if len(shape) == 3 else "sequence"
    task = TaskInfo(kind=kind, input_shape=shape, outputs=10)
    network = build(name, task, **options)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    x, y = torch.randn(32, *shape), torch.randint(10, (32,))
    losses = []
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    first = next(iter(network.parameters()))

    assert first.grad.isfinite().all()
    assert first.grad.any()
    assert losses[-1] < losses[0]
