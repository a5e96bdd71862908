"""Vision Transformer: an image as a sequence of patches, a modern control without convolutions.

Paper: Dosovitskiy et al., "An Image is Worth 16x16 Words", arXiv:2010.11929, section 3.1 and Table 1.
Reproduced: patches of P x P pixels, each mapped to D numbers; a learned class token in front; learned positions added;
L units of z' = MSA(LN(z)) + z and z = MLP(LN(z')) + z' (eq. 2 and 3); the normalised class token is classified.
`vit-b-16`: P = 16, D = 768, L = 12, 12 heads, MLP 3072: 86,567,656 parameters (3x224x224 images, 1000 classes), the
same net as torchvision's. Published top-1 accuracy on ImageNet: 77.91 % when trained on it alone, the last of it on
images of 384x384, and 81.07 % with torchvision's recipe.

Symbols: P is `patch`, D `width`, L `depth`. `shortcut=false` cuts both shortcuts of every unit: what is left of
attention loses rank with depth (Dong et al., arXiv:2103.03404).

Deviations: small by default; images whose sides are no multiple of P are filled up with zeros on the right and below.
No dropout, which the paper uses when it trains on ImageNet alone; the recipe is the protocol's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import archbench
from archbench_plugins.shared.declaring import IMAGENET, counted


@dataclass(frozen=True, slots=True)
class ViTOptions:
    """Options of `vit`: its size, and whether it has shortcuts."""

    patch: Annotated[int, archbench.Meta(ge=1, description="P, side of a patch")] = 2  # 16 patches of an 8x8 image
    width: Annotated[int, archbench.Meta(ge=1, description="D, features of a patch")] = 32  # for small images
    depth: Annotated[int, archbench.Meta(ge=1, description="L, units")] = 4  # for small images
    heads: Annotated[int, archbench.Meta(ge=1, description="h, attention heads")] = 4  # eight numbers each
    mlp: Annotated[int, archbench.Meta(ge=1, description="width of the MLP")] = 128  # 4 D, as in the paper
    shortcut: Annotated[bool, archbench.Meta(description="false cuts the shortcuts of every unit")] = (
        True  # the paper's
    )

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width is {self.width}; it must be a multiple of the {self.heads} heads")


@archbench.hookimpl
def archbench_architectures() -> Iterable[archbench.Architecture]:
    """Register `vit`, small, without its shortcuts, and as published."""
    base = {"patch": 16, "width": 768, "depth": 12, "heads": 12, "mlp": 3072}
    yield archbench.Architecture(
        name="vit",
        build="archbench_plugins.vit.network:build",
        inputs=("image",),
        options=ViTOptions,
        variants={"vit-b-16": base, "vit-no-shortcut": {"shortcut": False}},
        summary="A Transformer over patches",
        source="arXiv:2010.11929, sec. 3.1",
        parameters=counted(IMAGENET, {"vit-b-16": 86_567_656}),
        control="resnet",
        tags=("attention", "residual"),
        recipe=archbench.Published(
            source="arXiv:2010.11929, as taken over by github.com/facebookresearch/ClassyVision (vit_b16_in.json)",
            data="ImageNet",
            recipe=archbench.Recipe(
                optimizer="adamw",
                learning_rate=3e-3,
                batch_size=4096,
                epochs=300,
                weight_decay=0.3,
                clip_norm=1.0,
                warmup=0.1,
                milestones=None,
            ),
            augmentation="crops, mirror images",
            unsupported="dropout 0.1",
            note="read in the second source, which adds mixup, AutoAugment and smoothed labels of its own",
        ),
    )
