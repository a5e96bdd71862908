"""Who takes part: identities, unique labels, what supersedes what, and where the code came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from archbench._protocols import Protocol, Recipe, identity_hash
from archbench._records import Component, Environment, Origin, Record
from archbench._report._schema import Entrant, EnvironmentEntry, ProtocolEntry, TaskEntry

PALETTE = 10
"""Colours in the style sheet; entrants beyond that share a colour and differ in the shape of their mark."""

_Item = TypeVar("_Item")
_Key = TypeVar("_Key", bound=Hashable)


def entrant_id(record: Record) -> str:
    """Return the key of the entrant of a record."""
    return record.trial.architecture.key


def task_id(record: Record) -> str:
    """Return the key of the task of a record."""
    return record.trial.task.key


def protocol_id(record: Record) -> str:
    """Return the key of the protocol of a record."""
    return record.trial.protocol.key


def group_by(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> dict[_Key, list[_Item]]:
    """Lists of items by key, both in the order of appearance."""
    groups: defaultdict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)


def collect_entrants(records: Sequence[Record], environments: Sequence[EnvironmentEntry]) -> list[Entrant]:
    """All entrants in the order of their labels."""
    groups = group_by(records, entrant_id)
    components = {key: _component([r.trial.architecture for r in group]) for key, group in groups.items()}
    newer = superseded(components, {key: latest_start(group) for key, group in groups.items()})
    labels = unique_labels(components, newer)
    entries = []
    for colour, key in enumerate(sorted(groups, key=lambda key: (key in newer, labels[key], key))):
        component, group = components[key], groups[key]
        newest = max(group, key=_age)
        entries.append(
            Entrant(
                id=key,
                label=labels[key],
                selector=component.label,
                provider=component.provider,
                name=component.name,
                revision=component.revision,
                options=component.options,
                fingerprint=component.fingerprint,
                summary=newest.architecture_facts.summary,
                source=newest.architecture_facts.source,
                control=newest.architecture_facts.control,
                expected_failures=newest.architecture_facts.expected_failures,
                colour=colour,
                superseded_by=labels.get(newer.get(key, ""), ""),
                origins=distinct_origins(r.architecture_origin for r in group),
                environments=environment_numbers(group, environments),
            )
        )
    return sorted(entries, key=lambda entrant: (entrant.label, entrant.id))


def collect_tasks(records: Sequence[Record]) -> list[TaskEntry]:
    """All tasks in the order of kind and label; what is known of a task is what its newest record says."""
    groups = group_by(records, task_id)
    components = {key: _component([r.trial.task for r in group]) for key, group in groups.items()}
    newer = superseded(components, {key: latest_start(group) for key, group in groups.items()})
    labels = unique_labels(components, newer)
    entries = []
    for key, group in groups.items():
        facts, component = max(group, key=_age).task_facts, components[key]
        entries.append(
            TaskEntry(
                id=key,
                label=labels[key],
                selector=component.label,
                provider=component.provider,
                revision=component.revision,
                effort=component.effort,
                target=component.target,
                superseded_by=labels.get(newer.get(key, ""), ""),
                origins=distinct_origins(r.task_origin for r in group),
                kind=facts.kind,
                metric=facts.metric,
                higher_is_better=facts.higher_is_better,
                chance=facts.chance,
                oracle=facts.oracle,
                summary=facts.summary,
            )
        )
    return sorted(entries, key=lambda task: (task.superseded_by != "", task.kind, task.label, task.id))


def collect_protocols(records: Sequence[Record]) -> list[ProtocolEntry]:
    """All protocols, the largest budget first: that is the result to read first."""
    groups = group_by(records, protocol_id)
    newest: dict[str, Protocol] = {key: max(group, key=_age).trial.protocol for key, group in groups.items()}
    names = {key: _protocol_name(protocol) for key, protocol in newest.items()}
    entries = []
    for key, protocol in newest.items():
        same = [other for k, other in newest.items() if names[k] == names[key]]
        label = names[key]
        if len({other.revision for other in same}) > 1:
            label += f" revision {protocol.revision}"
        if [other.revision for other in same].count(protocol.revision) > 1:
            label += f" (id {key[:4]})"
        entries.append(_protocol_entry(key, label, protocol))
    sizes = {key: _size(newest[key], group) for key, group in groups.items()}
    return sorted(entries, key=lambda p: (-sizes[p.id], p.label, p.id))


def _protocol_name(protocol: Protocol) -> str:
    """Its name; `benchmark tune` makes another protocol of one, which must say so. A grid is part of the rules."""
    return f"tuned {protocol.name}" if protocol.tuning is not None and protocol.tuning.trials else protocol.name


def _protocol_entry(key: str, label: str, protocol: Protocol) -> ProtocolEntry:
    house = protocol.recipe if isinstance(protocol.recipe, Recipe) else None
    made: dict[str, Any] = {
        "id": key,
        "label": label,
        "budget": protocol.budget(),
        "recipe": house,
        "recipe_words": house.words() if house else "that of each architecture's paper",
        "tuning_words": protocol.tuning.words() if protocol.tuning else "",
    }
    same = {name: getattr(protocol, name) for name in ProtocolEntry.__struct_fields__ if name not in made}
    return ProtocolEntry(**made, **same)


def _size(protocol: Protocol, records: Sequence[Record]) -> int:
    """Examples seen in training, by which protocols are put in order: as planned, or else as the records have it."""
    if protocol.steps is not None and protocol.batch_size is not None:
        return sum(protocol.steps.values()) * protocol.batch_size
    return max((r.training.steps * r.training.batch_size for r in records if r.training), default=0)


def collect_environments(records: Sequence[Record]) -> list[EnvironmentEntry]:
    """Distinct environments, the most used first."""
    counts: dict[Environment, int] = {}
    for record in records:
        if record.environment is not None:
            counts[record.environment] = counts.get(record.environment, 0) + 1
    order = sorted(counts, key=lambda e: (-counts[e], msgspec.json.encode(e)))
    return [EnvironmentEntry(number=n, trials=counts[e], environment=e) for n, e in enumerate(order, 1)]


def environment_numbers(records: Iterable[Record], environments: Sequence[EnvironmentEntry]) -> list[int]:
    """Which environments these records ran in."""
    used = {record.environment for record in records if record.environment is not None}
    return [entry.number for entry in environments if entry.environment in used]


def distinct_origins(origins: Iterable[Origin]) -> list[Origin]:
    """Each origin once, in a fixed order."""
    return sorted(set(origins), key=msgspec.json.encode)


def one_file(entry: Entrant | TaskEntry) -> str:
    """The file to pass as `--plugin`, or nothing for an installed plugin."""
    return next((o.distribution for o in entry.origins if not o.entry_point and not o.version), "")


def unique_labels(components: Mapping[str, Component], newer: Mapping[str, str]) -> dict[str, str]:
    """The label of each component, with the provider, revision or hash added only where labels collide.

    Where all but one have been superseded, that one keeps the plain label.
    """
    labels = {key: component.label for key, component in components.items()}
    details: tuple[Callable[[str], str], ...] = (
        lambda key: components[key].provider,
        lambda key: f"revision {components[key].revision}",
        lambda key: f"source {components[key].fingerprint[:7] or 'unknown'}",
        lambda key: f"id {key}",
    )
    for detail in details:
        for label, clash in group_by(sorted(labels), lambda key: labels[key]).items():
            current = [key for key in clash if key not in newer]
            if len({detail(key) for key in clash}) > 1:
                for key in clash:
                    if current != [key]:
                        labels[key] = f"{label} ({detail(key)})"
    return labels


def superseded(components: Mapping[str, Component], starts: Mapping[str, datetime]) -> dict[str, str]:
    """Which component has given way to which: a higher revision wins, then the source that was run last."""
    rivals = group_by(
        sorted(components), lambda k: identity_hash([components[k].provider, components[k].name, components[k].options])
    )
    newer = {}
    for group in rivals.values():
        current = max(group, key=lambda k: (components[k].revision, starts[k], components[k].fingerprint))
        newer.update({key: current for key in group if key != current})
    return newer


def current_recipe(records: Sequence[Record]) -> list[Record]:
    """Of one cell, the records that follow the recipe of the newest one: its paper's may have been corrected since."""
    newest = max((r for r in records if r.trial.recipe is not None), key=_age, default=None)
    return [r for r in records if newest is None or r.trial.recipe == newest.trial.recipe]


def latest_start(records: Sequence[Record]) -> datetime:
    """When the newest of these records was started."""
    return max(_started(record) for record in records)


def _started(record: Record) -> datetime:
    try:
        started = datetime.fromisoformat(record.started)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return started if started.tzinfo else started.replace(tzinfo=UTC)


def _age(record: Record) -> tuple[datetime, str]:
    return _started(record), record.id


def _component(components: Sequence[Component]) -> Component:
    """One of several that differ at most in how they were written: the shortest label."""
    return min(components, key=lambda component: (len(component.label), component.label))
