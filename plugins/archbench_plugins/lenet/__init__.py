"""LeNet-5: where convolutional nets began.

Paper: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", Proceedings of the
IEEE 86(11), 1998, section II.B and Figure 2.
Reproduced: images centred in a field of 32x32; 5x5 convolution to 6 maps, pooling 2x2, 5x5 convolution to 16 maps,
pooling 2x2, 120 units, 84 units, output. 61,706 parameters on 28x28 images with 10 classes. Published test error on
MNIST: 0.95 %, 0.8 % with distorted training images.

The paper's symbols are its layer names: C1, S2, C3, S4, C5, F6.

Deviations, as in all modern forms: C3 sees all maps of S2 (in the paper a table of them, and about 60,000 parameters),
pooling has no trainable factor, tanh is not scaled, softmax takes the place of radial basis functions. Images of any
number of channels; larger ones than 32x32 keep their size, and C5 grows. Smaller ones are surrounded by zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import MNIST, counted


@dataclass(frozen=True, slots=True)
class LeNetOptions:
    """Options of `lenet`: the choices in which its modern forms differ."""

    activation: Annotated[Literal["tanh", "relu"], archbench.Meta(description="nonlinearity")] = "tanh"  # the paper's
    pool: Annotated[Literal["average", "max"], archbench.Meta(description="kind of the pools S2 and S4")] = (
        "average"  # the paper's
    )


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `lenet` as published, and in its usual modern form."""
    yield archbench.Architecture(
        name="lenet",
        build="archbench_plugins.lenet.network:build",
        inputs=("image",),
        options=LeNetOptions,
        variants={"lenet-5": {}, "lenet-5-relu": {"activation": "relu", "pool": "max"}},
        summary="Two convolutions, two pools, three linear layers",
        source="LeCun et al. 1998, sec. II.B",
        parameters=counted(MNIST, {"lenet-5": 61_706, "lenet-5-relu": 61_706}),
        control="mlp",
        tags=("convolutional",),
    )
