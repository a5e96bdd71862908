"""The LSTM with each of its parts taken out: the nine forms that Greff et al. compare.

Paper: Greff, Srivastava, Koutník, Steunebrink and Schmidhuber, "LSTM: A Search Space Odyssey", arXiv:1503.04069.
Reproduced: the vanilla LSTM of its section on the forward pass,

    z_t = g(W_z x_t + R_z y_{t-1} + b_z)
    i_t = sigmoid(W_i x_t + R_i y_{t-1} + p_i * c_{t-1} + b_i)
    f_t = sigmoid(W_f x_t + R_f y_{t-1} + p_f * c_{t-1} + b_f)
    c_t = z_t * i_t + c_{t-1} * f_t
    o_t = sigmoid(W_o x_t + R_o y_{t-1} + p_o * c_t + b_o)
    y_t = h(c_t) * o_t                                         g = h = tanh

and its eight forms, each of which changes one thing:

| variant | option | change | weights at I inputs, H cells |
|---|---|---|---|
| `lstm-greff` | | none: vanilla | 4H(I+H+1) + 3H |
| `lstm-greff-nig` | `without=input-gate` | i = 1 | 3H(I+H+1) + 2H |
| `lstm-greff-nfg` | `without=forget-gate` | f = 1 | 3H(I+H+1) + 2H |
| `lstm-greff-nog` | `without=output-gate` | o = 1 | 3H(I+H+1) + 2H |
| `lstm-greff-niaf` | `without=input-activation` | g(x) = x | as vanilla |
| `lstm-greff-noaf` | `without=output-activation` | h(x) = x | as vanilla |
| `lstm-greff-np` | `without=peepholes` | p = 0 | 4H(I+H+1) |
| `lstm-greff-cifg` | `coupled` | f = 1 - i | 3H(I+H+1) + 2H |
| `lstm-greff-fgr` | `gate_recurrence` | each gate sees all gates of the step before | 9H^2 more than vanilla |

In full gate recurrence the net inputs of i, f and o get R_ii i_{t-1} + R_fi f_{t-1} + R_oi o_{t-1} and so on, as in
the net of 1997; there are no gates before the first step. Published: no form is clearly better than vanilla, and those
without forget gate or without output activation are clearly worse on all three data sets (TIMIT, IAM Online, JSB
Chorales).

Symbols: z block input, i, f, o gates, c memory, y output, p peepholes; H is `width`, I the number of features.

`start=chrono` is that of Tallec and Ollivier, "Can Recurrent Neural Networks Warp Time?", arXiv:1804.11188, sec. 2:
b_f = log u and b_i = -log u with u uniform in [1, T - 1] for each cell, T the longest lag, taken as the length of the
sequences: cells then remember for u steps or so. A form without forget gate, or without input gate, has only the other.

Deviations: one layer that reads forwards; the paper has two, one of them backwards, for TIMIT and IAM. Weights start
as in `lstm`, each R orthogonal, each W from Glorot's initialisation, peepholes at 0 and b_f at 1, where the paper draws
all of them from a normal distribution of standard deviation 0.1. Training follows the protocol; the paper searches 200
settings of SGD with momentum for each form.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import archbench
from archbench_plugins.shared.declaring import PIXELS, counted

Part = Literal[
    "nothing", "input-gate", "forget-gate", "output-gate", "input-activation", "output-activation", "peepholes"
]

VARIANTS: dict[str, dict[str, Any]] = {
    "nig": {"without": "input-gate"},
    "nfg": {"without": "forget-gate"},
    "nog": {"without": "output-gate"},
    "niaf": {"without": "input-activation"},
    "noaf": {"without": "output-activation"},
    "np": {"without": "peepholes"},
    "cifg": {"coupled": True},
    "fgr": {"gate_recurrence": True},
}

# With H = 64 on single pixels, from the table above, and 650 weights that read the ten classes from the cells.
COUNTS = {"": 17_738, "nig": 13_450, "nfg": 13_450, "nog": 13_450, "niaf": 17_738, "noaf": 17_738}
COUNTS |= {"np": 17_546, "cifg": 13_450, "fgr": 54_602}


@dataclass(frozen=True, slots=True)
class LSTMGreffOptions:
    """Options of `lstm-greff`: its size, what it lacks, and how its gates start."""

    width: Annotated[int, archbench.Meta(ge=1, description="memory cells, H in the equations")] = (
        64  # those of the default LSTM
    )
    without: Annotated[Part, archbench.Meta(description="the part that is taken out")] = "nothing"  # vanilla
    coupled: Annotated[bool, archbench.Meta(description="f = 1 - i")] = False  # vanilla has both gates
    gate_recurrence: Annotated[bool, archbench.Meta(description="gates see all gates of the step before")] = (
        False  # vanilla has none
    )
    start: Annotated[Literal["ones", "chrono"], archbench.Meta(description="b_f at the start")] = "ones"  # as in `lstm`
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )

    def __post_init__(self) -> None:
        if self.coupled and self.without in ("input-gate", "forget-gate"):
            raise ValueError(f"coupled needs both gates, and without is {self.without}; give one of the two")
        if self.gate_recurrence and (self.coupled or self.without.endswith("-gate")):
            raise ValueError("gate_recurrence needs all three gates; leave out coupled and without=...-gate")


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `lstm-greff` with the forms of the paper."""
    yield archbench.Architecture(
        name="lstm-greff",
        build="archbench_plugins.lstm_greff.network:build",
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=LSTMGreffOptions,
        variants={f"lstm-greff-{name}": options for name, options in VARIANTS.items()},
        summary="The LSTM with peepholes, from which any one part can be taken out",
        source="arXiv:1503.04069; start=chrono: arXiv:1804.11188",
        parameters=counted(PIXELS, {f"lstm-greff-{name}".rstrip("-"): count for name, count in COUNTS.items()}),
        control="lstm",
        tags=("recurrent", "gated"),
        by_default=False,  # there for the study of its parts; on the boards `lstm` stands for it
    )
