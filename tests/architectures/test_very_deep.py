"""Nets of hundreds of layers can be built and trained on a CPU, and say how much memory that takes (see with -s)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from archbench import TaskInfo

BATCH = 4
CIFAR = TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)
DIGITS = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)
STEPS = TaskInfo(kind="sequence", input_shape=(90, 2), outputs=10)

NINE_HUNDRED = [("highway", {"depth": 900}, DIGITS), ("recurrent-highway", {"depth": 10, "gate_bias": -6.0}, STEPS)]
TWELVE_HUNDRED = [(name, {"depth": 1202}, CIFAR) for name in ("resnet", "stochastic-depth", "fixup")]


@pytest.mark.parametrize(
    ("name", "options", "task"),
    [*NINE_HUNDRED, *(pytest.param(*row, marks=pytest.mark.slow) for row in TWELVE_HUNDRED)],
    ids=[name for name, _, _ in [*NINE_HUNDRED, *TWELVE_HUNDRED]],
)
def test_deep_net_steps_on_a_cpu_and_its_memory_is_printed(build, name, options, task):
    """Nets of 900 or 1202 layers build and take a finite step forward and backward."""
    network = build(name, task, **options)
    loss, kept = forward(network, torch.randn(BATCH, *task.input_shape))
    weights = sum(p.numel() * p.element_size() for p in network.parameters())
    print(f"\n{name} {options}: {weights / 2**20:.0f} MiB of weights, and as much of gradients; ", end="")
    print(f"{kept / 2**20:.0f} MiB kept for the backward pass of {BATCH} examples")
    loss.backward()

    assert loss.isfinite()
    assert kept > 0
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "options", "task"), NINE_HUNDRED, ids=[name for name, _, _ in NINE_HUNDRED])
def test_900_layers_learn(build, name, options, task):
    """In highway nets of 900 layers, in depth or in time, the gradient reaches the first layer and the loss falls."""
    network = build(name, task, **options)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    x, y = torch.randn(32, *task.input_shape), torch.randint(10, (32,))
    losses = []
    for _ in range(3):
        loss = cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    first = next(iter(network.parameters()))

    assert first.grad.isfinite().all()
    assert first.grad.any()
    assert losses[-1] < losses[0]


@pytest.mark.slow
def test_trials_of_deep_nets_record_their_memory(cli, records, tmp_path):
    """The recorded peak memory of a trial holds at least weights, gradients and both of Adam's moments."""
    done = cli("run", "highway[depth=900]", "resnet-1202", "--task", "digits", "--protocol", "smoke", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    found = records(tmp_path / "leaderboard")
    assert len(found) == 2
    for record in found:
        resources = record["resources"]
        print(f"\n{resources['parameters']:,} parameters: {resources['peak_memory_bytes'] / 2**20:.0f} MiB at the peak")

        assert record["status"] == "ok"
        assert resources["peak_memory_bytes"] > 4 * 4 * resources["parameters"]


def forward(network: nn.Module, x: Tensor) -> tuple[Tensor, int]:
    """Return the loss and the bytes that autograd keeps for the backward pass, each storage once, without weights."""
    weights = {p.untyped_storage().data_ptr() for p in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = cross_entropy(network(x), torch.randint(10, (len(x),)))
    return loss, sum(kept.values())
