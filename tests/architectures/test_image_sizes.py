"""Parameter and operation counts of the image nets, against the papers' and torchvision's."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archbench import Outputs, TaskInfo

MNIST = TaskInfo(kind="image", input_shape=(1, 28, 28), outputs=10)
CIFAR = TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)
IMAGENET = TaskInfo(kind="image", input_shape=(3, 224, 224), outputs=1000)

PARAMETERS = [
    ("highway", "highway-10", MNIST, 85_660),
    ("highway", "highway-20", MNIST, 136_660),
    ("highway", "highway-50", MNIST, 289_660),
    ("highway", "highway-100", MNIST, 544_660),
    ("highway", "highway-conv-16", MNIST, 38_986),
    ("highway", "highway-conv-32", MNIST, 151_690),
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
]

# Multiply-accumulates of one image, in millions, as published or computed from the layer list, to the digits given.
OPERATIONS = [
    ("resnet", "resnet-20", CIFAR, "40.55"),
    ("resnet", "resnet-32", CIFAR, "68.86"),
    ("resnet", "resnet-44", CIFAR, "97.17"),
    ("resnet", "resnet-56", CIFAR, "125.49"),
    ("resnet", "resnet-110", CIFAR, "252.89"),
    ("resnet", "resnet-1202", CIFAR, "2829.2"),
    ("plain", "plain-20", CIFAR, "40.55"),
    ("stochastic-depth", "stochastic-depth-110", CIFAR, "252.89"),
    ("resnet", "resnet-18", IMAGENET, "1814"),
    ("resnet", "resnet-34", IMAGENET, "3664"),
    ("resnet", "resnet-50", IMAGENET, "4089"),
    ("resnet", "resnet-101", IMAGENET, "7801"),
    ("resnet", "resnet-152", IMAGENET, "11514"),
]


def ids(rows: list[tuple[str, str, TaskInfo, object]]) -> list[str]:
    """The variants."""
    return [variant for _, variant, _, _ in rows]


@pytest.mark.parametrize(("name", "variant", "task", "published"), PARAMETERS, ids=ids(PARAMETERS))
def test_variant_has_the_published_number_of_parameters(build, name, variant, task, published):
    """A variant has exactly the parameters of the published configuration."""
    with torch.device("meta"):  # counts without computing the weights
        network = build(name, task, variant=variant)

    assert published == count(network)


def test_table_covers_every_variant(declared):
    """No variant of these architectures goes uncounted."""
    for name in {name for name, _, _, _ in PARAMETERS}:
        assert {v for n, v, _, _ in PARAMETERS if n == name} == set(declared(name).variants)


@pytest.mark.parametrize(("name", "variant", "task", "millions"), OPERATIONS, ids=ids(OPERATIONS))
def test_variant_takes_the_published_number_of_operations(build, name, variant, task, millions):
    """Half the floating-point operations of a forward pass are the published multiply-accumulates."""
    decimals = len(millions.partition(".")[2])
    with torch.device("meta"):
        network = build(name, task, variant=variant).eval()
        macs = operations(network, torch.empty(1, *task.input_shape)) / 2

    assert millions == f"{macs / 1e6:.{decimals}f}"


@pytest.mark.parametrize(
    ("depth", "published"),
    [(20, 272_474), (32, 466_906), (44, 661_338), (56, 855_770), (110, 1_730_714), (1202, 19_424_026)],
)
def test_projections_add_their_parameters(build, depth, published):
    """Option B has two 1x1 convolutions with batch normalisation more."""
    with torch.device("meta"):
        network = build("resnet", CIFAR, depth=depth, shortcut="B")

    assert published == count(network)


@pytest.mark.parametrize("depth", [8, 20, 56])
def test_shortcuts_cost_no_parameter(build, depth):
    """plain, resnet and stochastic-depth of one depth have parameters of the same shapes, in the same order."""
    networks = [build(name, MNIST, depth=depth) for name in ("plain", "resnet", "stochastic-depth")]
    plain, resnet, stochastic = ([p.shape for p in network.parameters()] for network in networks)

    assert plain == resnet == stochastic


def count(network: nn.Module) -> int:
    """All parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


def operations(network: nn.Module, x: torch.Tensor) -> int:
    """Floating-point operations of a forward pass."""
    with FlopCounterMode(display=False) as counter:
        outputs = network(x)
    assert not isinstance(outputs, Outputs)  # in evaluation there are no auxiliary classifiers
    return counter.get_total_flops()
