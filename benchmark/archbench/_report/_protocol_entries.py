"""The protocols of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from archbench._protocols import Protocol, Recipe
from archbench._records import Record, group_by, newest
from archbench._report._schema import ProtocolEntry


def collect_protocols(records: Sequence[Record]) -> list[ProtocolEntry]:
    """Return all protocols, the largest budget first, because its results are the ones to read first."""
    groups = group_by(records, lambda record: record.trial.protocol.key)
    protocols = {key: newest(group).trial.protocol for key, group in groups.items()}
    sizes = {key: _size(protocols[key], group) for key, group in groups.items()}
    entries = [_entry(key, _label(key, protocols), protocol) for key, protocol in protocols.items()]
    return sorted(entries, key=lambda p: (-sizes[p.id], p.label, p.id))


def _label(key: str, protocols: dict[str, Protocol]) -> str:
    """Return the name of a protocol, with the revision and the key added only where names collide."""
    name, revision = _name(protocols[key]), protocols[key].revision
    revisions = [other.revision for other in protocols.values() if _name(other) == name]
    label = f"{name} revision {revision}" if len(set(revisions)) > 1 else name
    return f"{label} (id {key[:4]})" if revisions.count(revision) > 1 else label


def _name(protocol: Protocol) -> str:
    """Return the name of a protocol, marked as tuned where `benchmark tune` made another protocol of it.

    A grid of learning rates is part of the rules of the named protocol, so it needs no mark.
    """
    return f"tuned {protocol.name}" if protocol.tuning is not None and protocol.tuning.trials else protocol.name


def _entry(key: str, label: str, protocol: Protocol) -> ProtocolEntry:
    house = protocol.recipe if isinstance(protocol.recipe, Recipe) else None
    made: dict[str, Any] = {
        "id": key,
        "label": label,
        "budget": protocol.budget(),
        "recipe": house,
        "recipe_words": house.words() if house else "the own recipe of each architecture",
        "provider": protocol.provider or UNSET,
        "tuning_words": protocol.tuning.words() if protocol.tuning else "",
    }
    same = {name: getattr(protocol, name) for name in ProtocolEntry.__struct_fields__ if name not in made}
    return ProtocolEntry(**made, **same)


def _size(protocol: Protocol, records: Sequence[Record]) -> int:
    """Return the examples seen in training: as planned, or else as the records have it. Protocols are sorted by it."""
    if protocol.steps is not None and protocol.batch_size is not None:
        return sum(protocol.steps.values()) * protocol.batch_size
    return max((r.training.steps * r.training.batch_size for r in records if r.training), default=0)
