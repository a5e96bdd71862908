"""The probe `reuse`: mean absolute weights by source, by hand and over the channels of a DenseNet."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archbench import Block, TaskInfo
from archbench._training._probes._reuse import weights_of_sources
from archbench._training._probes._specimen import CannotMeasureError
from archbench_plugins.densenet import DenseNetOptions
from archbench_plugins.densenet.network import build
from support.residual import Residual, Scaled, make_specimen


class Reader(nn.Module):
    """One layer that reads three numbers of a first source and one of a second."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1, bias=False)
        self.layer.weight.data = torch.tensor([[1.0, -2.0, 3.0, -8.0]])

    def archbench_blocks(self) -> list[Block]:
        """Return the layer."""
        first, second = self.layer.weight.split([3, 1], 1)
        return [Block("1", self.layer, reads=lambda: {"a": first, "b": second})]


def test_values_are_mean_absolute_weights() -> None:
    """Each source has the mean absolute weight by which the block reads it."""
    values = weights_of_sources(make_specimen(Reader(), torch.zeros(2, 4)))

    assert (values.names, values.values) == (["1<a", "1<b"], [2.0, 8.0])


def test_networks_that_read_one_source_are_not_measured() -> None:
    """Where no block says what it reads, the probe says so."""
    network = Residual(Scaled(nn.Linear(4, 4)))

    with pytest.raises(CannotMeasureError, match="several sources"):
        weights_of_sources(make_specimen(network, torch.zeros(2, 4)))


@pytest.mark.parametrize("bottleneck", [True, False])
def test_layers_of_a_densenet_read_the_channels_of_the_layers_before_them(bottleneck: bool) -> None:
    """Weights that are set, channel by channel, to the number of the layer that made them are found at that source."""
    k, depth = 2, 22 if bottleneck else 13
    options = DenseNetOptions(form="cifar", depth=depth, k=k, bottleneck=bottleneck, compression=0.5)
    network = build(TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10), options)
    for block in network.archbench_blocks():
        number = int(block.name)
        first = next(module for module in block.module.H if isinstance(module, nn.Conv2d))
        place = (number - 1) % 3  # three layers in each dense block
        made_by = [0] * (first.in_channels - k * place) + [n for n in range(number - place, number) for _ in range(k)]
        with torch.no_grad():
            first.weight.copy_(-torch.tensor(made_by, dtype=torch.float)[:, None, None].expand_as(first.weight))
    values = weights_of_sources(make_specimen(network, torch.zeros(2, 1, 8, 8)))

    assert dict(zip(values.names, values.values, strict=True)) == {
        f"{reader}<{source or 'input'}": float(source)
        for reader in range(1, 10)
        for source in (0, *range(reader - (reader - 1) % 3, reader))
    }
