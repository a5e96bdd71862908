"""Parameter counts against the papers' configurations; an independent count for the recurrent nets."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archbench import TaskInfo

MNIST = TaskInfo(kind="image", input_shape=(1, 28, 28), outputs=10)
CIFAR = TaskInfo(kind="image", input_shape=(3, 32, 32), outputs=10)

PUBLISHED = [
    ("mlp", "mlp-10", MNIST, 102_463),
    ("mlp", "mlp-20", MNIST, 153_583),
    ("mlp", "mlp-50", MNIST, 306_943),
    ("mlp", "mlp-100", MNIST, 562_543),
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
    ("resnet", "resnet-20", CIFAR, 269_722),
    ("resnet", "resnet-32", CIFAR, 464_154),
    ("resnet", "resnet-44", CIFAR, 658_586),
    ("resnet", "resnet-56", CIFAR, 853_018),
    ("resnet", "resnet-110", CIFAR, 1_727_962),
    ("resnet", "resnet-1202", CIFAR, 19_421_274),
]

# One bias vector, as in the equations: H(I+H+1) for Elman's net, four times that for the LSTM. I is 1.
RECURRENT = [("rnn", 100, 10_200), ("rnn", 128, 16_640), ("lstm", 100, 40_800), ("lstm", 128, 66_560)]


@pytest.mark.parametrize(("name", "variant", "task", "published"), PUBLISHED, ids=[row[1] for row in PUBLISHED])
def test_variant_has_the_published_number_of_parameters(build, name, variant, task, published):
    """A variant has exactly the parameters of the published configuration."""
    with torch.device("meta"):  # counts without computing the weights
        network = build(name, task, variant=variant)

    assert published == count(network)


def test_table_covers_every_variant(declared):
    """No variant goes uncounted."""
    names = ("mlp", "lstm", "highway", "plain", "resnet")

    assert {variant for _, variant, _, _ in PUBLISHED} == {v for name in names for v in declared(name).variants}


@pytest.mark.parametrize(("name", "width", "one_bias"), RECURRENT)
def test_recurrent_core_has_the_equations_weights_and_a_second_bias(build, name, width, one_bias):
    """torch adds one bias per unit and gate to the count of the equations, and nothing else."""
    network = build(name, TaskInfo(kind="sequence", input_shape=(784, 1), outputs=10), width=width)
    second_bias = width * (4 if name == "lstm" else 1)
    head = width * 10 + 10

    assert one_bias + second_bias + head == count(network)


def test_default_recurrent_nets_have_equal_budgets(build):
    """The default LSTM and the default Elman net differ by less than 5 % in size on a two-feature task."""
    task = TaskInfo(kind="sequence", input_shape=(50, 2), outputs=1)

    assert count(build("rnn", task)) == pytest.approx(count(build("lstm", task)), rel=0.05)


@pytest.mark.parametrize("depth", [8, 20, 56])
def test_shortcuts_cost_no_parameter(build, depth):
    """plain and resnet of one depth have the same parameters, name by name."""
    task = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)
    plain, resnet = (
        {name: p.shape for name, p in build(kind, task, depth=depth).named_parameters()} for kind in ("plain", "resnet")
    )

    assert plain == resnet


def count(network: nn.Module) -> int:
    """All parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())
