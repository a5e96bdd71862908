"""The copy of a network that a probe works on, and the data that it reads."""

from __future__ import annotations

import contextlib
import copy
import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from archbench._declarations import TaskInfo
from archbench._training._splits import Split
from archbench._training._streaming import Batch
from archbench._training._streams import seed_globals


class CannotMeasureError(Exception):
    """The reason why a probe cannot measure something here, raised by that probe."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """A network under a probe.

    Args:
        network: a copy, which a probe may put into any mode and change.
        arguments, targets: examples of the training split, without augmentation: the same at every moment.
        loss: the training loss of outputs and targets, auxiliary losses and penalties included.
        info: shapes and kinds of the data.
        seed: of the draws of a probe.
        score: the test score of a network in evaluation mode, in the metric of the task.
    """

    network: nn.Module
    arguments: tuple[Tensor, ...]
    targets: Tensor
    loss: Callable[[Any, Tensor], Tensor]
    info: TaskInfo
    seed: int
    score: Callable[[nn.Module], float]

    def training_loss(self) -> Tensor:
        """Return the training loss of the network in training mode."""
        return self.loss(self.network.train()(*self.arguments), self.targets)


@dataclass(frozen=True, slots=True)
class Values:
    """The numbers that a probe measured, by name."""

    names: list[str]
    values: list[float | None]

    @staticmethod
    def of(pairs: Iterable[tuple[str, float]]) -> Values:
        """Return named numbers; one that is not finite becomes None."""
        pairs = list(pairs)
        return Values([name for name, _ in pairs], [value if math.isfinite(value) else None for _, value in pairs])


def copy_network(network: nn.Module) -> nn.Module:
    """Return a copy that shares nothing with the network: no weight, gradient, running statistic or attribute.

    Raises:
        CannotMeasureError: the network cannot be copied.
    """
    try:
        copied = copy.deepcopy(network)
    except Exception as error:
        raise CannotMeasureError(f"the network cannot be copied: {error}") from error
    for module in copied.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()  # else a GPU warns that its weights lie apart
    return copied


def settle(network: nn.Module, *, batch_statistics: bool = True) -> nn.Module:
    """Put a copy into the mode in which outputs are measured, and return it.

    That is evaluation mode, in which nothing is dropped, but with batch normalisation by the statistics of the batch:
    before the first step, the running statistics say nothing about the network.

    Args:
        network: the copy.
        batch_statistics: False for the running statistics of evaluation after all.
    """
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train(batch_statistics)
        elif isinstance(module, nn.RNNBase):
            module.dropout = 0.0
            module.train()  # in evaluation mode, cuDNN keeps nothing for a gradient
    return network


@contextlib.contextmanager
def random_streams_kept(device: torch.device, seed: int) -> Iterator[None]:
    """Seed all global random streams, and give each its own state back afterwards."""
    devices = [] if device.type == "cpu" else [device.index or 0]
    python, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices, device_type="cuda" if device.type == "cpu" else device.type):
        seed_globals(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy_state)


def fixed_batch(split: Split, examples: int) -> Batch:
    """Return the examples that probes read.

    They are spread evenly over the split, since some splits are ordered by label.

    Args:
        split: the training split.
        examples: how many, if there are as many.
    """
    count = min(examples, len(split))
    stride = len(split) // count
    index = slice(0, count * stride, stride)
    return split.arguments(index), split.targets[index]
