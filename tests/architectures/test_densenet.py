"""DenseNet against a second formulation, and the memory that checkpoints save."""

from __future__ import annotations

import pytest
import torch
from msgspec import ValidationError
from torch import Tensor, nn
from torch.nn import functional

from archbench import TaskInfo
from archbench._declarations import convert_options

CIFAR = TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)
FORMS = [{"depth": 10}, {"depth": 16, "k": 5}, {"depth": 10, "bottleneck": False, "compression": 1.0}]


def second_formulation(network: nn.Module, x: Tensor, *, layers: int, bottleneck: bool) -> Tensor:
    """Return the logits of a DenseNet, written as one function of its convolutions and norms in their order."""
    convs = iter(module for module in network.modules() if isinstance(module, nn.Conv2d))
    norms = iter(module for module in network.modules() if isinstance(module, nn.BatchNorm2d))

    def composite(x: Tensor) -> Tensor:
        norm, conv = next(norms), next(convs)
        x = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
        x = functional.relu(norm.weight[:, None, None] * x + norm.bias[:, None, None])
        return functional.conv2d(x, conv.weight, padding="same")

    x = functional.conv2d(x, next(convs).weight, padding=1)
    for block in range(3):
        seen = [x]
        for _ in range(layers):
            new = composite(torch.cat(seen, 1))
            seen.append(composite(new) if bottleneck else new)
        x = torch.cat(seen, 1)
        if block < 2:
            x = functional.avg_pool2d(composite(x), 2)
    norm = next(norms)
    x = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
    x = functional.relu(norm.weight[:, None, None] * x + norm.bias[:, None, None]).mean((2, 3))
    return x @ network.head.weight.T + network.head.bias


@pytest.mark.parametrize("options", FORMS)
@pytest.mark.parametrize("checkpointed", [False, True])
def test_network_agrees_with_a_second_formulation(build, options, checkpointed):
    """Logits and all gradients are those of the functional formulation, to 1e-5, checkpointed or not."""
    network = build("densenet", CIFAR, **options, checkpointed=checkpointed).double()
    bottleneck = options.get("bottleneck", True)
    x = torch.randn(3, 3, 12, 9).double()
    layers = (options["depth"] - 4) // (6 if bottleneck else 3)
    logits, expected = network(x), second_formulation(network, x, layers=layers, bottleneck=bottleneck)

    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(logits.square().sum(), parameters)
    expected_gradients = torch.autograd.grad(expected.square().sum(), parameters)
    torch.testing.assert_close(gradients, expected_gradients, atol=1e-5, rtol=1e-5)


def test_checkpoints_keep_less_for_the_backward_pass(build):
    """A checkpointed net of 40 layers keeps less than half of the memory for the backward pass."""
    kept = {}
    for checkpointed in (False, True):
        network = build("densenet", CIFAR, depth=40, k=4, checkpointed=checkpointed)
        sizes: dict[int, int] = {}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, sizes=sizes: sizes.__setitem__(t.data_ptr(), t.untyped_storage().nbytes()) or t, lambda t: t
        ):
            network(torch.randn(2, 3, 32, 32))
        kept[checkpointed] = sum(sizes.values())

    assert kept[True] < 0.5 * kept[False]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depth": 23}, r"6n\+4 layers: the nearest depths are 22 and 28"),
        ({"depth": 23, "bottleneck": False}, r"3n\+4 layers: the nearest depths are 22 and 25"),
        ({"form": "imagenet"}, "depth is 22; the ImageNet nets have 121, 161, 169, 201 layers"),
    ],
)
def test_depth_between_nets_is_refused(declared, values, message):
    """A depth that no DenseNet has is refused with the depths that are allowed."""
    with pytest.raises(ValidationError, match=message):
        convert_options(declared("densenet"), values)


@pytest.mark.parametrize(("options", "smallest"), [({}, 4), ({"form": "imagenet", "depth": 121}, 29)])
def test_smallest_image_runs_and_a_smaller_one_is_refused(build, declared, options, smallest):
    """The smallest image that DenseNet names runs, and an image one pixel smaller is refused."""
    refuse = declared("densenet").incompatible
    fits, small = (
        TaskInfo(kind="image", input_shape=(1, side, smallest + 1), outputs=3) for side in (smallest, smallest - 1)
    )
    values = convert_options(declared("densenet"), options)

    assert refuse(fits, values) is None
    assert build("densenet", fits, **options)(torch.randn(2, *fits.input_shape)).shape == (2, 3)
    assert f"below {smallest}x{smallest}" in refuse(small, values)
