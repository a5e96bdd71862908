"""torchvision's models, for images with any number of channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn


def from_torchvision(
    function: Callable[..., nn.Module], *, first: str, channels: int, outputs: int, **settings: Any
) -> nn.Module:
    """A torchvision model without trained weights.

    Args:
        function: of `torchvision.models`.
        first: the name of its first convolution, replaced unless the images have 3 channels.
        channels: of the images.
        outputs: K.
        settings: what else `function` takes.
    """
    model = function(weights=None, num_classes=outputs, **settings)
    old = model.get_submodule(first)
    assert isinstance(old, nn.Conv2d)
    if channels != old.in_channels:
        new = nn.Conv2d(
            channels,
            old.out_channels,
            old.kernel_size,  # type: ignore[arg-type]
            stride=old.stride,  # type: ignore[arg-type]
            padding=old.padding,  # type: ignore[arg-type]
            bias=old.bias is not None,
        )
        nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
        parent, _, name = first.rpartition(".")
        setattr(model.get_submodule(parent), name, new)
    return model
