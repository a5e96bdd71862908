"""Parameter and operation counts of the image nets, against the papers' and torchvision's."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archbench import Outputs, TaskInfo

MNIST = TaskInfo(kind="image", input_shape=(1, 28, 28), outputs=10)
CIFAR = TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)
IMAGENET = TaskInfo(kind="image", input_shape=(3, 224, 224), outputs=1000)

PARAMETERS = [
    ("residual-mlp", "residual-mlp-10", MNIST, 102_463),  # as mlp-10 to mlp-100: the line has no weights
    ("residual-mlp", "residual-mlp-20", MNIST, 153_583),
    ("residual-mlp", "residual-mlp-50", MNIST, 306_943),
    ("residual-mlp", "residual-mlp-100", MNIST, 562_543),
    ("highway", "highway-10", MNIST, 85_660),
    ("highway", "highway-20", MNIST, 136_660),
    ("highway", "highway-50", MNIST, 289_660),
    ("highway", "highway-100", MNIST, 544_660),
    ("highway", "highway-conv-16", MNIST, 38_986),
    ("highway", "highway-conv-32", MNIST, 151_690),
    ("highway", "highway-b", CIFAR, 2_256_838),
    ("plain", "plain-20", CIFAR, 269_722),
    ("plain", "plain-32", CIFAR, 464_154),
    ("plain", "plain-44", CIFAR, 658_586),
    ("plain", "plain-56", CIFAR, 853_018),
    ("plain", "plain-110", CIFAR, 1_727_962),
    ("plain", "plain-20-orthogonal", CIFAR, 269_722 - 688),  # one bias in place of two norm parameters, 688 channels
    ("plain", "plain-32-orthogonal", CIFAR, 464_154 - 1136),
    ("plain", "plain-44-orthogonal", CIFAR, 658_586 - 1584),
    ("plain", "plain-56-orthogonal", CIFAR, 853_018 - 2032),
    ("plain", "plain-110-orthogonal", CIFAR, 1_727_962 - 4048),
    ("resnet", "resnet-20", CIFAR, 269_722),
    ("resnet", "resnet-32", CIFAR, 464_154),
    ("resnet", "resnet-44", CIFAR, 658_586),
    ("resnet", "resnet-56", CIFAR, 853_018),
    ("resnet", "resnet-110", CIFAR, 1_727_962),
    ("resnet", "resnet-1202", CIFAR, 19_421_274),
    ("resnet", "resnet-164", CIFAR, 1_703_258),
    ("resnet", "resnet-1001", CIFAR, 10_327_706),
    ("resnet", "preresnet-110", CIFAR, 1_727_962),
    ("resnet", "resnet-18", IMAGENET, 11_689_512),
    ("resnet", "resnet-34", IMAGENET, 21_797_672),
    ("resnet", "resnet-50", IMAGENET, 25_557_032),
    ("resnet", "resnet-101", IMAGENET, 44_549_160),
    ("resnet", "resnet-152", IMAGENET, 60_192_808),
    ("stochastic-depth", "stochastic-depth-20", CIFAR, 269_722),
    ("stochastic-depth", "stochastic-depth-56", CIFAR, 853_018),
    ("stochastic-depth", "stochastic-depth-110", CIFAR, 1_727_962),
    ("stochastic-depth", "stochastic-depth-152", CIFAR, 2_408_474),
    ("stochastic-depth", "stochastic-depth-1202", CIFAR, 19_421_274),
    ("wide-resnet", "wide-resnet-28-10", CIFAR, 36_479_194),
    ("wide-resnet", "wide-resnet-28-10-dropout", CIFAR, 36_479_194),
    ("wide-resnet", "wide-resnet-40-4", CIFAR, 8_949_210),
    ("wide-resnet", "wide-resnet-16-8", CIFAR, 10_961_370),
    ("wide-resnet", "wide-resnet-50-2", IMAGENET, 68_883_240),
    ("rezero", "rezero-20", CIFAR, 269_722 + 9),  # one alpha a unit
    ("rezero", "rezero-56", CIFAR, 853_018 + 27),
    ("rezero", "rezero-110", CIFAR, 1_727_962 + 54),
    ("fixup", "fixup-20", CIFAR, 269_722 - 2 * 688 + 5 * 9 + 2),  # no norm; five scalars a unit and two outside
    ("fixup", "fixup-56", CIFAR, 853_018 - 2 * 2032 + 5 * 27 + 2),
    ("fixup", "fixup-110", CIFAR, 1_727_962 - 2 * 4048 + 5 * 54 + 2),
    ("fixup", "fixup-1202", CIFAR, 19_421_274 - 2 * 44816 + 5 * 600 + 2),
    ("densenet", "densenet-40-12", CIFAR, 1_019_722),
    ("densenet", "densenet-100-12", CIFAR, 6_979_642),
    ("densenet", "densenet-100-24", CIFAR, 27_249_082),
    ("densenet", "densenet-bc-22-12", CIFAR, 71_686),
    ("densenet", "densenet-bc-100-12", CIFAR, 769_162),
    ("densenet", "densenet-bc-250-24", CIFAR, 15_324_406),
    ("densenet", "densenet-bc-190-40", CIFAR, 25_624_430),
    ("densenet", "densenet-bc-40-36", CIFAR, 1_542_682),
    ("densenet", "densenet-bc-40-48", CIFAR, 2_733_130),
    ("densenet", "densenet-bc-40-60", CIFAR, 4_261_690),
    ("densenet", "densenet-121", IMAGENET, 7_978_856),
    ("densenet", "densenet-161", IMAGENET, 28_681_000),
    ("densenet", "densenet-169", IMAGENET, 14_149_480),
    ("densenet", "densenet-201", IMAGENET, 20_013_928),
    ("googlenet", "googlenet-imagenet", IMAGENET, 6_998_552 + 6_379_728),
    ("googlenet", "googlenet-imagenet-no-aux", IMAGENET, 6_998_552),
    ("lenet", "lenet-5", MNIST, 61_706),
    ("lenet", "lenet-5-relu", MNIST, 61_706),
    ("alexnet", "alexnet-cifar", CIFAR, 2_472_266),
    ("alexnet", "alexnet-imagenet", IMAGENET, 61_100_840),
    ("nin", "nin-cifar", CIFAR, 966_986),
    ("vgg", "vgg-11-imagenet", IMAGENET, 132_863_336),
    ("vgg", "vgg-13-imagenet", IMAGENET, 133_047_848),
    ("vgg", "vgg-16-c-imagenet", IMAGENET, 133_638_952),
    ("vgg", "vgg-16-imagenet", IMAGENET, 138_357_544),
    ("vgg", "vgg-19-imagenet", IMAGENET, 143_667_240),
    ("vgg", "vgg-11-bn-imagenet", IMAGENET, 132_868_840),
    ("vgg", "vgg-13-bn-imagenet", IMAGENET, 133_053_736),
    ("vgg", "vgg-16-c-bn-imagenet", IMAGENET, 133_638_952 + 2 * 4224),  # a weight and a bias for each channel
    ("vgg", "vgg-16-bn-imagenet", IMAGENET, 138_365_992),
    ("vgg", "vgg-19-bn-imagenet", IMAGENET, 143_678_248),
    ("vgg", "vgg-11-bn", CIFAR, 9_231_114),
    ("vgg", "vgg-13-bn", CIFAR, 9_416_010),
    ("vgg", "vgg-16-c-bn", CIFAR, 10_001_226 + 2 * 4224),
    ("vgg", "vgg-16-bn", CIFAR, 14_728_266),
    ("vgg", "vgg-19-bn", CIFAR, 20_040_522),
    ("vgg", "vgg-11", CIFAR, 9_225_610),
    ("vgg", "vgg-13", CIFAR, 9_410_122),
    ("vgg", "vgg-16-c", CIFAR, 14_719_818 - 8 * (256**2 + 2 * 512**2)),  # three kernels of 1 and not of 9 weights
    ("vgg", "vgg-16", CIFAR, 14_719_818),
    ("vgg", "vgg-19", CIFAR, 20_029_514),
    ("convnext", "convnext-tiny", IMAGENET, 28_589_128),
    ("vit", "vit-b-16", IMAGENET, 86_567_656),
]

UNCOUNTED = {"googlenet-no-aux", "vit-no-shortcut"}  # small forms of our own: nothing was published

# Multiply-accumulates of one image, in millions, as published or computed from the layer list, to the digits given.
OPERATIONS = [
    ("resnet", "resnet-20", CIFAR, "40.55"),
    ("resnet", "resnet-32", CIFAR, "68.86"),
    ("resnet", "resnet-44", CIFAR, "97.17"),
    ("resnet", "resnet-56", CIFAR, "125.49"),
    ("resnet", "resnet-110", CIFAR, "252.89"),
    ("plain", "plain-20", CIFAR, "40.55"),
    ("stochastic-depth", "stochastic-depth-110", CIFAR, "252.89"),
    ("resnet", "resnet-18", IMAGENET, "1814"),
    ("resnet", "resnet-34", IMAGENET, "3664"),
    ("resnet", "resnet-50", IMAGENET, "4089"),
    ("resnet", "resnet-101", IMAGENET, "7801"),
    ("resnet", "resnet-152", IMAGENET, "11514"),
    ("densenet", "densenet-40-12", CIFAR, "265"),
    ("densenet", "densenet-100-12", CIFAR, "1770"),
    ("densenet", "densenet-100-24", CIFAR, "6889"),
    ("densenet", "densenet-bc-100-12", CIFAR, "288"),
    ("densenet", "densenet-bc-250-24", CIFAR, "5419"),
    ("densenet", "densenet-bc-190-40", CIFAR, "9302"),
    ("densenet", "densenet-bc-22-12", CIFAR, "31"),
    ("densenet", "densenet-bc-40-36", CIFAR, "647"),
    ("densenet", "densenet-bc-40-48", CIFAR, "1150"),
    ("densenet", "densenet-bc-40-60", CIFAR, "1796"),
    ("wide-resnet", "wide-resnet-50-2", IMAGENET, "11398"),
    ("googlenet", "googlenet-imagenet", IMAGENET, "1583"),  # the paper: a budget of 1.5 billion
    ("densenet", "densenet-121", IMAGENET, "2834"),
    ("densenet", "densenet-161", IMAGENET, "7728"),
    ("densenet", "densenet-169", IMAGENET, "3360"),
    ("densenet", "densenet-201", IMAGENET, "4291"),
    ("vgg", "vgg-11-imagenet", IMAGENET, "7609"),
    ("vgg", "vgg-13-imagenet", IMAGENET, "11308"),
    ("vgg", "vgg-16-imagenet", IMAGENET, "15470"),
    ("vgg", "vgg-19-imagenet", IMAGENET, "19632"),
    ("alexnet", "alexnet-imagenet", IMAGENET, "714"),
    ("convnext", "convnext-tiny", IMAGENET, "4456"),
    ("vit", "vit-b-16", IMAGENET, "17564"),
]


def cases(rows: list[tuple[str, str, TaskInfo, Any]]) -> list[Any]:
    """Return the rows as test cases with the names of the variants; those of more than 150 layers are slow."""
    found = []
    for name, variant, task, published in rows:
        layers = re.search(r"\d+", variant)
        marks = pytest.mark.slow if layers and int(layers[0]) > 150 else ()
        found.append(pytest.param(name, variant, task, published, id=variant, marks=marks))
    return found


@pytest.mark.parametrize(("name", "variant", "task", "published"), cases(PARAMETERS))
def test_variant_has_the_published_number_of_parameters(build, name, variant, task, published):
    """A variant has exactly the parameters of the published configuration."""
    with torch.device("meta"):  # counts without computing the weights
        network = build(name, task, variant=variant)

    assert published == count(network)


@pytest.mark.parametrize("name", sorted({name for name, _, _, _ in PARAMETERS}))
def test_declared_counts_are_those_of_the_table(declared, name):
    """The declared counts, which `benchmark check` compares with, are the published counts of all variants."""
    table = {variant: (task, count) for row, variant, task, count in PARAMETERS if row == name}

    assert table == declared(name).parameters
    assert table.keys() == declared(name).variants.keys() - UNCOUNTED


@pytest.mark.parametrize(("name", "variant", "task", "millions"), cases(OPERATIONS))
def test_variant_takes_the_published_number_of_operations(build, name, variant, task, millions):
    """Half the floating-point operations of a forward pass are the published multiply-accumulates."""
    decimals = len(millions.partition(".")[2])
    with torch.device("meta"):
        network = build(name, task, variant=variant).eval()
        macs = operations(network, torch.empty(1, *task.input_shape)) / 2

    assert millions == f"{macs / 1e6:.{decimals}f}"


@pytest.mark.slow
def test_thousand_layers_take_the_published_number_of_operations(build):
    """The forward pass of `resnet-1202` takes the published multiply-accumulates."""
    test_variant_takes_the_published_number_of_operations(build, "resnet", "resnet-1202", CIFAR, "2829.2")


@pytest.mark.parametrize(
    ("depth", "published"),
    [
        (20, 272_474),
        (32, 466_906),
        (44, 661_338),
        (56, 855_770),
        (110, 1_730_714),
        pytest.param(1202, 19_424_026, marks=pytest.mark.slow),
    ],
)
def test_projections_add_their_parameters(build, depth, published):
    """A resnet with option B has the parameters of two 1x1 convolutions with batch normalisation more."""
    with torch.device("meta"):
        network = build("resnet", CIFAR, depth=depth, shortcut="B")

    assert published == count(network)


def test_highway_b_for_a_hundred_classes(build):
    """`highway-b` on 100 classes has the published number of parameters."""
    with torch.device("meta"):
        network = build("highway", TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=100), variant="highway-b")

    assert count(network) == 2_265_928


@pytest.mark.parametrize("depth", [8, 20, 56])
def test_shortcuts_cost_no_parameter(build, depth):
    """plain, resnet and stochastic-depth of one depth have parameters of the same shapes, in the same order."""
    networks = [build(name, MNIST, depth=depth) for name in ("plain", "resnet", "stochastic-depth")]
    plain, resnet, stochastic = ([p.shape for p in network.parameters()] for network in networks)

    assert plain == resnet == stochastic


def count(network: nn.Module) -> int:
    """Return the number of parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


def operations(network: nn.Module, x: torch.Tensor) -> int:
    """Return the floating-point operations of a forward pass."""
    with FlopCounterMode(display=False) as counter:
        outputs = network(x)
    assert not isinstance(outputs, Outputs)  # in evaluation there are no auxiliary classifiers
    return counter.get_total_flops()
