"""A trial: one training, as plain data. Its id is a hash of what decides the result."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from archbench._protocols import Protocol


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """An architecture or a task as it takes part in a trial.

    Args:
        provider: the distribution that registered it, or the file name of a one-file plugin.
        name: the declared name.
        revision: the declared revision.
        options: every option with its value, defaults included.
        fingerprint: hash of the source of a one-file plugin, which has no version to go by; else empty.
        effort: of a task, by what its steps are multiplied; 1 for an architecture.
        label: how to write it as a selector; for people, not part of the identity.
    """

    provider: str
    name: str
    revision: int
    options: dict[str, Any]
    label: str
    fingerprint: str = ""
    effort: float = 1.0

    @property
    def canonical(self) -> str:
        """`distribution/name@revision`."""
        return f"{self.provider}/{self.name}@{self.revision}"

    def identity(self) -> list[Any]:
        """What of this component decides a result."""
        return [self.provider, self.name, self.revision, self.options, self.fingerprint, self.effort]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One training: an architecture with its options, a task, a protocol and a seed."""

    architecture: Component
    task: Component
    protocol: Protocol
    seed: int

    @property
    def id(self) -> str:
        """32 hex digits; equal for equal names, revisions, options, protocol and seed, on every machine."""
        decides = [self.architecture.identity(), self.task.identity(), self.protocol.identity(), self.seed]
        return hashlib.sha256(msgspec.json.encode(decides, order="deterministic")).hexdigest()[:32]

    def steps(self, kind: str) -> int:
        """Optimiser steps on a task of this kind of input: those of the protocol times the effort of the task."""
        return max(1, round(self.protocol.steps[kind] * self.task.effort))

    def __str__(self) -> str:
        return f"{self.architecture.label} on {self.task.label}, seed {self.seed}"
