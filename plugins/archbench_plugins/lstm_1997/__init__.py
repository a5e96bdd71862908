"""Long short-term memory as it was in 1997: memory blocks, no forget gate, truncated gradient.

Paper: Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9(8) (1997), sec. 4 and 5, Table 10.
Reproduced, for block j with cells v (x inputs, y activations of all units, W, R weights, b biases):

    y_in_j = sigmoid(W x(t) + R y(t-1) + b)     y_out_j = sigmoid(W x(t) + R y(t-1) + b)
    s_vj(t) = s_vj(t-1) + y_in_j g(net_vj)      net_vj = W x(t) + R y(t-1) + b
    y_vj(t) = y_out_j h(s_vj(t))                g = 4 sigmoid - 2 in [-2, 2], h = 2 sigmoid - 1 in [-1, 1]

Nothing decays: s is a sum, the constant error carousel. The cells of a block share its gates, and the gates are
recurrent sources like the cells. The gradient is truncated (appendix A.1): an error that reaches the net input of a
gate or cell changes the weights into it but is not sent on to y(t-1), so errors travel back in time through s alone,
unchanged.

Connectivity: `full` is F of Table 10, every unit sees inputs, cells and gates, and outputs see cells; `below` is B, in
which each layer sees the layers below it, so no unit sees y(t-1); `cells` is that of Gers, Schmidhuber and Cummins
2000, units and outputs see inputs and cells. `forget_gate` adds their gate, s(t) = y_f s(t-1) + y_in g.

Variants: the nets of Table 10 and of Gers et al. With n units, of which c cells, I inputs, K outputs and full
connectivity there are n(I+n) + cK weights and the biases: on the paper's tasks 264 and 276 (Reber), 10,504 (2a), 6p+64
(2c), 102 (3), 93 (4, 5), 156 and 308 (6), and 424 (Gers).

Deviations: outputs are logits (or values) of the task's loss, where 1997 has logistic units and squared error; training
is by minibatch, where 1997 updates after each sequence. All gates of a kind start at one bias, where 1997 lets it fall
from block to block: input gates from -1 by -2 in experiment 3, from -3 by -3 in 4, from -2 by -2 in 6; output gates,
here at 0, from -1 by -1 in 1 and from -2 by -2 in 3; Gers et al. take -0.5, -1, -1.5, -2 for both, and the opposite for
forget gates. The variants have the mean. In experiment 2a g is a sigmoid in [0, 1] and h the identity; here they are as
in the others. Weights start in [-0.1, 0.1], as in experiments 3 to 6, or in the variants of 1, 2 and Gers et al. in
[-0.2, 0.2], as there; biases without a value of their own start at 0.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import archbench


def of_table_10(inputs: int, outputs: int, weights: int, *, per_step: bool = False) -> tuple[archbench.TaskInfo, int]:
    """Return a task with these inputs and outputs, and the number of weights that Table 10 prints for it."""
    task = archbench.TaskInfo(kind="sequence", input_shape=(100, inputs), outputs=outputs, per_step=per_step)
    return task, weights


COUNTS = {
    "lstm-1997-1a": of_table_10(7, 7, 264, per_step=True),
    "lstm-1997-1b": of_table_10(7, 7, 276, per_step=True),
    "lstm-1997-2a": of_table_10(101, 101, 10_504, per_step=True),
    "lstm-1997-2c": of_table_10(104, 2, 664),  # p = 100
    "lstm-1997-3": of_table_10(1, 1, 102),
    "lstm-1997-4": of_table_10(2, 1, 93),
    "lstm-1997-6a": of_table_10(8, 4, 156),
    "lstm-1997-6b": of_table_10(8, 8, 308),
    "lstm-1997-gers": of_table_10(7, 7, 424, per_step=True),  # not in the table, but in Gers et al.
}


HS97 = "Hochreiter and Schmidhuber 1997, sec. "

# variant: source, data, learning rate and steps. Steps are sequences until success, the mean of the trials.
EXPERIMENTS = {
    "lstm-1997-1a": (f"{HS97}5.1, Table 2", "embedded Reber grammar", 0.1, 39_740),
    "lstm-1997-1b": (f"{HS97}5.1, Table 2", "embedded Reber grammar", 0.5, 8_440),
    "lstm-1997-2a": (f"{HS97}5.2 and Table 10", "two sequences, p = 100", 1.0, 5_040),
    "lstm-1997-2c": (f"{HS97}5.2, Tables 3 and 10", "long lags with distractors, p = q = 100", 0.01, 31_000),
    "lstm-1997-3": (f"{HS97}5.3 and Table 10", "two-sequence problem 3a, T = 100, N = 3", 1.0, 39_850),
    "lstm-1997-4": (f"{HS97}5.4 and Table 10", "adding problem, T = 100", 0.5, 74_000),
    "lstm-1997-6a": (f"{HS97}5.6 and Table 10", "temporal order 6a", 0.5, 31_390),
    "lstm-1997-6b": (f"{HS97}5.6 and Table 10", "temporal order 6b", 0.1, 571_100),
    "lstm-1997-gers": ("Gers et al. 2000, sec. 4", "continual embedded Reber grammar", 0.5, 30_000),
}
NOTE = (
    "steps are sequences until success, the mean of the trials; experiment 3 ends at its second criterion. Rates of "
    "other settings: 0.1 to 0.5 in 1, 0.1 in 3c, and 0.1 in 5, whose net is that of 4"
)


@dataclass(frozen=True, slots=True)
class LSTM1997Options:
    """Options of `lstm-1997`: its blocks, its connections, and how the gradient flows."""

    blocks: Annotated[int, archbench.Meta(ge=1, description="memory blocks")] = (
        32  # with two cells each, the cells and the weights of the default LSTM
    )
    block_size: Annotated[int, archbench.Meta(ge=1, description="cells that share the gates of a block")] = (
        2  # as in experiments 4, 5 and 6
    )
    biases: Annotated[
        Literal["none", "gates", "hidden", "all", "gates-output"], archbench.Meta(description="which units have a bias")
    ] = "all"  # as in experiments 4, 5 and 6
    connectivity: Annotated[
        Literal["full", "below", "cells"], archbench.Meta(description="what units and outputs see besides cells")
    ] = "full"  # of all experiments but 2a and 2b
    output_gate: Annotated[bool, archbench.Meta(description="blocks have output gates")] = True  # all but 2a and 2b
    forget_gate: Annotated[bool, archbench.Meta(description="blocks have forget gates (Gers et al. 2000)")] = (
        False  # came three years later
    )
    input_bias: Annotated[float, archbench.Meta(description="input gates' bias at the start, if they have one")] = (
        -3.0  # experiment 4: cells stay shut until there is something to store
    )
    forget_bias: Annotated[float, archbench.Meta(description="forget gates' bias at the start, if they have one")] = (
        2.0  # within the range of Gers et al.; 1 forgets 99 % in 16 steps
    )
    truncated: Annotated[bool, archbench.Meta(description="errors travel back through the states alone")] = (
        True  # appendix A.1
    )
    weight_range: Annotated[float, archbench.Meta(gt=0, description="weights start in [-r, r]")] = (
        0.1  # as in experiments 3 to 6
    )
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )


def variants() -> dict[str, dict[str, Any]]:
    """Return the options of the nets of Table 10, by experiment, and of the net of Gers et al."""

    def net(blocks: int, size: int, biases: str, **more: Any) -> dict[str, Any]:
        return {"blocks": blocks, "block_size": size, "biases": biases, **more}

    wide: dict[str, Any] = {"weight_range": 0.2}
    gers = {"connectivity": "cells", "forget_gate": True, "input_bias": -1.25, "forget_bias": 1.25}
    return {
        "lstm-1997-1a": net(4, 1, "gates", input_bias=0.0, **wide),
        "lstm-1997-1b": net(3, 2, "gates", input_bias=0.0, **wide),
        "lstm-1997-2a": net(1, 1, "none", connectivity="below", output_gate=False, **wide),
        "lstm-1997-2c": net(2, 1, "none", **wide),
        "lstm-1997-3": net(3, 1, "hidden", input_bias=-3.0),
        "lstm-1997-4": net(2, 2, "all", input_bias=-4.5),
        "lstm-1997-6a": net(2, 2, "all", input_bias=-3.0),
        "lstm-1997-6b": net(3, 2, "all", input_bias=-4.0),
        "lstm-1997-gers": net(4, 2, "gates-output", **gers, **wide),
    }


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `lstm-1997` with the nets of Table 10."""
    yield archbench.Architecture(
        name="lstm-1997",
        build="archbench_plugins.lstm_1997.network:build",
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=LSTM1997Options,
        variants=variants(),
        summary="Memory blocks that add and never forget, trained with a truncated gradient",
        source="Hochreiter and Schmidhuber 1997, sec. 4 and Table 10",
        parameters=COUNTS,
        control="rnn",
        tags=("recurrent", "gated", "constant-error"),
        recipe=own_recipe,
    )


def own_recipe(options: LSTM1997Options) -> archbench.Published:
    """Return the recipe of the experiment that a net comes from; other nets have that of experiment 4."""
    net = replace(options, truncated=True, image="rows")  # neither is a setting of the paper's nets
    variant = next((name for name, values in variants().items() if LSTM1997Options(**values) == net), "lstm-1997-4")
    source, data, rate, steps = EXPERIMENTS[variant]
    gers = variant == "lstm-1997-gers"
    return archbench.Published(
        source=source,
        data=data,
        recipe=archbench.Recipe(optimizer="sgd", learning_rate=rate, batch_size=1, steps=steps),
        unsupported="steps are streams, each of which ends at the first error" if gers else "",
        note="" if gers else NOTE,
    )
