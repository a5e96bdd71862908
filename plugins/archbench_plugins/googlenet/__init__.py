"""GoogLeNet: inception modules, and auxiliary classifiers that shorten the gradient's way.

Paper: Szegedy et al., "Going Deeper with Convolutions", arXiv:1409.4842, section 5 and Table 1.
Reproduced: an inception module sends its input through a 1x1 convolution, a 1x1 and a 3x3, a 1x1 and a 5x5, a 3x3
max-pool and a 1x1, and joins the four. Nine modules, 3a to 5b, with the channels of Table 1; max-pools 3/2 before 4a
and 5a; global average pooling, dropout 0.4, softmax. In training the outputs of 4a and 4d feed a classifier each
(average pool 5/3, 1x1 convolution to 128, linear to 1024, dropout 0.7, softmax), whose losses are added with weight
0.3. Outside training they are not computed. `only_head` leaves one of them, as Szegedy et al., arXiv:1512.00567, do.

- `small`: one 3x3 convolution to 192 channels in place of the stem, so that 3a works at full size.
- `imagenet`: the stem of Table 1 with local response normalisation, no batch normalisation, biases: 6,998,552
  parameters, and 6,379,728 more in the auxiliary classifiers (13,378,280), on 1000 classes. Published top-5 error on
  ImageNet: 10.07 % with one net and one crop. torchvision's GoogLeNet is another net: 3x3 kernels where the paper has
  5x5, batch normalisation, no response normalisation; 6,624,904 and 13,004,888 parameters.

The paper's symbols are its module names. `width` scales all channels, to multiples of 8, and those of the auxiliary
classifiers as well.

Deviations: `small` is ours. Maps smaller than 5x5 are averaged whole before an auxiliary classifier. Any number of
channels, any size from 4x4 (`imagenet`: 31x31); pools round up, as in the authors' framework. Convolutions start from
He's initialisation. Batch normalisation, which came a year later, is an option.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import archbench
from archbench_plugins.shared.declaring import IMAGENET, counted

SMALLEST = {"small": 4, "imagenet": 31}  # 4 -> 2 -> 1; 31 -> 16 -> 8 -> 4 -> 2 -> 1


@dataclass(frozen=True, slots=True)
class GoogLeNetOptions:
    """Options of `googlenet`: its form, its size and the auxiliary classifiers."""

    form: Annotated[Literal["small", "imagenet"], archbench.Meta(description="layers before module 3a")] = (
        "small"  # for small images
    )
    width: Annotated[float, archbench.Meta(gt=0, description="factor of all channels in Table 1")] = (
        0.125  # seconds on small images
    )
    normalise: Annotated[bool, archbench.Meta(description="batch normalisation behind each convolution")] = (
        False  # the paper has none
    )
    aux_weight: Annotated[
        float, archbench.Meta(ge=0, description="weight of the auxiliary losses; 0 leaves them out")
    ] = 0.3  # the paper's
    only_head: Annotated[
        Literal["4a", "4d"] | None, archbench.Meta(description="the one auxiliary classifier, by the module it reads")
    ] = None  # both, as in the paper


def incompatible(task: archbench.TaskInfo, options: GoogLeNetOptions) -> str | None:
    """Return why this network cannot take this task, or None if it can."""
    height, width = task.input_shape[-2:]
    smallest = SMALLEST[options.form]
    if min(height, width) < smallest:
        return f"images are {height}x{width}; the pools of form={options.form} need at least {smallest}x{smallest}"
    return None


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `googlenet` with the net of Table 1."""
    table_1 = {"form": "imagenet", "width": 1.0}
    yield archbench.Architecture(
        name="googlenet",
        revision=2,  # since then the auxiliary classifiers draw their weights last
        build="archbench_plugins.googlenet.network:build",
        inputs=("image",),
        options=GoogLeNetOptions,
        variants={
            "googlenet-imagenet": table_1,
            "googlenet-imagenet-no-aux": {**table_1, "aux_weight": 0.0},
            "googlenet-no-aux": {"aux_weight": 0.0},
        },
        incompatible=incompatible,
        summary="Kernels of several sizes side by side; two auxiliary classifiers in training",
        source="arXiv:1409.4842, sec. 5 and Table 1",
        parameters=counted(
            IMAGENET, {"googlenet-imagenet": 6_998_552 + 6_379_728, "googlenet-imagenet-no-aux": 6_998_552}
        ),
        control="googlenet-no-aux",
        tags=("convolutional", "auxiliary"),
    )
