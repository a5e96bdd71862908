"""Transformer: every step looks at every other one directly, through residual branches.

Paper: Vaswani et al., "Attention Is All You Need", arXiv:1706.03762, sec. 3.
Reproduced, with D = `width`, h = `heads` and d = D / h:

    Attention(Q, K, V) = softmax(Q K' / sqrt(d)) V     in h heads, whose outputs are joined and mixed by one matrix
    FFN(x) = W_2 relu(W_1 x + b_1) + b_2               with 4D units
    PE(t, 2i) = sin(t / 10000^(2i/D)), PE(t, 2i+1) = cos(t / 10000^(2i/D))

A task that asks for an answer at every step gets a decoder: a step sees itself and the steps before it. A task that
asks for one answer gets an encoder, read from the mean over all steps; with `causal` it gets the decoder as well,
read at its last step. A layer has 12D^2 + 13D parameters, the two LayerNorms included.

Deviations: the LayerNorms stand at the start of the branches and once at the end, not after each sum, so that the sum
stays a straight path (arXiv:2002.04745), which also does without the paper's long warm-up. There is no encoder-decoder
attention, since there is one sequence. An affine layer brings the input to D features, where the paper multiplies its
embeddings by sqrt(D).

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench


@dataclass(frozen=True, slots=True)
class TransformerOptions:
    """Options of `transformer`: its size, its positions, and which steps a step may see."""

    width: Annotated[int, archbench.Meta(ge=2, description="features of each step, D")] = (
        28  # with two layers, about the weights of the default LSTM
    )
    heads: Annotated[int, archbench.Meta(ge=1, description="attention heads; they divide the width")] = (
        2  # one for each of two places to look at; four of 7 features take half as long again
    )
    layers: Annotated[int, archbench.Meta(ge=1, description="pairs of attention and feed-forward net")] = (
        2  # the second one can act on what the first one found
    )
    positions: Annotated[
        Literal["sinusoidal", "learned"], archbench.Meta(description="what is added to tell steps apart")
    ] = "sinusoidal"  # the paper found no difference, and these cost no parameters
    causal: Annotated[bool, archbench.Meta(description="hide the future also from a task with one answer")] = (
        False  # nothing is gained by hiding it
    )
    dropout: Annotated[float, archbench.Meta(ge=0, lt=1, description="share zeroed at the end of each branch")] = (
        0.0  # the same as for the other entrants
    )
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width is {self.width} and heads is {self.heads}; the heads must divide the width")


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `transformer`."""
    yield archbench.Architecture(
        name="transformer",
        revision=3,  # since then a CPU computes whole layers with features first, their products by oneDNN
        build="archbench_plugins.transformer.network:build",
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=TransformerOptions,
        summary="Attention and feed-forward nets in residual branches",
        source="arXiv:1706.03762, sec. 3",
        control="lstm",  # what the paper set out to replace
        tags=("attention", "residual"),
    )
