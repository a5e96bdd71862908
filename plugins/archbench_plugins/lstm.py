"""Long short-term memory with forget gates: the straight path through time.

Papers: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9(8) (1997); the forget gate is from
Gers, Schmidhuber and Cummins, "Learning to forget", Neural Computation 12(10) (2000).
Reproduced, in the form of Appleyard et al., arXiv:1604.01946 (W for inputs, R for recurrence, b for biases):

    i_t = sigmoid(W_i x_t + R_i h_{t-1} + b_i)      f_t = sigmoid(W_f x_t + R_f h_{t-1} + b_f)
    o_t = sigmoid(W_o x_t + R_o h_{t-1} + b_o)      c'_t = tanh(W_c x_t + R_c h_{t-1} + b_c)
    c_t = f_t * c_{t-1} + i_t * c'_t                h_t = o_t * tanh(c_t)

Symbols: three gates i, f, o; candidate c'; memory c; output h; H is `width`, I the number of features.
The answer is read from h at the last step, or at every step when the task asks for it.

Deviations: torch's kernel keeps two bias vectors and adds them, so a layer has 4H(I+H+2) parameters where the equations
have 4H(I+H+1): 41,200 for 40,800 at I=1, H=100, and 67,072 for 66,560 at H=128. Gradients are not truncated, as in
1997; there are no peepholes. As in `rnn`, each R starts orthogonal (arXiv:1312.6120), each W from Glorot's
initialisation, and the other biases at 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import archbench


@dataclass(frozen=True, slots=True)
class LSTMOptions:
    """Size, and how much the cell remembers at the start."""

    width: Annotated[int, archbench.Meta(ge=1, description="cells of each layer, H in the equations")] = (
        64  # four sets of weights, each a quarter of the default Elman net's: equal budgets
    )
    layers: Annotated[int, archbench.Meta(ge=1, description="recurrent layers on top of each other")] = 1  # as in 1997
    forget_bias: Annotated[float, archbench.Meta(description="b_f at the start: higher remembers longer")] = (
        1.0  # f starts near 0.73 instead of 0.5 (Jozefowicz et al., ICML 2015)
    )


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `lstm`."""
    yield archbench.Architecture(
        name="lstm",
        build="archbench_plugins.networks.recurrent:build_lstm",
        inputs=("sequence",),
        options=LSTMOptions,
        summary="Gated memory whose state passes from step to step with a product and a sum",
        source="Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000",
        expected_failures={"B403": "torch.compile does not trace torch's fused recurrent kernels, which are faster"},
    )
