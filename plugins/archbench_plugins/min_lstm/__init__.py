"""minLSTM: an LSTM whose gates and candidate see the input alone, so that all steps are one parallel scan.

Paper: Feng, Tung, Ahmed, Bengio and Hajimirsadegh, "Were RNNs All We Needed?", arXiv:2410.01201, sec. 3.2.
Reproduced:

    f_t = sigmoid(W_f x_t + b_f)     i_t = sigmoid(W_i x_t + b_i)     h'_t = W_h x_t + b_h
    h_t = f_t / (f_t + i_t) h_{t-1} + i_t / (f_t + i_t) h'_t

Symbols: forget gate f, input gate i, candidate h', state h; D is `width`, alpha is `expansion`. A layer has H = alpha D
units and 3H(D+1) parameters, and (H+1)D more to come back to D features. Layers stand in residual branches after a
LayerNorm.

Deviations: those of `min-gru`.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import LOOPS


@dataclass(frozen=True, slots=True)
class MinLSTMOptions:
    """Options of `min-lstm`: its size, and how much a layer keeps at the start."""

    width: Annotated[
        int, archbench.Meta(ge=0, description="features between layers, D in the equations; 0: 26, and 28 on tokens")
    ] = 0  # with the other defaults, the weights of the default LSTM
    expansion: Annotated[int, archbench.Meta(ge=1, description="units of a layer for each feature, alpha")] = (
        2  # the state is what remembers
    )
    layers: Annotated[int, archbench.Meta(ge=1, description="minLSTM layers on top of each other")] = (
        3  # one layer's gates cannot see the state; the paper needs 3 for selective copying (its Table 1)
    )
    forget_bias: Annotated[float, archbench.Meta(description="b_f at the start: higher remembers longer")] = (
        1.0  # that of the default LSTM
    )
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )

    def units(self, task: archbench.TaskInfo) -> int:
        """Return D: the given width, else that with which all nets have equally many weights on this kind of input.

        The 32 features of a token cost this net less than most: a matrix for the way in alone.
        """
        return self.width or (28 if task.kind == "tokens" else 26)


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `min-lstm`."""
    yield archbench.Architecture(
        name="min-lstm",
        revision=4,  # since then its loop over time is compiled
        build="archbench_plugins.min_lstm.network:build",
        libraries=LOOPS,
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=MinLSTMOptions,
        summary="An LSTM without recurrence in its gates: one parallel scan over time",
        source="arXiv:2410.01201, sec. 3.2",
        control="lstm",
        tags=("linear-recurrence", "gated", "residual"),
    )
