"""The parts of an own recipe that are code of a plugin, as plain data that a trial can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from archbench._declarations._checks import check_target
from archbench._errors import DeclarationError
from archbench._protocols import CUSTOM, Additions, Recipe

if TYPE_CHECKING:
    from archbench._declarations._architecture import Published

SHAPED = ("warmup", "warmup_rate", "milestones", "floor", "decay")
"""The fields of a recipe that say how the learning rate rises and falls."""


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
