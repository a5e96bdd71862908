"""Protocols: the rules under which results may be compared."""

from __future__ import annotations

import difflib
from typing import Any

import msgspec

from archbench._errors import SelectionError


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How every entrant of a protocol is trained (the house recipe).

    Args:
        learning_rate: peak of the schedule, reached after the warm-up; it then falls to 0 along a half cosine.
        warmup: share of the steps over which the learning rate rises linearly.
        betas: the two decay rates of Adam (Kingma and Ba, arXiv:1412.6980, Algorithm 1).
        weight_decay: decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101).
        clip_norm: bound on the global gradient norm (Pascanu et al., arXiv:1211.5063, Algorithm 1).
    """

    learning_rate: float = 0.01
    warmup: float = 0.1
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip_norm: float = 1.0


class Protocol(msgspec.Struct, frozen=True, kw_only=True):
    """Budget and recipe.

    Args:
        name: what `--protocol` takes.
        revision: raised when a rule changes, so that old and new results never share a column.
        summary: one line for lists.
        steps: optimiser steps of one trial, by kind of input. Scores are compared within a task only, so the kinds
            may differ: long-lag sequences need more, and cheaper, steps than images.
        batch_size: examples per step, whatever the number of devices.
        validations: how often validation looks at the network, evenly spaced, the last time after the last step.
        seeds: trials per cell unless `--seeds` says otherwise.
        timeout: seconds after which a trial is ended, unless `--timeout` says otherwise.
        recipe: the house recipe.
        augment: the augmentation of the task is applied to the training batches, where it has one.
    """

    name: str
    revision: int
    summary: str
    steps: dict[str, int]
    batch_size: int
    validations: int
    seeds: int
    timeout: float
    recipe: Recipe
    augment: bool = False

    def identity(self) -> list[Any]:
        """What of this protocol decides the result of one trial: not its summary, time limit or number of seeds."""
        return [
            self.name,
            self.revision,
            self.steps,
            self.batch_size,
            self.validations,
            msgspec.to_builtins(self.recipe),
            *(["augment"] if self.augment else []),  # so that the ids of older trials stay
        ]


_PROTOCOLS = (
    Protocol(
        name="smoke",
        revision=1,
        summary="Does it run? Twenty steps, one seed; scores mean nothing",
        steps={"image": 20, "sequence": 20, "tokens": 20},
        batch_size=16,
        validations=2,
        seeds=1,
        timeout=120.0,
        recipe=Recipe(),
    ),
    Protocol(
        name="quick",
        revision=2,
        summary="Minutes on a laptop: one house recipe for all, three seeds",
        steps={"image": 500, "sequence": 500, "tokens": 500},
        batch_size=32,
        validations=10,
        seeds=3,
        timeout=600.0,
        recipe=Recipe(),
    ),
)


def protocols() -> tuple[Protocol, ...]:
    """All protocols, in order of cost."""
    return _PROTOCOLS


def find_protocol(name: str) -> Protocol:
    """The protocol of this name.

    Raises:
        SelectionError: there is none; the message lists what there is.
    """
    for protocol in _PROTOCOLS:
        if protocol.name == name:
            return protocol
    names = [protocol.name for protocol in _PROTOCOLS]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise SelectionError(f"no protocol {name!r}; there are {', '.join(names)}{hint}")
