"""The published recipe of an architecture, with its parts that are code of a plugin. Free of torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from archbench._declarations._checks import check_target
from archbench._errors import DeclarationError
from archbench._protocols import CUSTOM, Additions, Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn

SHAPED = ("warmup", "warmup_rate", "milestones", "floor", "decay")
"""The fields of a recipe that say how the learning rate rises and falls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A recipe and where it was published.

    Args:
        source: paper and section, or the authors' code.
        data: the dataset that the recipe is for.
        recipe: the settings, with the batch size and the budget that the paper states: `epochs` or `steps`.
        augmentation: the paper's augmentation in words; empty for none. Training applies that of the task instead.
        unsupported: parts of the recipe that these fields cannot express; the recipe is then shown, but not run.
        note: remarks on other data or other forms of the network, and departures too small to change the result.
        optimizer: `optimizer(network, recipe)` returns a `torch.optim.Optimizer` over all trainable parameters, in
            groups as you like; a function or a `"module:function"` string. With it, the recipe says
            `optimizer="custom"`. The learning rate of each group is scaled as that of the recipe is. What the optimiser
            must keep between two steps belongs into its `state_dict`.
        schedule: `schedule(share)` returns the factor on the learning rate at a share of the budget, from 0 before the
            first step to just below 1 before the last; a function or a string. With it, the recipe has no warm-up,
            milestones or floor.
        average: decay of an exponential average of weights and buffers over the steps, which begins with the weights
            after the first step; the average is what is validated, tested and kept. 0 for none.

    Raises:
        DeclarationError: a setting is out of bounds or missing, `epochs` and `steps` are both given, or neither, or the
            recipe and the other arguments contradict each other.
    """

    source: str
    data: str
    recipe: Recipe
    augmentation: str = ""
    unsupported: str = ""
    note: str = ""
    optimizer: str | Callable[[nn.Module, Recipe], torch.optim.Optimizer] | None = None
    schedule: str | Callable[[float], float] | None = None
    average: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.recipe, Recipe):
            raise DeclarationError(f"Published of {self.source}: recipe is {self.recipe!r}; give an archbench.Recipe")
        if self.recipe.batch_size is None:
            raise DeclarationError(f"Published of {self.source}: the recipe has no batch_size; give that of the paper")
        if (self.recipe.epochs is None) == (self.recipe.steps is None):
            raise DeclarationError(f"Published of {self.source}: give epochs or steps, and only one of them")
        additions = additions_of(self)
        try:
            # `Recipe(...)` itself checks no bounds, and keeps `epochs=90` whole; a record would read it back as 90.0,
            # which gives the trial another id.
            recipe = msgspec.convert({**msgspec.to_builtins(self.recipe), **additions}, Recipe)
        except msgspec.ValidationError as error:
            raise DeclarationError(f"Published of {self.source}: {error}") from None
        object.__setattr__(self, "recipe", recipe)


def additions_of(published: Published) -> dict[str, Any]:
    """Return the field of a recipe that names what its plugin adds; empty if that is nothing.

    Raises:
        DeclarationError: what is added does not fit the recipe.
    """
    what, recipe = f"Published of {published.source}", published.recipe
    for name in ("optimizer", "schedule"):
        if getattr(published, name) is not None:
            check_target(f"{what}: {name}", getattr(published, name))
    if (recipe.optimizer == CUSTOM) != (published.optimizer is not None):
        raise DeclarationError(
            f"{what}: the recipe has optimizer={recipe.optimizer!r}; give optimizer={CUSTOM!r} there together with "
            "Published(optimizer=...), or neither"
        )
    if published.schedule is not None and (shaped := _shaped(recipe)):
        raise DeclarationError(f"{what}: schedule says how the learning rate changes; leave {shaped} out of the recipe")
    additions = Additions(
        optimizer=_name(published.optimizer), schedule=_name(published.schedule), average=published.average
    )
    return {} if additions == Additions() else {"additions": msgspec.to_builtins(additions)}


def _shaped(recipe: Recipe) -> str:
    defaults = {field.name: field.default for field in msgspec.structs.fields(Recipe)}
    return " and ".join(name for name in SHAPED if getattr(recipe, name) != defaults[name])


def _name(target: object) -> str:
    """Return the name of a function. Its module is left out, since that of a one-file plugin depends on the path."""
    if target is None or isinstance(target, str):
        return target or ""
    return str(getattr(target, "__qualname__", type(target).__name__))
