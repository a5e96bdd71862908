"""The entrants and tasks of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from archbench._records import Component, Record, group_by, latest_start, newest, superseded
from archbench._report._identities import unique_labels
from archbench._report._provenance import distinct_origins, environment_numbers
from archbench._report._scales import usable_factor
from archbench._report._schema import Entrant, EnvironmentEntry, TaskEntry


class _Participant(NamedTuple):
    """An architecture or a task of the page, with its records and its unique label."""

    key: str
    component: Component
    records: list[Record]
    label: str
    superseded_by: str


def collect_entrants(records: Sequence[Record], environments: Sequence[EnvironmentEntry]) -> list[Entrant]:
    """Return all entrants in the order of their labels; the newest record of each describes it."""
    found = _participants(records, lambda record: record.trial.architecture)
    # Colours are given in this order, so that current entrants are the last to share one.
    found.sort(key=lambda participant: (participant.superseded_by != "", participant.label, participant.key))
    entries = [_entrant(participant, colour, environments) for colour, participant in enumerate(found)]
    return sorted(entries, key=lambda entrant: (entrant.label, entrant.id))


def collect_tasks(records: Sequence[Record]) -> list[TaskEntry]:
    """Return all tasks in the order of kind and label; the newest record of each describes it."""
    entries = [_task(participant) for participant in _participants(records, lambda record: record.trial.task)]
    return sorted(entries, key=lambda task: (task.superseded_by != "", task.kind, task.label, task.id))


def _participants(records: Sequence[Record], component_of: Callable[[Record], Component]) -> list[_Participant]:
    groups = group_by(records, lambda record: component_of(record).key)
    components = {key: _shortest_label([component_of(record) for record in group]) for key, group in groups.items()}
    newer = superseded(components, {key: latest_start(group) for key, group in groups.items()})
    labels = unique_labels(components, newer)
    return [
        _Participant(key, components[key], group, labels[key], labels[newer[key]] if key in newer else "")
        for key, group in groups.items()
    ]


def _shortest_label(components: Sequence[Component]) -> Component:
    """Return the component with the shortest label; they differ at most in how their selectors were written."""
    return min(components, key=lambda component: (len(component.label), component.label))


def _entrant(participant: _Participant, colour: int, environments: Sequence[EnvironmentEntry]) -> Entrant:
    component, facts = participant.component, newest(participant.records).architecture_facts
    return Entrant(
        id=participant.key,
        label=participant.label,
        selector=component.label,
        provider=component.provider,
        name=component.name,
        revision=component.revision,
        options=component.options,
        fingerprint=component.fingerprint,
        summary=facts.summary,
        source=facts.source,
        control=facts.control,
        expected_failures=facts.expected_failures,
        colour=colour,
        superseded_by=participant.superseded_by,
        origins=distinct_origins(record.architecture_origin for record in participant.records),
        environments=environment_numbers(participant.records, environments),
    )


def _task(participant: _Participant) -> TaskEntry:
    component, facts = participant.component, newest(participant.records).task_facts
    return TaskEntry(
        id=participant.key,
        label=participant.label,
        selector=component.label,
        provider=component.provider,
        revision=component.revision,
        effort=component.effort,
        target=component.target,
        kind=facts.kind,
        metric=facts.metric,
        higher_is_better=facts.higher_is_better,
        chance=facts.chance,
        oracle=facts.oracle,
        margin=facts.margin,
        factor=usable_factor(facts),
        summary=facts.summary,
        metrics=facts.metrics,
        baseline=facts.baseline,
        target_scale=facts.target_scale,
        superseded_by=participant.superseded_by,
        **_example_facts(participant.records),
        origins=distinct_origins(record.task_origin for record in participant.records),
    )


def _example_facts(records: Sequence[Record]) -> dict[str, Any]:
    """Return the fields of a task that only some records have, each from the newest record that has it."""
    left = sorted(records, key=lambda record: (record.started, record.id), reverse=True)
    facts = [record.task_facts for record in left]
    return {
        "test_examples": next((fact.test_examples for fact in facts if fact.test_examples is not None), None),
        "classes": next((fact.classes for fact in facts if fact.classes), []),
        "example": next((fact.example for fact in facts if fact.example is not None), None),
        "source": next((fact.source for fact in facts if fact.source), ""),
    }
