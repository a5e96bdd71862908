"""Protocols: the rules under which results may be compared."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import msgspec

from archbench._protocols._identity import encode_identity, identity_hash
from archbench._protocols._probes import Probes
from archbench._protocols._recipe import CUSTOM, HOUSE_RECIPE, Count, Positive, Recipe, Tuning

RULES_REVISION = 2
"""Revision of the protocols in files: raised when a rule changes that holds for every protocol. Since 2, the later of
equal validations is selected."""

Precision = Literal["32", "tf32", "bf16"]

LATER_FIELDS = {"probes": None, "for_studies": False, "precision": "32"}
"""Fields that came later, with their defaults: part of the identity only where they differ from them, so that older ids
stay as they are."""


class Protocol(msgspec.Struct, frozen=True, kw_only=True, dict=True):  # dict: for what is computed once
    """The rules of a comparison: budget, recipe, tuning, number of seeds.

    Args:
        name: the name that `--protocol` takes.
        revision: raised when a rule changes, so that old and new results never share a column.
        summary: one line for lists.
        steps: the budget as optimiser steps of one trial, by kind of input. Scores are compared within a task only, so
            the kinds may differ: long-lag sequences need more steps than images, and their steps are cheaper.
        epochs: the budget as passes over the training split.
        seconds: the budget as seconds of training, without evaluation; the schedule then follows the clock, and
            results depend on the machine.
        batch_size: examples per step, whatever the number of devices; None if architectures follow their own recipes,
            which have one each.
        validations: number of validations, evenly spaced; the last one is after the last step.
        seeds: trials per cell unless `--seeds` says otherwise.
        timeout: seconds after which a trial is ended, unless `--timeout` says otherwise.
        recipe: the house recipe, the same for all; or `own`: each architecture is trained as its paper trained it.
        stop_at_target: training ends at the first validation that reaches the target of the task, if it has one.
        augment: the augmentation of the task, if it has one, is applied to the training batches.
        tuning: how each entrant is tuned before its evaluation; None for no tuning.
        probes: what each trial of the evaluation measures beside its scores; None for nothing.
        precision: `32` for float32 throughout; `tf32` where matrix products and convolutions of a GPU may round their
            factors to 10 bits; `bf16` where they take and give bfloat16 and all else stays float32.
        for_studies: the trials feed studies and have no board of their own.
        provider: the distribution or file that registered it, set when it is loaded; empty for built-in protocols and
            those of people's files. No part of the identity: equal rules are equal, whoever brings them.

    Raises:
        ValueError: the settings contradict each other.
    """

    name: str
    revision: int = RULES_REVISION
    summary: str = ""
    steps: dict[str, Count] | None = None
    epochs: Positive | None = None
    seconds: Positive | None = None
    batch_size: Count | None = None
    validations: Count = 10
    seeds: Count = 3
    timeout: Positive = 3600.0
    recipe: Recipe | Literal["own"] = HOUSE_RECIPE
    stop_at_target: bool = False
    augment: bool = False
    tuning: Tuning | None = None
    probes: Probes | None = None
    precision: Precision = "32"
    for_studies: bool = False
    provider: str = ""

    def __post_init__(self) -> None:
        given = [name for name in ("steps", "epochs", "seconds") if getattr(self, name) is not None]
        own = self.recipe == "own"
        if isinstance(self.recipe, Recipe) and (self.recipe.optimizer == CUSTOM or self.recipe.additions):
            raise ValueError("optimizers, schedules and averages of a plugin are for own recipes; leave them out")
        if len(given) > 1 or (not given and not own):
            raise ValueError(
                f"the budget must be one of steps, epochs and seconds; given: {' and '.join(given) or 'none'}"
            )
        if self.steps is not None and set(self.steps) != {"image", "sequence", "tokens"}:
            given_for = ", ".join(sorted(self.steps)) or "none"
            raise ValueError(f"steps must be given for image, sequence and tokens; given for: {given_for}")
        if self.seconds is not None and self.probes is not None and not set(self.probes.at) <= {0, 1}:
            raise ValueError("probes of a budget in seconds measure at 0 and 1 only: its steps are not known ahead")
        if (self.batch_size is None) != own:
            raise ValueError("batch_size must be given with a house recipe, and only there: an own recipe has its own")
        if own and self.tuning is not None:
            raise ValueError("an own recipe is trained as published; tuning is for the house recipe")

    @property
    def track(self) -> str:
        """The track, `house recipe` or `own recipe`; the two never share a table."""
        return "own recipe" if self.recipe == "own" else "house recipe"

    @property
    def tuning_cost(self) -> int:
        """Tuning trials of one entrant on one task."""
        return 0 if self.tuning is None else self.tuning.cost

    def checked(self) -> Protocol:
        """Return the protocol as a record will hold it.

        `Protocol(...)` itself checks no bounds, and a record would read `seconds=60` back as 60.0.

        Raises:
            msgspec.ValidationError: a value is not allowed.
        """
        return msgspec.convert(msgspec.to_builtins(self), Protocol)

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide the result of one trial: not summary, time limit, seeds or provider."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        unset = [name for name, default in LATER_FIELDS.items() if values[name] == default]
        outside = ["summary", "timeout", "seeds", "provider", *unset]
        return {key: value for key, value in values.items() if key not in outside}

    @cached_property
    def encoded_identity(self) -> msgspec.Raw:
        """The identity as JSON."""
        return encode_identity(self.identity())

    @cached_property
    def key(self) -> str:
        """A short hash of the identity; protocols with different keys never share a table."""
        return identity_hash(self.encoded_identity)

    def budget(self) -> str:
        """Return the budget in words."""
        if self.epochs is not None:
            return f"{self.epochs:g} epochs"
        if self.seconds is not None:
            return f"{self.seconds:g} s of training"
        if self.steps is None:
            return "as published"
        if len(set(self.steps.values())) == 1:
            return f"{next(iter(self.steps.values())):,}"
        return ", ".join(f"{steps:,} ({kind})" for kind, steps in sorted(self.steps.items()))


def equal_steps(steps: int) -> dict[str, int]:
    """Return a budget with one number of steps for every kind of input."""
    return dict.fromkeys(("image", "sequence", "tokens"), steps)
