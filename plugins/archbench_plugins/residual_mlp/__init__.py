"""Fully connected residual net whose straight path has a dial.

Paper: He, Zhang, Ren and Sun, "Identity Mappings in Deep Residual Networks", arXiv:1603.05027, section 3.1: a shortcut
h(x) = lambda x multiplies what it carries by lambda^L over L units (eq. 7), so anything below 1 puts an exponential
decay back. Reproduced: that shortcut, in the plain nets of the highway depth study (arXiv:1507.06228, section 3.1). One
plain layer to width 71, then d - 1 layers h <- s h + tanh(W h + b), then softmax.

Symbols: d is `depth`; s is `line`, lambda in the paper: 1 is the residual net, 0 is `mlp` of this size, weight for
weight. Parameters are those of `mlp-10` to `mlp-100`: 102,463, 153,583, 306,943 and 562,543 on 28x28 images with 10
classes. Published for convolutions: a shortcut scaled by 0.5 keeps a ResNet-110 from converging well (Table 1).

Deviations: the paper's units have two convolutions with batch normalisation and a ReLU behind the sum; here F is one
layer, without normalisation and with nothing behind the sum, so that the line alone differs from `mlp`. Initialisation
is that of `mlp`: Glorot's for tanh, He's for ReLU. With ReLU and s = 1 what passes doubles in variance at every layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import MNIST, counted

COUNTS = {10: 102_463, 20: 153_583, 50: 306_943, 100: 562_543}


@dataclass(frozen=True, slots=True)
class ResidualMLPOptions:
    """Options of `residual-mlp`: its size, activation, and how much of its input each layer carries."""

    depth: Annotated[int, archbench.Meta(ge=1, description="hidden layers, the plain first one included")] = (
        10  # the shallowest of the depth study
    )
    width: Annotated[int, archbench.Meta(ge=1, description="units of each hidden layer")] = 71  # as `mlp-10`
    activation: Annotated[Literal["relu", "tanh"], archbench.Meta(description="nonlinearity of F")] = (
        "tanh"  # as `mlp-10`
    )
    line: Annotated[float, archbench.Meta(ge=0, le=1, description="s, the share of h that a layer adds to F")] = (
        1.0  # the residual net
    )


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `residual-mlp` in the depths of the highway study."""
    yield archbench.Architecture(
        name="residual-mlp",
        build="archbench_plugins.residual_mlp.network:build",
        inputs=("image",),
        options=ResidualMLPOptions,
        variants={f"residual-mlp-{depth}": {"depth": depth} for depth in COUNTS},
        summary="Fully connected layers that add to their input, which a dial scales",
        source="arXiv:1603.05027, sec. 3.1; nets of arXiv:1507.06228, sec. 3.1",
        parameters=counted(MNIST, {f"residual-mlp-{depth}": count for depth, count in COUNTS.items()}),
        control="mlp",
        tags=("fully-connected", "residual"),
    )
