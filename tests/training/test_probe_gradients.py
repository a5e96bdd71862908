"""The probes of gradients agree with autograd by hand, finite differences and theory."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from archbench import Block, Outputs, TaskInfo
from archbench._training._probes._gradients import gradient_of_blocks, gradient_of_layers, gradient_of_steps
from archbench._training._probes._specimen import CannotMeasureError
from support.residual import make_specimen

SEQUENCE = TaskInfo(kind="sequence", input_shape=(5, 2), outputs=1)


class LastStep(nn.Module):
    """An Elman network that answers at the last step."""

    def __init__(self) -> None:
        super().__init__()
        self.core, self.head = nn.RNN(2, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 1), given (B, T, 2)."""
        return self.head(self.core(x)[0][:, -1])


def finite_difference(loss: Any, tensor: Tensor, step: float = 1e-6) -> Tensor:
    """The gradient of a loss in a tensor, by central differences."""
    flat, gradient = tensor.view(-1), torch.zeros_like(tensor).view(-1)
    for place in range(len(flat)):
        value = flat[place].item()
        flat[place] = value + step
        above = loss()
        flat[place] = value - step
        gradient[place] = (above - loss()) / (2 * step)
        flat[place] = value
    return gradient.view_as(tensor)


@torch.no_grad()
def test_layers_agree_with_finite_differences() -> None:
    """The norm of each layer is that of the gradient by central differences, over weights and biases together."""
    torch.manual_seed(0)
    network = LastStep().double()
    x, targets = torch.randn(3, 5, 2).double(), torch.randn(3, 1).double()
    with torch.enable_grad():
        values = gradient_of_layers(make_specimen(network, x, targets=targets))

    expected = {
        name: math.sqrt(
            sum(
                float(finite_difference(lambda: mse_loss(network(x), targets), p).square().sum())
                for p in module.parameters()
            )
        )
        for name, module in (("core", network.core), ("head", network.head))
    }
    assert dict(zip(values.names, values.values, strict=True)) == pytest.approx(expected, rel=1e-6)


@torch.no_grad()
def test_steps_agree_with_finite_differences() -> None:
    """The norm of each time step is that of the gradient by central differences, over the batch."""
    torch.manual_seed(0)
    network = LastStep().double()
    x, targets = torch.randn(3, 5, 2).double(), torch.randn(3, 1).double()
    with torch.enable_grad():
        values = gradient_of_steps(make_specimen(network, x, targets=targets, info=SEQUENCE))

    gradient = finite_difference(lambda: mse_loss(network(x), targets), x)
    assert values.names == ["0", "1", "2", "3", "4"]
    assert values.values == pytest.approx(gradient.square().sum((0, 2)).sqrt().tolist(), rel=1e-6)


def test_auxiliary_losses_and_shared_weights_count_once() -> None:
    """The loss is that of training, and a parameter with two owners belongs to the first."""

    class Shares(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x: Tensor) -> Outputs:
            h = self.first(x)
            return Outputs(self.second(h), {"side": (h, 0.5)})

    def loss(outputs: Any, targets: Tensor) -> Tensor:
        (side, weight) = outputs.auxiliary["side"]
        return mse_loss(outputs.logits, targets) + weight * mse_loss(side, targets)

    torch.manual_seed(0)
    network, x, targets = Shares(), torch.randn(4, 3), torch.randn(4, 3)
    values = gradient_of_layers(make_specimen(network, x, targets=targets, loss=loss))
    loss(network(x), targets).backward()

    assert values.names == ["first"]
    assert values.values == pytest.approx([float(network.first.weight.grad.norm())], rel=1e-6)


def test_a_deep_linear_net_decays_as_its_singular_values_say() -> None:
    """With layers that are s times an orthogonal matrix, the gradient of the biases falls by s from layer to layer.

    All singular values of a layer are s, and the gradient of a bias is that in the output of its layer.
    """
    torch.manual_seed(0)
    depth, width, s = 20, 8, 0.7
    layers = [nn.Linear(width, width) for _ in range(depth)]
    network = nn.Sequential(*layers)
    for layer in layers:
        nn.init.orthogonal_(layer.weight, gain=s)
        nn.init.zeros_(layer.bias)
        layer.weight.requires_grad = False
    x = torch.randn(16, width)
    values = gradient_of_layers(make_specimen(network.double(), x.double(), targets=torch.zeros(16, width).double()))

    ratios = [deeper / shallower for shallower, deeper in zip(values.values, values.values[1:], strict=False)]
    assert ratios == pytest.approx([1 / s] * (depth - 1), rel=1e-6)


def test_a_deep_linear_net_with_unequal_singular_values() -> None:
    """With weights U diag(s) U', the product of d layers has singular values s^d, and so has the decay along each axis.

    The gradient of the bias that is d layers below the output has the norm of s^d * U' dL/dy.
    """
    torch.manual_seed(0)
    depth, width = 6, 4
    s = torch.tensor([1.2, 0.9, 0.5, 0.1]).double()
    basis = torch.linalg.qr(torch.randn(width, width).double())[0]
    layers = [nn.Linear(width, width).double() for _ in range(depth)]
    network = nn.Sequential(*layers)
    for layer in layers:
        layer.weight = nn.Parameter(basis @ torch.diag(s) @ basis.t(), requires_grad=False)
        nn.init.zeros_(layer.bias)
    x, targets = torch.randn(1, width).double(), torch.randn(1, width).double()
    values = gradient_of_layers(make_specimen(network, x, targets=targets))

    g = (2 / width) * basis.t() @ (network(x) - targets)[0].detach()  # the derivative of the mean squared error
    expected = [float((s ** (depth - layer) * g).norm()) for layer in range(1, depth + 1)]
    assert values.values == pytest.approx(expected, rel=1e-9)


def test_tokens_are_measured_behind_the_first_embedding() -> None:
    """For tokens the gradient is taken at the output of the embedding, one norm for each step."""

    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.unused, self.embedding, self.head = nn.Embedding(7, 2), nn.Embedding(7, 3), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            weights = torch.arange(x.shape[1]) / 10
            return self.head((self.embedding(x) * weights[:, None]).sum(1))

    info = TaskInfo(kind="tokens", input_shape=(4,), outputs=2, vocabulary=7)
    torch.manual_seed(0)
    x, targets = torch.randint(7, (5, 4)), torch.randint(2, (5,))
    values = gradient_of_steps(make_specimen(Bag(), x, targets=targets, info=info, loss=cross_entropy))

    assert values.names == ["0", "1", "2", "3"]
    assert [value / values.values[1] for value in values.values] == pytest.approx([0, 1, 2, 3], rel=1e-5)


def test_what_has_no_gradient_in_time_says_why() -> None:
    """Images, and tokens that no embedding reads, cannot be measured."""
    image = TaskInfo(kind="image", input_shape=(1, 2, 2), outputs=2)
    tokens = TaskInfo(kind="tokens", input_shape=(4,), outputs=2, vocabulary=7)
    network, x, targets = nn.Linear(4, 2), torch.randint(7, (3, 4)), torch.zeros(3, dtype=torch.int64)
    network.register_forward_pre_hook(lambda module, inputs: (inputs[0].float(),))

    with pytest.raises(CannotMeasureError, match="no time steps"):
        gradient_of_steps(make_specimen(network, x, targets=targets, info=image, loss=cross_entropy))
    with pytest.raises(CannotMeasureError, match=r"no nn\.Embedding"):
        gradient_of_steps(make_specimen(network, x, targets=targets, info=tokens, loss=cross_entropy))


def test_a_gradient_that_is_not_finite_has_no_value() -> None:
    """A norm that overflows is None, so that a record never holds NaN or infinity."""
    network = nn.Linear(2, 1)
    nn.init.constant_(network.weight, 1e30)
    values = gradient_of_layers(make_specimen(network, torch.full((3, 2), 1e30), targets=torch.zeros(3, 1)))

    assert values.names == ["network"]
    assert values.values == [None]


def test_blocks_of_a_linear_chain_pass_the_error_by_their_weights() -> None:
    """In a chain of linear blocks the error at each output is that of the loss times the weights behind it."""
    torch.manual_seed(0)
    network, x = LinearChain([0.5, 3.0, -2.0]).double(), torch.randn(4, 2).double()
    targets = torch.zeros(4, 2).double()
    values = gradient_of_blocks(make_specimen(network, x, targets=targets))

    last = float((2 * network(x) / x.numel()).norm().detach())  # of the mean squared error, by hand
    assert values.names == ["1", "2", "3"]
    assert values.values == pytest.approx([last * 6.0, last * 2.0, last])


class LinearChain(nn.Sequential):
    """Multiplications in a row, each of them a block."""

    def __init__(self, factors: list[float]) -> None:
        layers = [nn.Linear(2, 2, bias=False) for _ in factors]
        for layer, factor in zip(layers, factors, strict=True):
            layer.weight.data = factor * torch.eye(2)
        super().__init__(*layers)

    def archbench_blocks(self) -> list[Block]:
        """Return the layers."""
        return [Block(str(number), layer) for number, layer in enumerate(self, 1)]
