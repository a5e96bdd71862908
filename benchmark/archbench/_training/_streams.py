"""Separate streams of random numbers, so that no draw for one purpose shifts the draws for another.

The streams for data depend on the task and the seed only: two architectures with one seed see the same splits and
the same batches in the same order, augmented alike. The streams for weights, noise and probes depend on the seed
only: two networks whose parameters have the same shapes in the same order start from the same weights.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any, Literal

import msgspec
import numpy as np
import torch

from archbench._records import Trial

Stream = Literal["splits", "order", "augmentation", "weights", "noise", "probes"]


def stream_seed(trial: Trial, stream: Stream) -> int:
    """Return a seed in [0, 2**32) for one stream of one trial."""
    decides: list[Any] = [stream, trial.seed]
    if stream in ("splits", "order", "augmentation"):
        decides.append(trial.task.identity())
    digest = hashlib.sha256(msgspec.json.encode(decides, order="deterministic")).digest()
    return int.from_bytes(digest[:4])


def host_states() -> tuple[Any, ...]:
    """Return the states of all global generators in host memory, which can be compared."""
    numpy: Any = np.random.get_state(legacy=False)
    keys, position = numpy["state"]["key"], numpy["state"]["pos"]
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), keys.tobytes(), position


def seed_globals(seed: int) -> None:
    """Seed every global generator that a network may draw from; a forked process inherits its parent's state."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # code of other people still draws from the global generator
