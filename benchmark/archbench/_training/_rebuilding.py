"""Rebuilding networks that were kept, and their predictions for new inputs."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from archbench._declarations import Architecture, Outputs, Prepared, resolve
from archbench._errors import DataError, RecordError
from archbench._records import KeptNetwork
from archbench._training._evaluation import evaluating
from archbench._training._splits import EvaluationBatches, ResidentSplit, Split, pad_in_front
from archbench._training._streams import seed_globals, stream_seed

Floats = npt.NDArray[np.float64]


def rebuild(kept: KeptNetwork, weights: bytes, architecture: Architecture, options: Any) -> nn.Module:
    """Return a network with its weights, in evaluation mode, on the CPU.

    It is built with the seed of its trial, so that what is drawn at random and is no part of its state comes out again.

    Args:
        kept: how to build it.
        weights: the file of the weights.
        architecture, options: what builds it.

    Raises:
        RecordError: the weights are not those of the network that is built now.
    """
    with _seeded(stream_seed(kept.trial, "weights")):
        network: nn.Module = resolve(architecture.build)(*architecture.arguments(kept.info, options))
    try:
        network.load_state_dict(safetensors.torch.load(weights))
    except (RuntimeError, safetensors.SafetensorError) as error:
        raise RecordError(
            f"the weights of trial {kept.trial.id} do not fit the network that {kept.trial.architecture.label} "
            f"builds now: {error}"
        ) from None
    return network.eval()


def predict(network: nn.Module, kept: KeptNetwork, prepared: Prepared) -> Floats:
    """Return the probabilities of classes or labels (R, outputs), or the numbers that are predicted (R, outputs).

    Args:
        network: as `rebuild` returns it.
        kept: its sidecar.
        prepared: the examples.

    Raises:
        DataError: the inputs do not have the shape that the network was trained on.
    """
    split = _split(kept, prepared)
    with evaluating(network):
        parts = [
            _logits(network(*split.scan(start, end)[0])) for _, start, end in EvaluationBatches(split, "new", kept.info)
        ]
    outputs = torch.cat(parts).double()
    outputs = outputs.flatten(0, -2) if outputs.ndim > 2 else outputs
    outputs = outputs if prepared.steps is None else outputs[torch.as_tensor(prepared.steps)]
    assert kept.fitted is not None
    if kept.asks == "numbers":
        return np.asarray(kept.fitted.offset + kept.fitted.scale * outputs.numpy())
    return np.asarray((outputs.sigmoid() if kept.asks == "labels" else outputs.softmax(-1)).numpy())


def _split(kept: KeptNetwork, prepared: Prepared) -> Split:
    """Return the examples as those of a trial, with targets of zeros."""
    inputs, info = torch.as_tensor(np.asarray(prepared.inputs)), kept.info
    if tuple(inputs.shape[1:]) != tuple(info.input_shape):
        raise DataError(f"an example has the shape {tuple(inputs.shape[1:])}; the network takes {info.input_shape}")
    targets = torch.zeros(inputs.shape[:2] if info.per_step else inputs.shape[:1], dtype=torch.int64)
    lengths = None if prepared.lengths is None else torch.as_tensor(prepared.lengths)
    split = ResidentSplit(inputs, targets, lengths)
    return split if kept.takes_lengths else pad_in_front(split, info)


def _logits(answer: Tensor | Outputs) -> Tensor:
    return answer.logits if isinstance(answer, Outputs) else answer


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global generators, and give each its own state back afterwards."""
    python, numbers = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        seed_globals(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numbers)
