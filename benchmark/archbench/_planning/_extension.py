"""Extension: which trials of a larger budget may go on from the end of one with a smaller budget.

A training that goes on so takes the very steps of one that had the larger budget from the start. That holds only where
no step depends on the budget, so the learning rate must be constant.
"""

from __future__ import annotations

import msgspec

from archbench._errors import SelectionError
from archbench._protocols import Protocol, Recipe, equal_steps
from archbench._records import Trial


def check_extension(protocol: Protocol) -> None:
    """Check that trials of a protocol can be extended.

    Raises:
        SelectionError: they cannot; the text says why, and what would help.
    """
    if reason := why_not_extended(protocol):
        raise SelectionError(
            f"trials of {protocol.name} cannot be extended: {reason}. Leave out --extend, or give a protocol with "
            "recipe.milestones = [] and recipe.warmup = 0, and a budget in steps or epochs"
        )


def why_not_extended(protocol: Protocol) -> str:
    """Return why a longer trial of a protocol would not begin as a shorter one does; empty if it would."""
    if protocol.seconds is not None:
        return "the budget is a time, and two trainings of one time take different steps"
    if not isinstance(protocol.recipe, Recipe):
        return "each architecture brings a recipe made for its own budget"
    if protocol.tuning is not None:
        return "tuning chose the recipe for this budget"
    if protocol.probes is not None:
        return "probes measure at shares of the budget"
    return _what_follows_the_budget(protocol.recipe)


def _what_follows_the_budget(recipe: Recipe) -> str:
    if recipe.milestones is None:
        return "the learning rate falls along half a cosine that ends with the budget"
    if recipe.milestones:
        return "the learning rate falls at shares of the budget"
    return "the learning rate rises over a share of the budget" if recipe.warmup else ""


def without_budget(trial: Trial) -> str:
    """Return a hash that trials share which differ in their budget only: in its size and in how often it validates."""
    rules = trial.protocol
    same = msgspec.structs.replace(rules, name="any budget", steps=equal_steps(1), epochs=None, validations=1)
    return msgspec.structs.replace(trial, protocol=same).id
