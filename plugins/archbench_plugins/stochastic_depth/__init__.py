"""Stochastic depth: a residual net of which a random part is trained at a time.

Paper: Huang, Sun, Liu, Sedra and Weinberger, "Deep Networks with Stochastic Depth", arXiv:1603.09382, sections 3 and 4.
Reproduced: the nets of `resnet` (same layers, same 1,727,962 parameters at depth 110). In training unit l computes
H_l = relu(b_l f_l(H_{l-1}) + h(H_{l-1})) (eq. 2), with one Bernoulli draw b_l per mini-batch; where it is 0 nothing of
f_l is computed. It is 1 with probability p_l = 1 - (l/L)(1 - p_L) (eq. 4). At test time
H_l = relu(p_l f_l(H_{l-1}) + h(H_{l-1})) (eq. 5). h is the identity; where the shape changes, 2x2 average pooling and
zero channels. On average (3L-1)/4 units are active at p_L = 0.5, 40 of 54 at depth 110.

Symbols: the depth is 6n+2, L = 3n units; p_L is `survival`. Published test error in per cent at depth 110, constant
depth and stochastic depth (Table 1): CIFAR-10 6.41 and 5.25, CIFAR-100 27.76 and 24.98; at depth 1202 on CIFAR-10 6.67
and 4.91; training takes about a quarter less time.

Deviations: images of any size and any number of channels, pools round up; the recipe is the protocol's.
torchvision's `StochasticDepth` divides by p_l in training where the paper multiplies by p_l at test time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import archbench
from archbench_plugins.shared.declaring import CIFAR, check_depth, counted

COUNTS = {20: 269_722, 56: 853_018, 110: 1_727_962, 152: 2_408_474, 1202: 19_421_274}  # depth -> parameters


@dataclass(frozen=True, slots=True)
class StochasticDepthOptions:
    """Options of `stochastic-depth`: its depth, and how much of it survives a mini-batch."""

    depth: Annotated[int, archbench.Meta(ge=8, description="layers with weights, 6n+2")] = 20  # as `resnet`
    survival: Annotated[float, archbench.Meta(gt=0, le=1, description="p_L, chance of the last unit")] = (
        0.5  # the paper's
    )

    def __post_init__(self) -> None:
        check_depth(self.depth, 6, 2)


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `stochastic-depth` in the paper's depths, and in those of the small residual nets."""
    yield archbench.Architecture(
        name="stochastic-depth",
        build="archbench_plugins.stochastic_depth.network:build",
        inputs=("image",),
        options=StochasticDepthOptions,
        variants={f"stochastic-depth-{depth}": {"depth": depth} for depth in COUNTS},
        summary="resnet, with units dropped at random in training",
        source="arXiv:1603.09382, sec. 3 and 4",
        parameters=counted(CIFAR, {f"stochastic-depth-{depth}": count for depth, count in COUNTS.items()}),
        control="resnet",
        tags=("convolutional", "residual", "random-depth"),
        recipe=own_recipe,
        unused_parameters=("units.*.branch.*",),  # those of the units that a batch drops
    )


def own_recipe(options: StochasticDepthOptions) -> archbench.Published:
    """Return the recipe of the paper, which differs for 1202 layers."""
    deep = options.depth >= 1202
    return archbench.Published(
        source="arXiv:1603.09382, sec. 4",
        data="CIFAR-10",
        recipe=archbench.Recipe(
            optimizer="nesterov",
            learning_rate=0.1,
            batch_size=128,
            epochs=300 if deep else 500,
            momentum=0.9,
            weight_decay=1e-4,
            warmup=10 / 300 if deep else 0.0,
            warmup_rate=0.01 if deep else 0.0,
            milestones=(0.5, 0.75),
        ),
        augmentation="padded by 4, cropped to 32x32, mirrored",
        note="the epoch that is best in validation is reported; SVHN: 152 layers, 50 epochs, a tenth after 30 and 35",
    )
