"""The losses that a task may name, and losses by declaration. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from archbench._declarations._metrics import Targets
from archbench._errors import DeclarationError

Loss = Literal["cross_entropy", "mean_squared_error", "mean_absolute_error", "huber", "binary_cross_entropy"]

LOSSES: Mapping[str, Targets] = {
    "cross_entropy": "classes",
    "mean_squared_error": "numbers",
    "mean_absolute_error": "numbers",
    "huber": "numbers",
    "binary_cross_entropy": "labels",
}
"""The targets that each loss is for."""

_TARGET = re.compile(r"[\w.]+:\w+")
_FUNCTIONAL = re.compile(r"[a-z]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchLoss:
    """A loss by declaration. Give `function` or `factory`.

    Of classes it gets logits (N, classes) and classes int64 (N,), those that are asked for. Of numbers and labels it
    gets what the network returned and the targets, both (batch, outputs), or (batch, steps, outputs) per step, labels
    as floats; where `Task.missing_targets` is set, those that are there, both (N,). It returns a mean.

    Args:
        targets: what the task asks for: `classes`, `numbers` or `labels`.
        function: the name of a function of `torch.nn.functional`, such as `smooth_l1_loss`; or
            `function(outputs, targets, **arguments)`, which may be written as `"package.module:function"`.
        factory: `factory(info, **arguments)` returns `loss(outputs, targets)`, such as a `torch.nn.Module`; or
            `"package.module:function"`. It takes the `TaskInfo`. It has no parameters that are trained.
        arguments: further arguments by name. Plain data.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    targets: Targets
    function: str | Callable[..., Any] | None = None
    factory: str | Callable[..., Any] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.targets not in get_args(Targets):
            raise DeclarationError(f"TorchLoss.targets is {self.targets!r}; allowed: {', '.join(get_args(Targets))}")
        if (self.function is None) == (self.factory is None):
            raise DeclarationError("TorchLoss needs a function or a factory, and not both")
        target = self.factory if self.function is None else self.function
        named = isinstance(target, str)
        short = self.function is not None and named and bool(_FUNCTIONAL.fullmatch(str(target)))
        if not callable(target) and not short and not (named and _TARGET.fullmatch(str(target))):
            raise DeclarationError(
                f"TorchLoss has {target!r}; give a function, 'package.module:function', or as function= the name of "
                "one in torch.nn.functional"
            )

    @property
    def name(self) -> str:
        """The name of the function, for people."""
        target = self.factory if self.function is None else self.function
        return target if isinstance(target, str) else str(getattr(target, "__name__", type(target).__name__))


def targets_of(what: str, loss: object) -> Targets:
    """Return what a loss asks for.

    Raises:
        DeclarationError: there is no such loss.
    """
    if isinstance(loss, TorchLoss):
        return loss.targets
    if not isinstance(loss, str) or loss not in LOSSES:
        raise DeclarationError(f"{what}: loss is {loss!r}; allowed: {', '.join(LOSSES)}, or a TorchLoss")
    return LOSSES[loss]
