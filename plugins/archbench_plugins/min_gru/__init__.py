"""minGRU: a GRU whose gate and candidate see the input alone, so that all steps are one parallel scan.

Paper: Feng, Tung, Ahmed, Bengio and Hajimirsadegh, "Were RNNs All We Needed?", arXiv:2410.01201, sec. 3.1.
Reproduced:

    z_t = sigmoid(W_z x_t + b_z)     h'_t = W_h x_t + b_h     h_t = (1 - z_t) h_{t-1} + z_t h'_t

Symbols: update gate z, candidate h', state h; D is `width`, alpha is `expansion`. A layer has H = alpha D units and
2H(D+1) parameters, and (H+1)D more to come back to D features. Layers stand in residual branches after a LayerNorm.

Deviations: the paper trains with a scan in log space over positive candidates; here candidates have either sign, as in
its sec. 3.1.2, and the scan works on the values themselves (see `linear_scan`), with nothing to underflow. On a CPU a
loop over time is faster and takes the place of the scan. There is no convolution and no MLP between layers, which the
paper adds for language.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import LOOPS


@dataclass(frozen=True, slots=True)
class MinGRUOptions:
    """Options of `min-gru`: its size, and how much a layer keeps at the start."""

    width: Annotated[
        int, archbench.Meta(ge=0, description="features between layers, D in the equations; 0: 30, and 32 on tokens")
    ] = 0  # with the other defaults, the weights of the default LSTM
    expansion: Annotated[int, archbench.Meta(ge=1, description="units of a layer for each feature, alpha")] = (
        2  # the state is what remembers
    )
    layers: Annotated[int, archbench.Meta(ge=1, description="minGRU layers on top of each other")] = (
        3  # one layer's gates cannot see the state; the paper needs 3 for selective copying (its Table 1)
    )
    gate_bias: Annotated[float, archbench.Meta(description="b_z at the start: lower remembers longer")] = (
        -1.0  # the counterpart of the LSTM's forget bias of 1
    )
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )

    def units(self, task: archbench.TaskInfo) -> int:
        """Return D: the given width, else that with which all nets have equally many weights on this kind of input.

        The 32 features of a token cost this net less than most: a matrix for the way in alone.
        """
        return self.width or (32 if task.kind == "tokens" else 30)


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `min-gru`."""
    yield archbench.Architecture(
        name="min-gru",
        revision=4,  # since then its loop over time is compiled
        build="archbench_plugins.min_gru.network:build",
        libraries=LOOPS,
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=MinGRUOptions,
        summary="A GRU without recurrence in its gate: one parallel scan over time",
        source="arXiv:2410.01201, sec. 3.1",
        control="gru",
        tags=("linear-recurrence", "gated", "residual"),
    )
