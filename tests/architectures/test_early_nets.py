"""GoogLeNet, VGG, LeNet, AlexNet and network in network."""

from __future__ import annotations

import pytest
import torch
import torchvision.models
from msgspec import ValidationError
from torch import nn

from archbench import Outputs, TaskInfo
from archbench._declarations import convert_options
from archbench._selection import write_options
from archbench_plugins.googlenet.network import Inception

DIGITS = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)
IMAGENET = TaskInfo(kind="image", input_shape=(3, 224, 224), outputs=1000)


def test_auxiliary_classifiers_answer_in_training_only(build):
    """The classifiers on 4a and 4d answer in training, with weight 0.3, and are not computed in evaluation."""
    network = build("googlenet", DIGITS)
    calls = []
    for name, classifier in network.auxiliary.items():
        classifier.register_forward_hook(lambda *_, name=name: calls.append(name))
    x = torch.randn(4, 1, 8, 8)
    outputs = network(x)

    assert isinstance(outputs, Outputs)
    assert {name: weight for name, (_, weight) in outputs.auxiliary.items()} == {"4a": 0.3, "4d": 0.3}
    assert all(logits.shape == (4, 10) for logits, _ in outputs.auxiliary.values())
    assert calls == ["4a", "4d"]
    assert network.eval()(x).shape == (4, 10)
    assert calls == ["4a", "4d"]


def test_weight_0_leaves_the_classifiers_out(build):
    """With aux_weight 0 there are no auxiliary classifiers, and training returns plain logits."""
    network = build("googlenet", DIGITS, aux_weight=0.0)

    assert len(network.auxiliary) == 0
    assert network(torch.randn(4, 1, 8, 8)).shape == (4, 10)


@pytest.mark.parametrize("form", ["small", "imagenet"])
def test_one_seed_starts_the_trunk_alike_with_and_without_auxiliary_classifiers(build, form):
    """From one seed, all layers outside the auxiliary classifiers start with equal weights, with them or without."""
    task = TaskInfo(kind="image", input_shape=(1, 32, 32), outputs=10)
    states = []
    for aux_weight in (0.3, 0.0):
        torch.manual_seed(3)
        states.append(build("googlenet", task, form=form, aux_weight=aux_weight).state_dict())
    whole, trunk = states

    assert [name for name in whole if not name.startswith("auxiliary.")] == list(trunk)
    assert len(whole) > len(trunk)
    assert all(torch.equal(weights, whole[name]) for name, weights in trunk.items())


@pytest.mark.parametrize("head", ["4a", "4d"])
def test_one_auxiliary_classifier_may_be_left(build, head):
    """With `only_head` the other classifier is missing, and all layers outside it start as with both."""
    networks = []
    for options in ({}, {"only_head": head}):
        torch.manual_seed(3)
        networks.append(build("googlenet", DIGITS, **options))
    whole, one = (network.state_dict() for network in networks)

    assert [head] == list(networks[1].auxiliary)
    assert [name for name in whole if not name.startswith("auxiliary.")] == [
        name for name in one if not name.startswith("auxiliary.")
    ]
    assert all(torch.equal(value, whole[name]) for name, value in one.items() if not name.startswith("auxiliary."))


def test_missing_option_leaves_the_identity_alone(declared):
    """A trial of googlenet has the options that it had before one of its classifiers could be left out."""
    options = write_options(convert_options(declared("googlenet"), {}))

    assert options == {"form": "small", "width": 0.125, "normalise": False, "aux_weight": 0.3}


def test_auxiliary_loss_reaches_the_early_modules_only(build):
    """The loss of the classifier on 4a has a gradient in 3a, 3b and 4a, and none in 4b and after."""
    network = build("googlenet", DIGITS)
    network(torch.randn(4, 1, 8, 8)).auxiliary["4a"][0].sum().backward()
    reached = {name for name, stage in network.stages.items() if any(p.grad is not None for p in stage.parameters())}

    assert reached == {"3a", "3b", "4a"}


def test_inception_joins_its_four_branches():
    """An inception module agrees with the four branches of Figure 2b, computed one by one."""
    module = Inception(6, (8, 16, 24, 8, 16, 8), normalise=False)
    x = torch.randn(2, 6, 5, 5)
    weights, biases = (p.split((8, 16, 8)) for p in module.from_input[0].parameters())
    one, reduced3, reduced5 = (torch.relu(nn.functional.conv2d(x, w, b)) for w, b in zip(weights, biases, strict=True))

    def relu_conv(x: torch.Tensor, conv: nn.Conv2d) -> torch.Tensor:
        return torch.relu(nn.functional.conv2d(x, conv.weight, conv.bias, padding=conv.kernel_size[0] // 2))

    pooled = nn.functional.max_pool2d(x, 3, 1, 1)
    three, five = relu_conv(reduced3, module.three[0]), relu_conv(reduced5, module.five[0])
    expected = torch.cat([one, three, five, relu_conv(pooled, module.pool[1])], 1)

    assert module.five[0].kernel_size == (5, 5)
    torch.testing.assert_close(module(x), expected)


def test_published_googlenet_has_the_maps_of_table_1(build):
    """On 224x224 images the modules give 28x28, 14x14 and 7x7 maps with the channels of Table 1."""
    with torch.device("meta"):
        network = build("googlenet", IMAGENET, variant="googlenet-imagenet").eval()
        shapes, x = [], network.stem(torch.empty(1, 3, 224, 224))
        for stage in network.stages.values():
            x = stage(x)
            shapes.append((x.shape[1], x.shape[2]))

    assert shapes == [
        *((256, 28), (480, 28)),
        *((512, 14), (512, 14), (512, 14), (528, 14), (832, 14)),
        *((832, 7), (1024, 7)),
    ]


@pytest.mark.parametrize(
    ("options", "size"),
    [
        *(({}, size) for size in ((4, 4), (7, 5), (13, 6), (28, 28))),
        *(({"form": "imagenet"}, size) for size in ((31, 31), (40, 33), (97, 64))),
    ],
)
def test_googlenet_takes_any_size(build, options, size):
    """GoogLeNet computes the size of its maps rightly, so its auxiliary classifiers answer on images of any size."""
    task = TaskInfo(kind="image", input_shape=(2, *size), outputs=3)
    outputs = build("googlenet", task, **options)(torch.randn(2, 2, *size))

    assert [logits.shape for logits, _ in outputs.auxiliary.values()] == [(2, 3), (2, 3)]


@pytest.mark.parametrize("variant", ["vgg-11-imagenet", "vgg-11-bn-imagenet"])
def test_vgg_is_torchvisions(build, variant):
    """With torchvision's weights, copied in order, `vgg` computes torchvision's logits."""
    reference = torchvision.models.get_model(variant.replace("-imagenet", "").replace("-", "_").replace("vgg_", "vgg"))
    with torch.device("meta"):
        network = build("vgg", IMAGENET, variant=variant)
    weights = dict(zip(network.state_dict(), reference.state_dict().values(), strict=True))
    network.load_state_dict(weights, assign=True)
    x = torch.randn(1, 3, 224, 224)

    torch.testing.assert_close(network.eval()(x), reference.eval()(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "smallest"), [("googlenet", {}, 4), ("googlenet", {"form": "imagenet"}, 31), ("nin", {}, 4)]
)
def test_smallest_image_is_the_stated_one(build, declared, name, options, smallest):
    """The smallest image that a net names runs; one pixel less is refused, and would not run."""
    fits, small = (
        TaskInfo(kind="image", input_shape=(1, side, smallest + 1), outputs=3) for side in (smallest, smallest - 1)
    )
    values = convert_options(declared(name), options)

    assert declared(name).incompatible(fits, values) is None
    build(name, fits, **options)(torch.randn(2, *fits.input_shape))
    assert f"at least {smallest}x{smallest}" in declared(name).incompatible(small, values)
    with pytest.raises(RuntimeError):
        build(name, small, **options)(torch.randn(2, *small.input_shape))


@pytest.mark.parametrize("name", ["vgg", "alexnet", "lenet"])
@pytest.mark.parametrize("size", [(2, 2), (7, 3), (33, 40)])
def test_small_forms_take_any_size(build, name, size):
    """The small forms run on images of any size, because their pools round up."""
    task = TaskInfo(kind="image", input_shape=(2, *size), outputs=3)

    assert build(name, task)(torch.randn(2, 2, *size)).shape == (2, 3)


def test_alexnet_for_imagenet_names_its_smallest_image(build, declared):
    """The ImageNet form of AlexNet runs on 63x80 images, and refuses 62x80 with the form that takes any size."""
    options = convert_options(declared("alexnet"), {"form": "imagenet"})
    small, fits = (TaskInfo(kind="image", input_shape=(1, side, 80), outputs=3) for side in (62, 63))

    assert declared("alexnet").incompatible(small, options) == (
        "images are 62x80; form=imagenet needs at least 63x63; form=cifar takes any size"
    )
    assert declared("alexnet").incompatible(fits, options) is None
    assert build("alexnet", fits, form="imagenet")(torch.randn(2, 1, 63, 80)).shape == (2, 3)


def test_lenet_centres_images_in_its_field(build):
    """A digit and the same digit in a 32x32 frame of zeros have the same logits."""
    network = build("lenet", DIGITS)
    whole = build("lenet", TaskInfo(kind="image", input_shape=(1, 32, 32), outputs=10))
    whole.load_state_dict(network.state_dict())
    x = torch.randn(2, 1, 8, 8)

    torch.testing.assert_close(network(x), whole(nn.functional.pad(x, (12, 12, 12, 12))))


def test_vgg_for_imagenet_has_one_width(declared):
    """The ImageNet form of VGG refuses a width other than 64."""
    with pytest.raises(ValidationError, match="width is 16; the ImageNet nets have width 64"):
        convert_options(declared("vgg"), {"form": "imagenet"})
