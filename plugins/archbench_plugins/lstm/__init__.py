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
1997. As in `rnn`, each R starts orthogonal (arXiv:1312.6120), each W from Glorot's initialisation, and the other biases
at 0.

Forms, after Greff et al., arXiv:1503.04069, who compare them:

- `peepholes` (Gers and Schmidhuber, "Recurrent nets that time and count", IJCNN 2000): i and f also see p * c_{t-1}, o
  sees p * c_t, p a vector for each gate. 3H weights more; they start at 0.
- `forget_gate=coupled`: i = 1 - f, and there is no input gate. 3H(I+H+1) weights.
- `forget_gate=none`: f = 1, the cell of 1997 with the modern squashing. 3H(I+H+1) weights.

These have one bias vector, and a loop over time of their own in place of torch's kernel.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import PIXELS, counted


@dataclass(frozen=True, slots=True)
class LSTMOptions:
    """Options of `lstm`: its size, its gates, and how much it remembers at the start."""

    width: Annotated[
        int, archbench.Meta(ge=0, description="cells of each layer, H in the equations; 0: 64, and 57 on tokens")
    ] = 0  # four sets of weights, each a quarter of the default Elman net's: equal budgets
    layers: Annotated[int, archbench.Meta(ge=1, description="recurrent layers on top of each other")] = 1  # as in 1997
    forget_bias: Annotated[float, archbench.Meta(description="b_f at the start: higher remembers longer")] = (
        1.0  # f starts near 0.73 instead of 0.5 (Jozefowicz et al., ICML 2015)
    )
    forget_gate: Annotated[
        Literal["learned", "coupled", "none"], archbench.Meta(description="coupled: i = 1 - f; none: f = 1")
    ] = "learned"  # one of the two parts that the cell cannot do without (arXiv:1503.04069, sec. 5.1)
    peepholes: Annotated[bool, archbench.Meta(description="let the gates see the memory")] = (
        False  # no clear gain (arXiv:1503.04069, sec. 5.1), and torch's kernel has none
    )
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )

    def units(self, task: archbench.TaskInfo) -> int:
        """Return H: the given width, else that with which all nets have equally many weights on this kind of input.

        The 32 features of a token cost this net more than most: a matrix for each gate.
        """
        return self.width or (57 if task.kind == "tokens" else 64)


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `lstm`."""
    yield archbench.Architecture(
        name="lstm",
        revision=2,  # since then token nets have another width
        build="archbench_plugins.lstm.network:build",
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=LSTMOptions,
        summary="Gated memory whose state passes from step to step with a product and a sum",
        source="Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000",
        parameters=counted(PIXELS, {"lstm": 17_802}),
        control="rnn",
        tags=("recurrent", "gated"),
        recipe=archbench.Published(
            source="Gers et al. 2000, sec. 4",
            data="continual embedded Reber grammar",
            recipe=archbench.Recipe(
                optimizer="sgd",
                learning_rate=0.5,
                batch_size=1,
                steps=30_000,
            ),
            unsupported="steps are streams, each of which ends at the first error",
            note=(
                "as two summaries of the paper, which was not at hand, give it; 18 % of the nets solve the task, 62 % "
                "if the rate decays by factors of 0.99"
            ),
        ),
    )
