"""Multi-layer perceptron, the feed-forward control without a shortcut.

Paper: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323 (1986).
Reproduced: the plain nets of the depth study in Srivastava, Greff and Schmidhuber, "Training Very Deep Networks",
arXiv:1507.06228, section 3.1: d hidden layers of width 71, which gives each layer about as many weights as a
highway layer of width 50. They are the variants `mlp-10` to `mlp-100`: 102,463, 153,583, 306,943 and 562,543
parameters on 28x28 images with 10 classes.

Symbols: d is `depth`. Published: depth 10 and 20 train to a mean loss below 1e-4; 50 and 100 do much worse.

Deviations: He's initialisation for ReLU, because Glorot's, which the paper used for both activations, halves the
variance in every ReLU layer and would make deep plain nets look worse than they are; Glorot's for tanh. The paper
chose activation and learning rate by 100 random trials for each net; here they are options and the protocol's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import MNIST, counted


@dataclass(frozen=True, slots=True)
class MLPOptions:
    """Options of `mlp`: its size and activation."""

    depth: Annotated[int, archbench.Meta(ge=1, description="hidden layers, d in the paper")] = 2  # the usual baseline
    width: Annotated[int, archbench.Meta(ge=1, description="units of each hidden layer")] = 128  # 26k weights on digits
    activation: Annotated[Literal["relu", "tanh"], archbench.Meta(description="nonlinearity of the hidden layers")] = (
        "relu"  # as in the suite's other feed-forward nets
    )


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `mlp` and the plain nets of the highway depth study."""
    study = {"width": 71, "activation": "tanh"}  # what `highway` uses, so that the shortcut is all that differs
    yield archbench.Architecture(
        name="mlp",
        build="archbench_plugins.mlp.network:build",
        inputs=("image",),
        options=MLPOptions,
        variants={f"mlp-{depth}": {**study, "depth": depth} for depth in (10, 20, 50, 100)},
        summary="Fully connected layers, no shortcut",
        source="Rumelhart et al. 1986; plain nets of arXiv:1507.06228, sec. 3.1",
        parameters=counted(MNIST, {"mlp-10": 102_463, "mlp-20": 153_583, "mlp-50": 306_943, "mlp-100": 562_543}),
        tags=("fully-connected", "control"),
    )
