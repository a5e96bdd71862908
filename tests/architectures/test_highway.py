"""Highway layers against their equation, and the stages and image sizes of the convolutional forms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archbench import TaskInfo
from archbench._declarations import convert_options
from archbench_plugins.highway.network import HighwayLayer


def affine(form: str, width: int) -> nn.Linear | nn.Conv2d:
    """Return the affine layer of a highway layer of this form."""
    return nn.Linear(width, 2 * width) if form == "fully-connected" else nn.Conv2d(width, 2 * width, 3, padding=1)


forms = pytest.mark.parametrize(("form", "shape"), [("fully-connected", (4, 6)), ("convolutional", (4, 6, 5, 5))])


@forms
def test_closed_gate_carries_the_input(form, shape):
    """With b_T = -50 a layer returns its input, bit for bit."""
    x = torch.randn(shape)

    assert torch.equal(x, HighwayLayer(affine(form, 6), activation="relu", gate_bias=-50.0)(x))


@forms
def test_open_gate_transforms_the_input(form, shape):
    """With b_T = 50 a layer returns H(x)."""
    layer = HighwayLayer(affine(form, 6), activation="relu", gate_bias=50.0)
    x = torch.randn(shape)

    torch.testing.assert_close(layer(x), torch.relu(layer.affine(x)[:, :6]))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_layer_computes_the_equation(activation):
    """A layer agrees with y = H T + x (1 - T), computed with two separate products."""
    layer = HighwayLayer(nn.Linear(6, 12), activation=activation, gate_bias=-1.0)
    weight, bias = layer.affine.weight, layer.affine.bias
    x = torch.randn(4, 6)
    h = getattr(torch, activation)(x @ weight[:6].T + bias[:6])
    t = torch.sigmoid(x @ weight[6:].T + bias[6:])

    torch.testing.assert_close(layer(x), h * t + x * (1 - t), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("form", ["fully-connected", "convolutional"])
def test_gate_bias_is_set_in_every_layer(build, form):
    """In every layer the bias of the gate starts at b_T and the bias of H at 0."""
    task = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)
    network = build("highway", task, form=form, depth=9, width=6, gate_bias=-3.0)
    biases = [layer.affine.bias for layer in network.modules() if isinstance(layer, HighwayLayer)]

    assert len(biases) == 8
    assert all(torch.equal(bias, torch.tensor([0.0] * 6 + [-3.0] * 6)) for bias in biases)


def test_published_convolutional_net_has_the_published_stages(build):
    """The layers of highway-conv-16 stand in the order of the authors' prototxt."""
    task = TaskInfo(kind="image", input_shape=(1, 28, 28), outputs=10)
    network = build("highway", task, variant="highway-conv-16")
    stages = "Dropout Conv2d ReLU | 2 MaxPool2d Dropout | 3 MaxPool2d Dropout | 3 MaxPool2d Dropout | Flatten Linear"
    expected = stages.replace("|", "").replace("2 ", "HighwayLayer " * 2).replace("3 ", "HighwayLayer " * 3)

    assert expected.split() == [type(layer).__name__ for layer in network]
    assert [layer.p for layer in network if isinstance(layer, nn.Dropout)] == [0.2, 0.3, 0.4, 0.5]


@pytest.mark.parametrize("size", [8, 9, 10, 11, 12, 13, 14, 15, 28, 32])
def test_convolutional_form_runs_on_every_size_it_accepts(build, declared, size):
    """The convolutional form accepts and runs on images from 8x9 on."""
    task = TaskInfo(kind="image", input_shape=(1, size, size + 1), outputs=10)
    options = {"form": "convolutional", "depth": 4, "width": 3}

    assert declared("highway").incompatible(task, convert_options(declared("highway"), options)) is None
    assert build("highway", task, **options)(torch.randn(2, 1, size, size + 1)).shape == (2, 10)


def test_convolutional_form_refuses_smaller_images(declared):
    """The convolutional form refuses a 7x9 image with the smallest size and a form that takes any size."""
    task = TaskInfo(kind="image", input_shape=(1, 7, 9), outputs=10)
    options = convert_options(declared("highway"), {"form": "convolutional"})

    assert declared("highway").incompatible(task, options) == (
        "images are 7x9; the convolutional form halves them three times and needs at least 8x8; "
        "form=fully-connected takes any size"
    )


def test_fully_connected_form_takes_any_size(declared, build):
    """The fully connected form runs on a single pixel."""
    task = TaskInfo(kind="image", input_shape=(1, 1, 1), outputs=2)

    assert declared("highway").incompatible(task, convert_options(declared("highway"), {})) is None
    assert build("highway", task)(torch.randn(3, 1, 1, 1)).shape == (3, 2)


def test_highway_b_has_the_published_stages(build):
    """The layers of highway-b stand in the order of the authors' prototxt."""
    network = build("highway", TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10), variant="highway-b")
    stages = "Dropout Conv2d ReLU | 4 MaxPool2d Dropout Conv2d ReLU | 5 MaxPool2d Dropout Conv2d ReLU | 5"
    expected = stages.replace("|", "").replace("4 ", "HighwayLayer " * 4).replace("5", "HighwayLayer " * 5)
    tail = "Conv2d ReLU AdaptiveAvgPool2d Dropout Flatten Linear"

    assert (expected + tail).split() == [type(layer).__name__ for layer in network]
    assert [layer.out_channels for layer in network if isinstance(layer, nn.Conv2d)] == [32, 80, 128, 100]


def test_cifar_form_takes_any_size(build):
    """The form for CIFAR runs on images of a few pixels, because its pools round up."""
    task = TaskInfo(kind="image", input_shape=(2, 1, 3), outputs=3)

    assert build("highway", task, form="cifar", depth=5, width=8)(torch.randn(2, 2, 1, 3)).shape == (2, 3)
