"""Protocols: the rules under which results may be compared."""

from __future__ import annotations

import difflib
from typing import Any, Literal

import msgspec

from archbench._errors import SelectionError
from archbench._recipes import Count, Positive, Recipe, Tuning


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """Budget and recipe.

    Args:
        name: what `--protocol` takes.
        revision: raised when a rule changes, so that old and new results never share a column.
        summary: one line for lists.
        steps: the budget as optimiser steps of one trial, by kind of input. Scores are compared within a task only, so
            the kinds may differ: long-lag sequences need more, and cheaper, steps than images.
        epochs: the budget as passes over the training split.
        seconds: the budget as seconds of training, evaluation not counted; the schedule then follows the clock, and
            results depend on the machine.
        batch_size: examples per step, whatever the number of devices; None with the own recipe, which has its own.
        validations: how often validation looks at the network, evenly spaced, the last time after the last step.
        seeds: trials per cell unless `--seeds` says otherwise.
        timeout: seconds after which a trial is ended, unless `--timeout` says otherwise.
        recipe: the house recipe, one for all; or `own`: each architecture is trained as its paper trained it.
        stop_at_target: training ends at the first validation that reaches the target of the task, where it has one.
        augment: the augmentation of the task is applied to the training batches, where it has one.
        tuning: how each entrant is tuned before; None for not at all.

    Raises:
        ValueError: the settings contradict each other.
    """

    name: str
    revision: int = 1
    summary: str = ""
    steps: dict[str, Count] | None = None
    epochs: Positive | None = None
    seconds: Positive | None = None
    batch_size: Count | None = None
    validations: Count = 10
    seeds: Count = 3
    timeout: Positive = 3600.0
    recipe: Recipe | Literal["own"] = Recipe()
    stop_at_target: bool = False
    augment: bool = False
    tuning: Tuning | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("steps", "epochs", "seconds") if getattr(self, name) is not None]
        own = self.recipe == "own"
        if len(given) > 1 or (not given and not own):
            raise ValueError(
                f"the budget must be one of steps, epochs and seconds; given: {' and '.join(given) or 'none'}"
            )
        if self.steps is not None and set(self.steps) != {"image", "sequence", "tokens"}:
            given_for = ", ".join(sorted(self.steps)) or "none"
            raise ValueError(f"steps must be given for image, sequence and tokens; given for: {given_for}")
        if (self.batch_size is None) != own:
            raise ValueError("batch_size must be given with a house recipe, and only there: an own recipe has its own")
        if own and self.tuning is not None:
            raise ValueError("an own recipe is trained as published; tuning is for the house recipe")

    @property
    def track(self) -> str:
        """`house recipe` or `own recipe`; the two never share a table."""
        return "own recipe" if self.recipe == "own" else "house recipe"

    @property
    def tuning_cost(self) -> int:
        """Tuning trials of one entrant on one task."""
        return 0 if self.tuning is None else self.tuning.cost

    def identity(self) -> dict[str, Any]:
        """What of this protocol decides the result of one trial: not its summary, time limit or number of seeds."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return {key: value for key, value in values.items() if key not in ("summary", "timeout", "seeds")}

    def budget(self) -> str:
        """The budget in words."""
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
    """The same number of steps for every kind of input."""
    return dict.fromkeys(("image", "sequence", "tokens"), steps)


_PROTOCOLS = (
    Protocol(
        name="smoke",
        revision=1,
        summary="Does it run? Twenty steps, one seed; scores mean nothing",
        steps=equal_steps(20),
        batch_size=16,
        validations=2,
        seeds=1,
        timeout=120.0,
    ),
    Protocol(
        name="quick",
        revision=2,
        summary="Minutes on a laptop: one house recipe for all, three seeds",
        steps=equal_steps(500),
        batch_size=32,
        validations=10,
        seeds=3,
        timeout=600.0,
    ),
    Protocol(
        name="standard",
        revision=1,
        summary="Hours on one GPU: the learning rate of each entrant is chosen on validation, then five seeds",
        steps={"image": 5_000, "sequence": 10_000, "tokens": 10_000},
        batch_size=64,
        validations=20,
        seeds=5,
        timeout=3_600.0,
        augment=True,
        tuning=Tuning(rates=(0.001, 0.003, 0.01, 0.03)),
    ),
    Protocol(
        name="paper",
        revision=1,
        summary="Each architecture as its paper trained it, on the data of the task; days, see --dry-run",
        validations=100,
        seeds=5,
        timeout=7 * 86_400.0,
        recipe="own",
        augment=True,
    ),
)


def protocols() -> tuple[Protocol, ...]:
    """All built-in protocols, in order of cost."""
    return _PROTOCOLS


def find_protocol(name: str) -> Protocol:
    """The built-in protocol of this name.

    Raises:
        SelectionError: there is none; the message lists what there is.
    """
    for protocol in _PROTOCOLS:
        if protocol.name == name:
            return protocol
    names = [protocol.name for protocol in _PROTOCOLS]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ", or give a file: ./NAME.toml"
    raise SelectionError(f"no protocol {name!r}; there are {', '.join(names)}{hint}")
