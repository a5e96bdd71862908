"""Gated recurrent unit: one gate decides both what is kept and what is written.

Paper: Cho et al., "Learning phrase representations using RNN encoder-decoder", arXiv:1406.1078, sec. 2.3; compared with
the LSTM by Chung et al., arXiv:1412.3555.
Reproduced, in the form of Appleyard et al., arXiv:1604.01946, which is that of torch's kernel:

    r_t = sigmoid(W_r x_t + R_r h_{t-1} + b_r)      z_t = sigmoid(W_z x_t + R_z h_{t-1} + b_z)
    h'_t = tanh(W_h x_t + b_h + r_t * (R_h h_{t-1} + b_R))
    h_t = z_t * h_{t-1} + (1 - z_t) * h'_t

Symbols: reset gate r, update gate z, candidate h', state h; H is `width`, I the number of features.
The answer is read from h at the last step, or at every step when the task asks for it.

Deviations: Cho's r multiplies h_{t-1} before the product with R_h; here, as in cuDNN, it multiplies the product, which
lets one product serve all three. torch keeps two bias vectors: 3H(I+H+2) parameters where the equations have 3H(I+H+1):
30,900 for 30,600 at I=1, H=100, and 50,304 for 49,920 at H=128. As in `rnn`, each R starts orthogonal, each W from
Glorot's initialisation, and b at 0. On a CPU the loop over time is our own, which is faster than torch's.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import LOOPS, PIXELS, counted


@dataclass(frozen=True, slots=True)
class GRUOptions:
    """Options of `gru`: its size, and how images are read."""

    width: Annotated[
        int, archbench.Meta(ge=0, description="units of each layer, H in the equations; 0: 74, and 68 on tokens")
    ] = 0  # three sets of weights of the size that gives the default LSTM's count
    layers: Annotated[int, archbench.Meta(ge=1, description="recurrent layers on top of each other")] = 1  # Cho's
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )

    def units(self, task: archbench.TaskInfo) -> int:
        """Return H: the given width, else that with which all nets have equally many weights on this kind of input.

        The 32 features of a token cost this net more than most: a matrix for each gate.
        """
        return self.width or (68 if task.kind == "tokens" else 74)


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `gru`."""
    yield archbench.Architecture(
        name="gru",
        revision=4,  # since then its loop over time is compiled
        build="archbench_plugins.gru.network:build",
        libraries=LOOPS,
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=GRUOptions,
        summary="A state mixed with its candidate by one learned gate",
        source="arXiv:1406.1078, sec. 2.3",
        parameters=counted(PIXELS, {"gru": 17_844}),
        control="rnn",
        tags=("recurrent", "gated"),
    )
