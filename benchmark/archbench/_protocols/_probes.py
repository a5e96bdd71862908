"""Probes: measurements inside a trial. Plain data; they change no result."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Probe = Literal[
    "gradient",
    "time-gradient",
    "block-gradient",
    "activation",
    "correlation",
    "rank",
    "gate",
    "strength",
    "reuse",
    "lesion",
    "swap",
    "paths",
    "weights",
]
"""What can be measured:

- `gradient`: norm of the gradient of the training loss for the parameters of each layer.
- `time-gradient`: norm of the gradient of the training loss for the input of each time step.
- `block-gradient`: norm of the gradient of the training loss for the output of each block: the error that reaches it,
  which the gradient for the parameters is not, since that grows with what comes in too.
- `activation`: root mean square of the output of each block, and of its branch beside its straight path.
- `correlation`: correlation of the input gradients at points on the line between two examples (Balduzzi et al.,
  arXiv:1702.08591).
- `rank`: effective rank of the outputs of each block (Roy and Vetterli 2007: exponential of the entropy of the
  normalised singular values).
- `gate`: mean opening of each gate.
- `strength`: strength of the straight path of each block, 1 for an identity.
- `reuse`: mean absolute weight by which each block reads each of several sources (Huang et al., arXiv:1608.06993,
  Fig. 5).
- `lesion`: test score with each block skipped in turn, and with several skipped at once.
- `swap`: test score with pairs of blocks swapped.
- `paths`: contribution of paths of each length through the blocks (Veit et al., arXiv:1605.06431).
- `weights`: norm of each tensor of the network, and the network itself, which is kept in a file beside the record.
"""

Moment = Annotated[float, Meta(ge=0, le=1)]


class Probes(msgspec.Struct, frozen=True, kw_only=True):
    """The measurements of a trial beside its scores, and their moments.

    Args:
        measure: what to measure. `lesion`, `swap` and `paths` are measured after the last step only.
        at: shares of the steps after which the others are measured: 0 is before the first step, 1 after the last. A
            share between is rounded to the nearest validation.
        examples: training examples that a measurement reads, at most.

    Raises:
        ValueError: nothing is measured, or something twice.
    """

    measure: tuple[Probe, ...]
    at: tuple[Moment, ...] = (0.0, 1.0)
    examples: Annotated[int, Meta(ge=2)] = 64

    def __post_init__(self) -> None:
        for name, values in (("measure", self.measure), ("at", self.at)):
            if not values or len(set(values)) != len(values):
                raise ValueError(f"{name} is {list(values)}; give one or more values, each once")
