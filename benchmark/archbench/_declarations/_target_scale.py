"""The scale of the numbers that a task asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from archbench._errors import DeclarationError


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetScale:
    """How the numbers to predict were scaled: a scaled number `y` is `offset + scale * y` in the unit of the data.

    Args:
        offset, scale: as above; the scale is positive.
        of: where they come from in words, such as `mean and standard deviation of training`.
        unit: of the data, such as `MW`; empty if nobody said.

    Raises:
        DeclarationError: a number is not finite, or the scale not positive.
    """

    offset: float
    scale: float
    of: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        if not math.isfinite(self.offset) or not 0 < self.scale < math.inf:
            raise DeclarationError(
                f"TargetScale has offset {self.offset!r} and scale {self.scale!r}; give finite numbers, the scale "
                "positive"
            )
