"""The loader, which admits one plugin after the other, each whole or not at all."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archbench._declarations import Architecture, Claim, Reader, Study, Task
from archbench._errors import PluginError
from archbench._plugins._checked import is_foreign
from archbench._plugins._containment import WHOLE_PROCESS, contained
from archbench._plugins._discovery import Candidate, unmet_requirement
from archbench._plugins._faults import FaultError, Problem
from archbench._plugins._importing import Importable, from_entry_point, import_plugin
from archbench._plugins._loaded import ActivePlugin, Plugins
from archbench._plugins._offer import Offer, collect_offer
from archbench._plugins._provenance import PluginStatus, Registered, T
from archbench._protocols import Protocol

Claims = dict[tuple[str, str, str], str]
"""From the kind of item, the distribution and the name, to the holder of the name in words."""


@dataclass
class _Import:
    """Facts about the import of a plugin, noted for its status."""

    had_torch: bool = field(default_factory=lambda: "torch" in sys.modules)
    milliseconds: float | None = None

    @property
    def brought_torch(self) -> bool:
        return not self.had_torch and "torch" in sys.modules


class Loader:
    """Loads plugins one by one, and keeps the faults of each from the others.

    Args:
        problems: the problems that were found before anything was loaded.
        ends: by the name of a plugin, how it ended the process that tried to load it.
    """

    def __init__(self, problems: Sequence[Problem] = (), ends: Mapping[str, str] | None = None) -> None:
        self._ends = ends or {}
        self._problems = list(problems)
        self._statuses: list[PluginStatus] = []
        self._architectures: list[Registered[Architecture]] = []
        self._tasks: list[Registered[Task]] = []
        self._readers: list[Registered[Reader]] = []
        self._studies: list[Registered[Study]] = []
        self._stated: list[Registered[Claim]] = []
        self._protocols: list[Registered[Protocol]] = []
        self._active: list[ActivePlugin] = []
        self._claimed: Claims = {}

    def result(self) -> Plugins:
        """Return the plugins loaded so far."""
        return Plugins(
            architectures=tuple(self._architectures),
            tasks=tuple(self._tasks),
            readers=tuple(self._readers),
            studies=tuple(self._studies),
            claims=tuple(self._stated),
            protocols=tuple(self._protocols),
            problems=tuple(self._problems),
            statuses=tuple(self._statuses),
            _active=tuple(self._active),
        )

    def consider(self, candidate: Candidate, refused: str) -> None:
        """Load an installed plugin, unless the user's lists (`refused`) or its own requirements forbid it."""
        if refused:
            self._leave_out(candidate, "blocked", refused)
        elif unmet := unmet_requirement(candidate):
            self._problems.append(Problem(candidate.name, "select", unmet))
            self._leave_out(candidate, "incompatible", unmet)
        else:
            self._admit(from_entry_point(candidate))

    def demand(self, importable: Importable) -> None:
        """Load a plugin that the user asked for.

        Raises:
            PluginError: it cannot be loaded.
        """
        fault = self._admit(importable)
        if fault is not None:
            where = importable.source.path or importable.name
            raise PluginError(f"plugin {where}: {fault.message}") from fault.cause

    def _admit(self, importable: Importable) -> FaultError | None:
        """Load one plugin and keep all that it offers; return the fault if there is one, and keep nothing."""
        facts = _Import()
        try:
            # The output of `--json` must not contain what a plugin prints while it is loaded.
            guard = contained() if is_foreign(importable) else contextlib.nullcontext()
            with WHOLE_PROCESS, guard, contextlib.redirect_stdout(sys.stderr):
                if end := self._ends.get(importable.name):
                    raise FaultError("import", f"loading it {end}; {_advice(importable)}")
                imported = import_plugin(importable)
                facts.milliseconds = imported.milliseconds
                offer = collect_offer(imported.plugin, importable)
            claims = self._claims(importable, offer)
        except FaultError as fault:
            self._problems.append(fault.problem(importable.name))
            self._note(importable, "failed", facts, message=fault.message)
            return fault
        self._claimed |= claims
        self._keep(importable, offer)
        names = {
            "architectures": tuple(a.name for a in offer.architectures),
            "tasks": tuple(t.name for t in offer.tasks),
            "readers": tuple(r.scheme for r in offer.readers),
            "studies": tuple(s.name for s in offer.studies),
            "claims": tuple(c.name for c in offer.claims),
            "protocols": tuple(p.name for p in offer.protocols),
        }
        self._note(importable, "active", facts, hooks=offer.hooks.names, **names)
        self._problems += [Problem(importable.name, "register", text, fatal=False) for text in offer.hooks.warnings]
        return None

    def _claims(self, importable: Importable, offer: Offer) -> Claims:
        """Return the names that a plugin takes within its distribution; raise if one of them is taken."""
        claims: Claims = {}
        for kind, name, holder in offer.names():
            key = (kind, importable.origin.distribution, name)
            claim = f"{holder} of {importable.name}"
            if rival := self._claimed.get(key) or claims.get(key):
                message = f"{claim} clashes with {rival}: a distribution may use a name once; rename one of them"
                raise FaultError("collect", message)
            if rival := _other_meaning({**self._claimed, **claims}, kind, name):
                message = f"{claim} clashes with {rival}: `benchmark run {name}` could mean either; rename one of them"
                raise FaultError("collect", message)
            claims[key] = claim
        return claims

    def _keep(self, importable: Importable, offer: Offer) -> None:
        self._architectures += _registered(importable, offer.architectures)
        self._tasks += _registered(importable, offer.tasks)
        self._readers += _registered(importable, offer.readers)
        self._studies += _registered(importable, offer.studies)
        self._stated += _registered(importable, offer.claims)
        self._protocols += _registered(importable, offer.protocols)
        self._active.append(ActivePlugin(importable.name, importable.origin, offer.hooks))

    def _leave_out(self, candidate: Candidate, status: Any, message: str) -> None:
        self._statuses.append(
            PluginStatus(name=candidate.name, origin=candidate.origin, status=status, message=message)
        )

    def _note(self, importable: Importable, status: Any, facts: _Import, **more: Any) -> None:
        if facts.brought_torch:
            message = (
                "imports torch when it is loaded, which delays every command; import torch inside build, or give "
                "build as 'module:function'"
            )
            self._problems.append(Problem(importable.name, "import", message, fatal=False))
        self._statuses.append(
            PluginStatus(
                name=importable.name,
                origin=importable.origin,
                status=status,
                import_milliseconds=facts.milliseconds,
                imported_torch=facts.brought_torch,
                **more,
            )
        )


def _advice(importable: Importable) -> str:
    return "repair it" if importable.source.path else f"leave it out with --no-plugin {importable.name}"


def _other_meaning(claimed: Claims, kind: str, name: str) -> str | None:
    """Return the architecture of anybody that has the name of a study, or the study that has that of an architecture.

    Args:
        claimed: the names that are taken.
        kind, name: of the item that wants a name.
    """
    other = {"study": "architecture", "architecture": "study"}.get(kind)
    return next((holder for (what, _, taken), holder in claimed.items() if (what, taken) == (other, name)), None)


def _registered(importable: Importable, items: Sequence[T]) -> list[Registered[T]]:
    return [Registered(item, importable.origin, importable.source, importable.take_fingerprint) for item in items]
