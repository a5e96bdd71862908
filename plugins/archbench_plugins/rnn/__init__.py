"""Simple recurrent network, the recurrent control without a straight path for the gradient.

Paper: Elman, "Finding structure in time", Cognitive Science 14 (1990).
Reproduced: h_t = tanh(W x_t + R h_{t-1} + b), with the answer read from h at the last step, or at every step when the
task asks for it. Unrolled over T steps it is a net of depth T with shared weights, and dh_T/dh_t is a product of
T - t matrices diag(tanh') R: it vanishes or explodes (Pascanu, Mikolov and Bengio, arXiv:1211.5063).

Symbols: x_t input, h_t state, W input weights, R recurrent weights, b bias; H is `width`, I the number of features.

Deviations: torch's kernel keeps two bias vectors and adds them, so a layer has H(I+H+2) parameters where the equation
has H(I+H+1): 10,300 for 10,200 at I=1, H=100, and 16,768 for 16,640 at H=128. Gradients flow through all steps,
where Elman cut them after one. R starts orthogonal (Saxe, McClelland and Ganguli, arXiv:1312.6120), the best case for
a simple recurrent net, W from Glorot's initialisation and b at 0; torch's default shrinks the state from step to step.

The variant `irnn` is the net of Le, Jaitly and Hinton, arXiv:1504.00941, sec. 2: ReLU, R = 1, b = 0 and W from
N(0, 0.001^2), so that the state is copied at the start. Le et al. clip gradients and search the learning rate from
1e-9 to 1e-2; here the protocol's recipe trains it like any other.

The variant `rnn-1997` is the size with which Hochreiter and Schmidhuber (1997, Table 1) compare on the embedded Reber
grammar, 15 units, and which never solves it there. The default net solves it: 128 units hold the symbol long enough. So
a default net at the ceiling of `embedded-reber` does not contradict the paper.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import PIXELS, counted


@dataclass(frozen=True, slots=True)
class RNNOptions:
    """Options of `rnn`: its size, its nonlinearity, and how it starts."""

    width: Annotated[int, archbench.Meta(ge=1, description="units of the state, H in the equations")] = (
        128  # as many weights as the default LSTM
    )
    layers: Annotated[int, archbench.Meta(ge=1, description="recurrent layers on top of each other")] = 1  # Elman's
    nonlinearity: Annotated[Literal["tanh", "relu"], archbench.Meta(description="what squashes the state")] = (
        "tanh"  # bounded: a ReLU state needs a special start not to blow up (arXiv:1504.00941)
    )
    initialisation: Annotated[
        Literal["orthogonal", "identity", "uniform"],
        archbench.Meta(description="how R starts; uniform is torch's own start, of all weights"),
    ] = "orthogonal"  # keeps the length of the state: the best case of the control
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `rnn`."""
    yield archbench.Architecture(
        name="rnn",
        build="archbench_plugins.rnn.network:build",
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=RNNOptions,
        variants={"irnn": {"nonlinearity": "relu", "initialisation": "identity"}, "rnn-1997": {"width": 15}},
        summary="Elman's recurrent net: the state passes through a squashing layer at every step",
        source="Elman 1990; gradient: arXiv:1211.5063; irnn: arXiv:1504.00941",
        parameters=counted(PIXELS, {"rnn": 18_058}),
        tags=("recurrent", "control"),
    )
