"""Recurrent highway network: highway layers between one time step and the next.

Paper: Zilly, Srivastava, Koutník and Schmidhuber, "Recurrent Highway Networks", arXiv:1607.03474, sec. 4, eq. 6 to 9.
Reproduced, with the carry gate coupled to the transform gate, c = 1 - t, as in the paper's experiments:

    h_l = tanh(W_H x_t [l=1] + R_Hl s_{l-1} + b_Hl)     t_l = sigmoid(W_T x_t [l=1] + R_Tl s_{l-1} + b_Tl)
    s_l = h_l t_l + s_{l-1} (1 - t_l)                   for l = 1 ... L; s_0 is s_L of the step before

Symbols: L is `depth`, the recurrence depth; H is `width`; b_T is `gate_bias`; x_t enters at l = 1 only. There are
2HI + L(2H^2 + 2H) parameters. The answer is read from s_L at the last step, or at every step when the task asks for
it.

Deviations: no variational dropout and no tied embeddings, which belong to the language models of the paper. Each R
starts orthogonal and W from Glorot's initialisation, as in `lstm`.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench


@dataclass(frozen=True, slots=True)
class RecurrentHighwayOptions:
    """Options of `recurrent-highway`: its size, its depth, and how much each layer carries at the start."""

    width: Annotated[int, archbench.Meta(ge=1, description="units of the state, H in the equations")] = (
        64  # that of the default LSTM
    )
    depth: Annotated[int, archbench.Meta(ge=1, description="highway layers in each time step, L")] = (
        2  # two layers of two matrices have the weights of the default LSTM, and more depth than it
    )
    gate_bias: Annotated[float, archbench.Meta(description="b_T at the start: lower carries more")] = (
        -2.0  # that of the authors' best net of words; their nets of characters have -4
    )
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `recurrent-highway`."""
    yield archbench.Architecture(
        name="recurrent-highway",
        revision=2,  # since then the gates start at -2
        build="archbench_plugins.recurrent_highway.network:build",
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=RecurrentHighwayOptions,
        summary="Highway layers inside each time step: the straight path through time and through depth",
        source="arXiv:1607.03474, sec. 4",
        control="recurrent-highway[depth=1,width=90]",  # as many weights, no depth within a step
        tags=("recurrent", "gated"),
        recipe=archbench.Published(
            source="authors' code, github.com/jzilly/RecurrentHighwayNetworks (rhn_train.py, ptb_sota)",
            data="Penn Treebank, words",
            recipe=archbench.Recipe(
                optimizer="sgd",
                learning_rate=0.2,
                batch_size=20,
                epochs=500,
                weight_decay=1e-7,
                clip_norm=10.0,
            ),
            unsupported="variational dropout and tied embeddings; after 20 epochs each divides the rate by 1.02",
            note=(
                "10 layers of 830 units, gate_bias -2, 35 steps back; enwik8 and text8: batches of 128, gate_bias -4, "
                "after 5 epochs by 1.03"
            ),
        ),
    )
