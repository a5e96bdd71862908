"""A trial: one training, as plain data. Its id is a hash of everything that decides the result."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from archbench._protocols import Protocol, Recipe, encode_identity, identity_hash

TUNING_SEED = 1_000_000
"""The first seed of tuning trials; the seeds of evaluation trials are lower."""

ID_DIGITS = 32
"""Hex digits of the id of a trial."""


class Component(msgspec.Struct, frozen=True, kw_only=True, dict=True):  # dict: for what is computed once
    """An architecture or a task as it takes part in a trial.

    Args:
        provider: the distribution that registered it, or the file name of a one-file plugin.
        name: the declared name.
        revision: the declared revision.
        options: every option with its value, defaults included.
        fingerprint: hash of the source of a one-file plugin or an editable installation, whose version says little;
            else empty.
        effort: the factor by which a task multiplies the steps; 1 for an architecture.
        target: the validation score from which on a task counts as solved; None if it has none.
        files: sha256 of the files that an architecture is built from, such as pretrained weights, by declared path.
        label: the component as a selector; for people, not part of the identity.
    """

    provider: str
    name: str
    revision: int
    options: dict[str, Any]
    label: str
    fingerprint: str = ""
    effort: float = 1.0
    target: float | None = None
    files: dict[str, str] = {}

    @property
    def canonical(self) -> str:
        """The full name, `distribution/name@revision`."""
        return f"{self.provider}/{self.name}@{self.revision}"

    def identity(self) -> list[Any]:
        """Return the fields that decide a result; files only where there are any, so that older ids stay."""
        fields = [self.provider, self.name, self.revision, self.options, self.fingerprint, self.effort]
        return [*fields, self.files] if self.files else fields

    @cached_property
    def lineage(self) -> str:
        """A short hash that all revisions and sources of one thing with equal options share."""
        return msgspec.structs.replace(self, revision=0, fingerprint="", effort=1.0, files={}).key

    @cached_property
    def encoded_identity(self) -> msgspec.Raw:
        """The identity as JSON."""
        return encode_identity(self.identity())

    @cached_property
    def key(self) -> str:
        """A short hash of the identity."""
        return identity_hash(self.encoded_identity)


class CellKey(NamedTuple):
    """The identity of a cell: the keys of its architecture, its task and its protocol."""

    architecture: str
    task: str
    protocol: str


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One training: an architecture with its options, a task, a protocol and a seed.

    Args:
        recipe: the recipe of this trial if the protocol alone does not fix it: the own recipe of the architecture,
            a candidate of tuning, or the recipe that tuning chose.
        tuning: the trial tries a candidate; its result helps to choose and is never ranked.
    """

    architecture: Component
    task: Component
    protocol: Protocol
    seed: int
    recipe: Recipe | None = None
    tuning: bool = False

    @property
    def id(self) -> str:
        """A hash of 32 hex digits; equal for equal names, revisions, options, protocol and seed, on every machine.

        An own recipe and a candidate of tuning are part of it. The recipe that tuning chose is not: it follows from
        the protocol, and so a cell never has two results for one seed.
        """
        architecture, task, protocol = self.architecture, self.task, self.protocol
        decides: list[Any] = [
            architecture.encoded_identity,
            task.encoded_identity,
            protocol.encoded_identity,
            self.seed,
        ]
        if self.tuning or protocol.recipe == "own":
            decides.append([self.tuning, msgspec.to_builtins(self.recipe)])
        if protocol.stop_at_target:
            decides.append(task.target)
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
        """Return the optimiser steps of this trial; None if its budget is a time.

        The budget of the protocol is multiplied by the effort of the task; the budget of an own recipe is not.

        Args:
            kind: the kind of input of the task.
            examples: size of the training split, which turns epochs into steps.
        """
        protocol, own = self.protocol, self.settings
        if protocol.seconds is not None:
            return None
        if protocol.steps is not None:
            steps = protocol.steps[kind] * self.task.effort
        elif protocol.epochs is not None:
            steps = protocol.epochs * self.task.effort * examples / self.batch_size
        elif own.epochs is not None:
            steps = own.epochs * examples / self.batch_size
        else:
            assert own.steps is not None
            steps = own.steps
        return max(1, round(steps))

    @property
    def seconds(self) -> float | None:
        """Seconds of training if the budget is a time, multiplied by the effort of the task; else None."""
        return None if self.protocol.seconds is None else self.protocol.seconds * self.task.effort

    def __str__(self) -> str:
        tuning = f"tuning with learning rate {self.settings.learning_rate:.3g}, " if self.tuning else ""
        return f"{self.architecture.label} on {self.task.label}, {tuning}seed {self.seed}"
