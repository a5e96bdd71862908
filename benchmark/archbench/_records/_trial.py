"""A trial: one training, as plain data. Its id is a hash of what decides the result."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from archbench._protocols import Protocol, Recipe, identity_hash

TUNING_SEED = 1_000_000
"""The first seed of tuning trials; those of evaluation lie below."""

ID_DIGITS = 32
"""Hex digits of the id of a trial."""


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """An architecture or a task as it takes part in a trial.

    Args:
        provider: the distribution that registered it, or the file name of a one-file plugin.
        name: the declared name.
        revision: the declared revision.
        options: every option with its value, defaults included.
        fingerprint: hash of the source of a one-file plugin, which has no version to go by; else empty.
        effort: of a task, by what its steps are multiplied; 1 for an architecture.
        target: of a task, the validation score from which on it counts as solved.
        label: how to write it as a selector; for people, not part of the identity.
    """

    provider: str
    name: str
    revision: int
    options: dict[str, Any]
    label: str
    fingerprint: str = ""
    effort: float = 1.0
    target: float | None = None

    @property
    def canonical(self) -> str:
        """`distribution/name@revision`."""
        return f"{self.provider}/{self.name}@{self.revision}"

    def identity(self) -> list[Any]:
        """What of this component decides a result."""
        return [self.provider, self.name, self.revision, self.options, self.fingerprint, self.effort]

    @property
    def key(self) -> str:
        """A short hash of the identity."""
        return identity_hash(self.identity())


class CellKey(NamedTuple):
    """The identity of a cell: the keys of its architecture, its task and its protocol."""

    architecture: str
    task: str
    protocol: str


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One training: an architecture with its options, a task, a protocol and a seed.

    Args:
        recipe: the recipe of this trial where the protocol alone does not say it: the published one of an
            architecture, a candidate of tuning, or what tuning chose.
        tuning: it tries a candidate; its result helps to choose and is never ranked.
    """

    architecture: Component
    task: Component
    protocol: Protocol
    seed: int
    recipe: Recipe | None = None
    tuning: bool = False

    @property
    def id(self) -> str:
        """32 hex digits; equal for equal names, revisions, options, protocol and seed, on every machine.

        A published recipe and a candidate of tuning take part. What tuning chose does not: it follows from the
        protocol, so that a cell never has two results for one seed, whoever ran it.
        """
        decides: list[Any] = [self.architecture.identity(), self.task.identity(), self.protocol.identity(), self.seed]
        if self.tuning or self.protocol.recipe == "own":
            decides.append([self.tuning, msgspec.to_builtins(self.recipe)])
        if self.protocol.stop_at_target:
            decides.append(self.task.target)
        return identity_hash(decides, digits=ID_DIGITS)

    @property
    def cell(self) -> CellKey:
        """The cell that this trial belongs to."""
        return CellKey(self.architecture.key, self.task.key, self.protocol.key)

    @property
    def settings(self) -> Recipe:
        """The recipe that this trial follows."""
        recipe = self.recipe or self.protocol.recipe
        assert isinstance(recipe, Recipe)
        return recipe

    @property
    def batch_size(self) -> int:
        """Examples per step."""
        size = self.settings.batch_size or self.protocol.batch_size
        assert size is not None
        return size

    def steps(self, kind: str, examples: int) -> int | None:
        """Optimiser steps of this trial; None where its budget is a time.

        The budget of the protocol is multiplied by the effort of the task; a published one is taken as it is.

        Args:
            kind: the kind of input of the task.
            examples: size of the training split, which turns epochs into steps.
        """
        protocol, published = self.protocol, self.settings
        if protocol.seconds is not None:
            return None
        if protocol.steps is not None:
            steps = protocol.steps[kind] * self.task.effort
        elif protocol.epochs is not None:
            steps = protocol.epochs * self.task.effort * examples / self.batch_size
        elif published.epochs is not None:
            steps = published.epochs * examples / self.batch_size
        else:
            assert published.steps is not None
            steps = published.steps
        return max(1, round(steps))

    @property
    def seconds(self) -> float | None:
        """Seconds of training, where that is the budget; times the effort of the task."""
        return None if self.protocol.seconds is None else self.protocol.seconds * self.task.effort

    def __str__(self) -> str:
        tuning = f"tuning with learning rate {self.settings.learning_rate:.3g}, " if self.tuning else ""
        return f"{self.architecture.label} on {self.task.label}, {tuning}seed {self.seed}"
