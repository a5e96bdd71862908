"""Highway networks: the straight path of the LSTM, turned from time to depth.

Paper: Srivastava, Greff and Schmidhuber, "Highway Networks", arXiv:1505.00387, and "Training Very Deep Networks",
arXiv:1507.06228. Each layer computes y = H(x) T(x) + x (1 - T(x)), with the gate T(x) = sigmoid(W_T x + b_T).

Reproduced:

- `fully-connected`: the depth study of section 3.1. One plain layer to width 50, d - 1 highway layers, softmax:
  85,660, 136,660, 289,660 and 544,660 parameters at depth 10, 20, 50 and 100 on 28x28 images with 10 classes.
- `convolutional`: the MNIST nets of Table 1, from the authors' prototxt. Dropout .2; 5x5 convolution without padding;
  2 highway layers, max-pool 3/2, dropout .3; 3 highway layers, max-pool 3/2, dropout .4; 3 highway layers, max-pool
  2/2, dropout .5; softmax. Highway layers are 3x3 convolutions, H is ReLU, pools round up, b_T is -1. 38,986 parameters
  at width 16 and 151,690 at 32 on 28x28 images (paper: 39K and 151K). Published test accuracy: 99.43 and 99.55 %.
- `cifar`: Highway B of Table 2, from the authors' prototxt. Dropout .2; 3x3 convolution to 32 maps and 4 highway
  layers, max-pool 2/2, dropout .2; the same with 80 maps and 5, and with 128 and 5; 1x1 convolution to 100 maps; global
  average pooling, dropout .2; softmax. ReLU, b_T is -2. 2,256,838 parameters on 3x32x32 images with 10 classes and
  2,265,928 with 100 (paper: 2.3M). Published accuracy on CIFAR-10: 92.46 %, in Table 3 92.40; CIFAR-100 67.76 %.
  Highway A (11 layers, 236K) and C (32 layers, kernels 3x3 and 1x1 in turn, 1.25M) of Table 2 are not offered: their
  widths were not published.

Symbols: d is `depth`, the number of hidden layers (the paper's 10-layer convolutional net counts the softmax as well,
so its `depth` here is 9, and that of the 19-layer Highway B is 18); b_T is `gate_bias`. Published for the depth study:
highway 50 and 100 reach the loss of 10 and 20, and 100 layers end more than two orders of magnitude below a plain net
of 100, after a search of 100 random settings for each net, over the learning rate, ReLU or tanh, and b_T from -1 to
-10.

Deviations: there is no search; `activation` and `gate_bias` are options. With ReLU, H starts from He's initialisation
and not from Glorot's, as in `mlp`. A convolutional net of another depth spreads its highway layers over the three
stages, later ones first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import CIFAR, MNIST, counted

SMALLEST_CONVOLUTIONAL = 8  # 8 -> conv 5x5 -> 4 -> pool -> 2 -> pool -> 1 -> pool -> 1; at 7 the second pool is empty

COUNTS = {"highway-10": 85_660, "highway-20": 136_660, "highway-50": 289_660, "highway-100": 544_660}
COUNTS |= {"highway-conv-16": 38_986, "highway-conv-32": 151_690}


@dataclass(frozen=True, slots=True)
class HighwayOptions:
    """Options of `highway`: its form, its size, and how much each layer carries at the start."""

    form: Annotated[
        Literal["fully-connected", "convolutional", "cifar"],
        archbench.Meta(description="the net of section 3.1, Table 1 or 2"),
    ] = "fully-connected"  # the depth study, on which the claim about depth rests
    depth: Annotated[int, archbench.Meta(ge=1, description="hidden layers, the plain first one included")] = (
        10  # the shallowest of the depth study
    )
    width: Annotated[int, archbench.Meta(ge=1, description="units, or feature maps, of each hidden layer")] = (
        50  # as in the depth study
    )
    activation: Annotated[Literal["tanh", "relu"], archbench.Meta(description="nonlinearity of H")] = (
        "tanh"  # bounded, so what 100 layers carry cannot grow; the study searched both
    )
    gate_bias: Annotated[float, archbench.Meta(description="b_T at the start: lower carries more")] = (
        -4.0  # a layer carries 98 % of its input: one value that trains 10 layers and 100; at -2, 0.88^99 is too little
    )

    def __post_init__(self) -> None:
        if self.form == "cifar" and self.depth < 4:
            raise ValueError(f"depth is {self.depth}; form=cifar has four plain layers, so at least 4")


def incompatible(task: archbench.TaskInfo, options: HighwayOptions) -> str | None:
    """Return why this network cannot take this task, or None if it can."""
    height, width = task.input_shape[-2:]
    if options.form == "convolutional" and min(height, width) < SMALLEST_CONVOLUTIONAL:
        return (
            f"images are {height}x{width}; the convolutional form halves them three times and needs at least "
            f"{SMALLEST_CONVOLUTIONAL}x{SMALLEST_CONVOLUTIONAL}; form=fully-connected takes any size"
        )
    return None


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `highway` with the nets of the depth study and of Table 1."""
    depth_study = {f"highway-{depth}": {"depth": depth} for depth in (10, 20, 50, 100)}
    mnist = {"form": "convolutional", "depth": 9, "activation": "relu", "gate_bias": -1.0}
    yield archbench.Architecture(
        name="highway",
        build="archbench_plugins.highway.network:build",
        inputs=("image",),
        options=HighwayOptions,
        variants={
            **depth_study,
            **{f"highway-conv-{width}": {**mnist, "width": width} for width in (16, 32)},
            "highway-b": {"form": "cifar", "depth": 18, "width": 32, "activation": "relu", "gate_bias": -2.0},
        },
        incompatible=incompatible,
        summary="Learned gates mix each layer's output with its unchanged input",
        source="arXiv:1507.06228, sec. 3.1, Tables 1 and 2",
        parameters={**counted(MNIST, COUNTS), **counted(CIFAR, {"highway-b": 2_256_838})},
        control="mlp-10",
        tags=("fully-connected", "convolutional", "gated"),
        recipe=own_recipe,
    )


def own_recipe(options: HighwayOptions) -> archbench.Published | None:
    """Return the recipe of a convolutional net, or None: the depth study searched 100 random settings for each net."""
    if options.form == "fully-connected":
        return None
    cifar = options.form == "cifar"
    return archbench.Published(
        source="authors' solver files, github.com/flukeskywalker/highway-networks",
        data="CIFAR-10, Table 2" if cifar else "MNIST, Table 1",
        recipe=archbench.Recipe(
            optimizer="nesterov",
            learning_rate=0.025 if cifar else 0.01,
            batch_size=100,
            steps=200_000 if cifar else 180_000,
            momentum=0.9,
            weight_decay=1e-3,
            decay_biases=False,
            bias_rate=2.0,
            milestones=(0.5, 0.75, 0.875) if cifar else (1 / 3, 2 / 3),
        ),
        augmentation="padded by 8, cropped to 32x32, mirrored" if cifar else "",
        note="the weights of the classifier decay ten times as fast, which is not followed",
    )
