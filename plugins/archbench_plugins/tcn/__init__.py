"""Temporal convolutional network: dilated causal convolutions in residual blocks.

Paper: Bai, Kolter and Koltun, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence
Modeling", arXiv:1803.01271, sec. 3 and Table 1.
Reproduced: block n has two convolutions of kernel k and dilation 2^n over the present and past steps, each with weight
normalisation, ReLU and dropout over whole channels; its input is added, through a 1x1 convolution where the channel
counts differ, and the sum passes a ReLU. The answer is read at the last step, or at every step when the task asks for
it.

Symbols: k is `kernel`, L is `levels`, H is `width`. The answer at a step sees 1 + 2(k-1)(2^L - 1) steps back, itself
included: 181 with the defaults. Longer sequences need more levels: without them the first steps go unseen.

The variant `tcn-mnist` has the size of the paper's net for the 784 pixels of MNIST: 66,910 parameters for its "70K",
published test accuracy 99.0 % (permuted: 97.2 %).

Deviations: weights start from He's initialisation, where the paper draws them from N(0, 0.01^2), a start from which
2,000 steps of the quick protocol do not solve the adding problem at T = 50 (one seed: .168 against .0004).

On a CPU the convolutions are products with windows of steps, and a task with one answer computes only the steps that
this answer sees through the dilations.

Inputs: sequences (T, I), tokens (an embedding of 32 features), and images as rows or as pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import MNIST, counted


@dataclass(frozen=True, slots=True)
class TCNOptions:
    """Options of `tcn`: its size, its reach and dropout."""

    width: Annotated[int, archbench.Meta(ge=1, description="channels of each block, H")] = (
        18  # with the other defaults, the weights of the default LSTM
    )
    levels: Annotated[int, archbench.Meta(ge=1, le=20, description="residual blocks; dilation doubles, L")] = (
        4  # reaches 181 steps back
    )
    kernel: Annotated[int, archbench.Meta(ge=2, description="steps that a convolution sees, k")] = 7  # as for MNIST
    dropout: Annotated[float, archbench.Meta(ge=0, lt=1, description="share of channels zeroed in training")] = (
        0.0  # as on the adding problem: no data set here is seen often enough to need it
    )
    image: Annotated[Literal["rows", "pixels"], archbench.Meta(description="what one step of an image is")] = (
        "rows"  # T is the height: steps stay few
    )


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `tcn`."""
    yield archbench.Architecture(
        name="tcn",
        revision=2,  # since then a CPU computes it in another order of operations
        build="archbench_plugins.tcn.network:build",
        inputs=("sequence", "tokens", "image"),
        takes_lengths=True,
        options=TCNOptions,
        variants={"tcn-mnist": {"width": 25, "levels": 8, "kernel": 7, "dropout": 0.05, "image": "pixels"}},
        summary="Dilated causal convolutions with identity shortcuts",
        source="arXiv:1803.01271, sec. 3",
        parameters=counted(MNIST, {"tcn-mnist": 66_910}),
        control="lstm",  # as in the paper
        tags=("convolutional", "residual"),
        recipe=archbench.Published(
            source="authors' code, github.com/locuslab/TCN",
            data="permuted sequential MNIST",
            recipe=archbench.Recipe(
                optimizer="adam",
                learning_rate=2e-3,
                batch_size=64,
                epochs=20,
                milestones=(0.5,),
            ),
            note=(
                "the adding problem has 4e-3, which stays, and batches of 32; copying has RMSprop, 5e-4, gradients "
                "clipped to 1"
            ),
        ),
    )
