"""The residual unit, its shortcuts, and the plain nets that lack them."""

# ruff: noqa: N803, N806 - the papers' symbols are capitals

from __future__ import annotations

import pytest
import torch
from msgspec import ValidationError
from torch import Tensor, nn
from torch.nn import functional

from archbench import TaskInfo
from archbench._declarations import convert_options
from archbench_plugins.plain.network import delta_orthogonal_
from archbench_plugins.shared.images import SubsampleAndPad, Unit, basic_branch

DIGITS = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)
CIFAR = TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)


def with_zeroed_branch(unit: Unit) -> Unit:
    """Return the unit, with its branch set to F = 0."""
    assert isinstance(unit.branch, nn.Sequential)
    nn.init.zeros_(unit.branch[-1].weight)
    return unit


def conv_norm(x: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> Tensor:
    """Return a convolution of x, normalised by the mean and variance of its batch, spelled out."""
    x = functional.conv2d(x, conv.weight, stride=conv.stride, padding=conv.padding)
    x = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5).sqrt()
    return norm.weight[:, None, None] * x + norm.bias[:, None, None]


def second_formulation(network: nn.Module, x: Tensor, *, shortcuts: bool) -> Tensor:
    """Return the logits of a resnet with option A, or of a plain net, as one function of its convolutions and norms."""
    convs = iter(module for module in network.modules() if isinstance(module, nn.Conv2d))
    norms = iter(module for module in network.modules() if isinstance(module, nn.BatchNorm2d))
    x = torch.relu(conv_norm(x, next(convs), next(norms)))
    for first in convs:
        F = conv_norm(torch.relu(conv_norm(x, first, next(norms))), next(convs), next(norms))
        if first.stride[0] == 2:
            x = x[:, :, ::2, ::2]
            x = torch.cat([x, torch.zeros_like(x)], 1)
        x = torch.relu(F + x) if shortcuts else torch.relu(F)
    return functional.adaptive_avg_pool2d(x, 1).flatten(1) @ network.head.weight.T + network.head.bias


@pytest.mark.parametrize("name", ["resnet", "plain", "stochastic-depth"])
def test_network_agrees_with_a_second_formulation(build, name):
    """Logits and all gradients of a net of 14 layers are those of the functional formulation, to 1e-5."""
    keep_all = {"survival": 1.0} if name == "stochastic-depth" else {}
    network = build(name, CIFAR, depth=14, **keep_all).double()
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        nn.init.normal_(norm.weight, 1, 0.1)
        nn.init.normal_(norm.bias, 0, 0.1)
    if name == "stochastic-depth":  # it has another shortcut, so give it option A
        for unit in network.units:
            if unit.branch[0].stride[0] == 2:
                unit.shortcut = SubsampleAndPad(unit.branch[0].in_channels, unit.branch[0].out_channels, stride=2)
    x = torch.randn(3, 3, 12, 10).double()
    logits, expected = network(x), second_formulation(network, x, shortcuts=name != "plain")

    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(logits.square().sum(), parameters)
    expected_gradients = torch.autograd.grad(expected.square().sum(), parameters)
    torch.testing.assert_close(gradients, expected_gradients, atol=1e-5, rtol=1e-5)


def test_unit_without_branch_is_the_identity():
    """With F = 0 a unit returns relu(x)."""
    x = torch.randn(4, 16, 6, 6)

    assert torch.equal(torch.relu(x), with_zeroed_branch(Unit(basic_branch(16, 16, stride=1), nn.Identity()))(x))


@pytest.mark.parametrize("size", [6, 7, 1])
def test_widening_shortcut_subsamples_and_pads_with_zeros(size):
    """With F = 0 a unit of stride 2 returns every second row and column, and zeros in the new channels."""
    x = torch.randn(4, 16, size, size)
    y = with_zeroed_branch(Unit(basic_branch(16, 32, stride=2), SubsampleAndPad(16, 32, stride=2)))(x)

    assert torch.equal(torch.relu(x[:, :, ::2, ::2]), y[:, :16])
    assert torch.equal(torch.zeros_like(y[:, 16:]), y[:, 16:])


def joined(build, shortcut: str, **options: object) -> tuple[Tensor, Tensor, nn.Module]:
    """Return the input of a unit with F = 1, its output, and its join."""
    unit = build("resnet", DIGITS, depth=14, shortcut=shortcut, **options).units[1]
    nn.init.zeros_(unit.branch[-1].weight)
    nn.init.ones_(unit.branch[-1].bias)
    x = torch.rand(4, 16, 6, 6)
    return x, unit(x), unit.join


def test_shortcuts_join_as_in_table_1(build):
    """Each form of the shortcut computes its line of Table 1 in arXiv:1603.05027."""
    x, y, _ = joined(build, "scaled")
    torch.testing.assert_close(y, x / 2 + 1)
    x, y, _ = joined(build, "averaged")
    torch.testing.assert_close(y, x / 2 + 0.5)
    for shortcut in ("exclusive-gate", "shortcut-gate"):
        x, y, join = joined(build, shortcut, gate_bias=-1.0)
        g = torch.sigmoid(functional.conv2d(x, join.gate.weight) - 1)
        torch.testing.assert_close(y, (1 - g) * x + (g if shortcut == "exclusive-gate" else 1))
    x, y, _ = joined(build, "dropout")
    assert torch.isclose(y, 2 * x + 1).logical_or(y == 1).all()
    assert 0.3 < (y == 1).float().mean() < 0.7


def test_cut_shortcuts_leave_the_plain_net(build):
    """resnet[shortcut=none] with the weights of plain computes the logits of plain."""
    plain, cut = build("plain", DIGITS, depth=14), build("resnet", DIGITS, depth=14, shortcut="none")
    cut.load_state_dict(dict(zip(cut.state_dict(), plain.state_dict().values(), strict=True)))
    x = torch.randn(3, 1, 8, 8)

    assert torch.equal(plain(x), cut(x))


def test_pre_activated_path_is_clean(build):
    """With F = 0, a pre-activated net carries its state unchanged to the last norm, negative values included."""
    network = build("resnet", DIGITS, depth=14, order="pre-activation")
    first, *rest = network.units
    for unit in rest:
        nn.init.zeros_(unit.branch[-1].weight)
    stem = network.stem(torch.randn(3, 1, 8, 8))
    y = first(stem)

    assert torch.equal(y[:, :, ::4, ::4], network.units(stem)[:, :16])
    assert (y < 0).any()


def test_first_pre_activation_stands_before_the_paths_part(build):
    """The first pre-activated unit adds to the normalised, activated stem (arXiv:1603.05027, appendix)."""
    network = build("resnet", DIGITS, depth=14, order="pre-activation")
    first = network.units[0]
    nn.init.zeros_(first.branch[-1].weight)
    stem = network.stem(torch.randn(3, 1, 8, 8))

    assert torch.equal(first(stem), torch.relu(first.norm(stem)))


def test_maps_halve_twice_while_channels_double(build):
    """On 8x8 images the three stages work on 8x8, 4x4 and 2x2 maps."""
    for name in ("plain", "resnet", "stochastic-depth", "rezero", "fixup"):
        network = build(name, DIGITS, depth=14)
        x, shapes = torch.randn(2, 16, 8, 8), []
        for unit in network.units:
            x = unit(x)
            shapes.append(tuple(x.shape[1:]))

        assert shapes == [(16, 8, 8)] * 2 + [(32, 4, 4)] * 2 + [(64, 2, 2)] * 2


@pytest.mark.parametrize(
    ("name", "options"),
    [("resnet", {"depth": 32}), ("plain", {"depth": 32}), ("resnet", {"depth": 29, "block": "bottleneck"})],
)
def test_depth_counts_the_layers_with_weights(build, name, options):
    """A net of depth 6n+2, or 9n+2 with bottlenecks, has that many convolutions and linear layers."""
    network = build(name, DIGITS, **options)

    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in network.modules()) == options["depth"]


def test_one_seed_starts_plain_and_resnet_with_the_same_weights(build):
    """From one seed, plain, resnet and stochastic-depth start with equal weights."""
    states = []
    for name in ("plain", "resnet", "stochastic-depth"):
        torch.manual_seed(3)
        states.append(build(name, DIGITS, depth=14).state_dict().values())

    for plain, resnet, stochastic in zip(*states, strict=True):
        assert torch.equal(plain, resnet)
        assert torch.equal(plain, stochastic)


@pytest.mark.parametrize(
    "options",
    [{"shortcut": name} for name in ("B", "C", "exclusive-gate", "shortcut-gate")]
    + [{"shortcut": "C", "order": "pre-activation"}],
    ids=lambda options: "-".join(options.values()),
)
def test_one_seed_starts_the_branches_alike_under_every_shortcut(build, options):
    """From one seed, a shortcut with weights of its own leaves the start of all other layers as with option A."""
    states = []
    for shortcut in ("A", options["shortcut"]):
        torch.manual_seed(3)
        states.append(build("resnet", DIGITS, depth=14, **{**options, "shortcut": shortcut}).state_dict())
    bare, shortcuts = states

    assert len(shortcuts) > len(bare)
    assert all(torch.equal(weights, shortcuts[name]) for name, weights in bare.items())


def test_activations_are_channels_last(build):
    """The faster layout reaches the last unit without a conversion of the input."""
    network = build("resnet", DIGITS, depth=8)
    maps = network.units(network.stem(torch.randn(4, 1, 8, 8)))

    assert maps.is_contiguous(memory_format=torch.channels_last)
    assert not maps.is_contiguous()


@pytest.mark.parametrize(("C", "D", "gain"), [(16, 16, 1.0), (16, 32, 1.0), (3, 16, 2**0.5)])
def test_delta_orthogonal_convolution_keeps_lengths(C, D, gain):
    """A delta-orthogonal convolution makes the vector of every pixel `gain` times as long."""
    conv = nn.Conv2d(C, D, 3, padding=1, bias=False)
    delta_orthogonal_(conv.weight, gain=gain)
    x = torch.randn(2, C, 5, 5)

    torch.testing.assert_close(conv(x).norm(dim=1), gain * x.norm(dim=1), atol=1e-5, rtol=1e-5)


def test_delta_orthogonal_stage_is_nearly_an_isometry(build):
    """The singular values of the Jacobian of 18 layers lie within a factor of 10, and beyond 1000 from He's start.

    Both nets have tanh and no normalisation: only the kernels differ.
    """
    spread = {}
    for start in ("delta-orthogonal", "he"):
        network = build("plain", DIGITS, depth=56, start=start, activation="tanh", normalise=False)
        x = 0.1 * torch.randn(1, 16, 4, 4)
        jacobian = torch.autograd.functional.jacobian(network.units[:9], x, vectorize=True).reshape(256, 256)
        singular = torch.linalg.svdvals(jacobian)
        spread[start] = float(singular[0] / singular[-1])

    assert spread["delta-orthogonal"] < 10
    assert spread["he"] > 1000


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        (
            "resnet",
            {"form": "imagenet", "depth": 20},
            "depth is 20; the ImageNet nets have 18, 34, 50, 101, 152 layers",
        ),
        ("resnet", {"form": "imagenet", "depth": 50, "shortcut": "C"}, "shortcut are options of form=cifar"),
        ("resnet", {"depth": 20, "block": "bottleneck", "shortcut": "D"}, "Invalid enum value 'D'"),
        ("resnet", {"depth": 21, "block": "bottleneck"}, r"9n\+2 layers: the nearest depths are 20 and 29"),
        ("wide-resnet", {"depth": 20}, r"6n\+4 layers: the nearest depths are 16 and 22"),
        ("stochastic-depth", {"survival": 0}, r"Expected `float` > 0"),
    ],
)
def test_options_that_make_no_net_are_refused(declared, name, values, message):
    """Options that no net has are refused, and the message says what is allowed."""
    with pytest.raises(ValidationError, match=message):
        convert_options(declared(name), values)


@pytest.mark.parametrize("variant", ["resnet-18", "resnet-50"])
def test_imagenet_form_takes_other_channels_and_sizes(build, variant):
    """A torchvision net runs on small grey images."""
    task = TaskInfo(kind="image", input_shape=(1, 33, 17), outputs=7)

    assert build("resnet", task, variant=variant)(torch.randn(2, 1, 33, 17)).shape == (2, 7)
