"""xLSTM: the LSTM with exponential gates, a scalar memory that mixes (sLSTM) and a matrix memory that does not (mLSTM).

Paper: Beck et al., "xLSTM: Extended Long Short-Term Memory", arXiv:2405.04517, sec. 2, appendix A, Fig. 10 and 11.
Reproduced, with x~ for the net input of a gate:

    sLSTM   c_t = f c_{t-1} + i tanh(z~)      n_t = f n_{t-1} + i       h_t = sigmoid(o~) c_t / n_t
            i~, f~, z~, o~ = W x_t + R h_{t-1} + b
    mLSTM   C_t = f C_{t-1} + i v k'          n_t = f n_{t-1} + i k     h_t = C_t q / max(|n_t . q|, 1)
            i~, f~ from x_t alone, so all steps are computed at once
    both    i = exp(i~), f = sigmoid(f~), divided by a stabiliser: m_t = max(log f + m_{t-1}, i~)

Symbols: D is `width`; C is square, 2D / `heads` wide, in each head. `blocks` spells the stack from the input up: m for
an mLSTM block (projected to 2D and back, a convolution over 4 steps before q and k, the output gated by a side branch)
and s for an sLSTM block (a convolution over 4 steps before i and f, a gated feed-forward net of 4/3 D after it). All
are in residual branches after a LayerNorm. The paper's xLSTM[a:b] has a mLSTM blocks for b sLSTM blocks.

Deviations: q, k and v come from groups of 4 features, as in the authors' code; forget biases are spread evenly from 3
to 6 in both blocks, where their sLSTM follows a power law; the output gate of the mLSTM is the side branch alone, as in
Fig. 11.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import LOOPS


@dataclass(frozen=True, slots=True)
class XLSTMOptions:
    """Options of `xlstm`: its size, and the order of its blocks."""

    width: Annotated[int, archbench.Meta(ge=1, description="features between blocks, D")] = (
        36  # with one block of each kind, about the weights of the default LSTM
    )
    blocks: Annotated[
        str, archbench.Meta(pattern="^[ms]+$", description="blocks from the input up: m mLSTM, s sLSTM")
    ] = "ms"  # one of each: only s can track a state (sec. 4.1), m holds more
    heads: Annotated[int, archbench.Meta(ge=1, description="heads of each block; they divide the width")] = (
        4  # as in the paper
    )
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width is {self.width} and heads is {self.heads}; the heads must divide the width")


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `xlstm`."""
    yield archbench.Architecture(
        name="xlstm",
        revision=3,  # since then a CPU computes it with compiled loops, the mLSTM step by step
        build="archbench_plugins.xlstm.network:build",
        libraries=LOOPS,
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=XLSTMOptions,
        summary="Exponential gates, scalar and matrix memory, in residual blocks",
        source="arXiv:2405.04517, sec. 2",
        control="lstm",
        tags=("recurrent", "linear-recurrence", "gated", "residual"),
        recipe=archbench.Published(
            source="authors' code, github.com/NX-AI/xlstm (experiments/parity_xlstm11.yaml)",
            data="parity of 3 to 40 symbols",
            recipe=archbench.Recipe(
                optimizer="adamw",
                learning_rate=1e-3,
                batch_size=256,
                steps=20_000,
                weight_decay=0.1,
                warmup=0.1,
                milestones=None,
                floor=1e-3,
            ),
            unsupported="no weight decay on embeddings, among others, and bfloat16",
            note="width 64, one head, blocks ms",
        ),
    )
