"""ConvNeXt and ViT against torchvision's."""

from __future__ import annotations

import pytest
import torch
import torchvision.models
from msgspec import ValidationError
from torch import nn

from archbench import TaskInfo
from archbench._declarations import convert_options

CIFAR = TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)


def order_of_torchvision(names: list[str]) -> list[str]:
    """Return our parameter names of a ViT in torchvision's order."""
    first = ["token", "patches.weight", "patches.bias", "positions"]
    return first + [name for name in names if name not in first]


def test_vit_is_torchvisions():
    """With torchvision's weights, copied, a small ViT computes torchvision's logits."""
    from archbench_plugins.vit import ViTOptions
    from archbench_plugins.vit.network import build

    reference = torchvision.models.VisionTransformer(
        image_size=32, patch_size=4, num_layers=3, num_heads=4, hidden_dim=32, mlp_dim=128, num_classes=10
    )
    nn.init.normal_(reference.heads.head.weight)  # torchvision starts it at 0
    network = build(CIFAR, ViTOptions(patch=4, depth=3))
    theirs = list(reference.state_dict().values())
    ours = network.state_dict()
    network.load_state_dict(dict(zip(order_of_torchvision(list(ours)), theirs, strict=True)))
    x = torch.randn(2, 3, 32, 32)

    torch.testing.assert_close(network.eval()(x), reference.eval()(x), atol=1e-5, rtol=1e-5)


def test_patches_fill_up_with_zeros(build):
    """An image whose sides are no multiple of the patch gets the logits of the image with zeros right and below."""
    small, filled = (TaskInfo(kind="image", input_shape=(1, *size), outputs=3) for size in ((7, 5), (8, 6)))
    network, whole = build("vit", small), build("vit", filled)
    whole.load_state_dict(network.state_dict())
    x = torch.randn(2, 1, 7, 5)

    torch.testing.assert_close(network(x), whole(nn.functional.pad(x, (0, 1, 0, 1))))


def test_vit_without_shortcuts_loses_the_image(build):
    """After 12 layers without shortcuts, the tokens of an image differ less than a tenth as much as with them."""
    x = torch.randn(16, 3, 32, 32)
    spread = {}
    for shortcut in (True, False):
        network = build("vit", CIFAR, depth=12, patch=8, shortcut=shortcut)
        z = network.units(network.patches(x).flatten(2).transpose(1, 2)).detach()
        spread[shortcut] = float(z.std(1).norm() / z.norm())  # between the tokens of an image

    assert spread[False] < 0.1 * spread[True]


def test_heads_must_divide_the_width(declared):
    """A width that is no multiple of the heads is refused, and the message names both."""
    with pytest.raises(ValidationError, match="width is 30; it must be a multiple of the 4 heads"):
        convert_options(declared("vit"), {"width": 30})


def test_convnext_tiny_is_torchvisions(build):
    """`convnext-tiny` takes torchvision's weights name by name and computes its logits."""
    reference = torchvision.models.convnext_tiny()
    task = TaskInfo(kind="image", input_shape=(3, 224, 224), outputs=1000)
    network = build("convnext", task, variant="convnext-tiny")
    network.load_state_dict(reference.state_dict())
    x = torch.randn(1, 3, 64, 64)

    torch.testing.assert_close(network.eval()(x), reference.eval()(x))


@pytest.mark.parametrize(
    ("variant", "scale", "std"),
    [(None, 1.0, lambda fan_in: (2 / fan_in) ** 0.5), ("convnext-tiny", 1e-6, lambda fan_in: 0.02)],
    ids=["default", "published"],
)
def test_convnext_starts_in_the_scale_of_its_form(build, variant, scale, std):
    """The default form has He's start and g = 1, the published one weights of 0.02 and g = 1e-6; biases are 0."""
    network = build("convnext", CIFAR, variant=variant, **({} if variant else {"width": 64}))
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    factors = [p for name, p in network.named_parameters() if name.endswith("layer_scale")]

    for layer in layers:
        assert float(layer.weight.detach().std()) == pytest.approx(std(layer.weight[0].numel()), rel=0.15)
        assert not layer.bias.any()
    assert factors
    assert all(torch.equal(p, torch.full_like(p, scale)) for p in factors)


def test_convnext_names_its_smallest_image(build, declared):
    """The default ConvNeXt runs on 4x9 images and refuses 3x9."""
    options = convert_options(declared("convnext"), {})
    small, fits = (TaskInfo(kind="image", input_shape=(1, side, 9), outputs=3) for side in (3, 4))

    assert "images are 3x9" in declared("convnext").incompatible(small, options)
    assert declared("convnext").incompatible(fits, options) is None
    assert build("convnext", fits)(torch.randn(2, 1, 4, 9)).shape == (2, 3)
