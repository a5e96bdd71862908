"""Differences between a record and that of a repetition: every number that training leaves, and no measured cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from archbench._records._record import Record

NOT_COMPARED = frozenset(
    {
        *("schema", "id", "trial", "status", "message", "detail", "started", "environment"),
        *("architecture_origin", "task_origin", "architecture_facts", "task_facts", "manifests"),
    }
)
"""Fields of a record that say what was trained, by whom, where and when. All others are results, also future ones."""

MEASURED = ("second", "memory")
"""Parts of the names of costs, which differ in every repetition: seconds, samples per second, memory."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One value that did not come out again.

    Args:
        field: its name, such as `curves.validation[3]`.
        recorded, again: the two values; None where there is none.
        absolute, relative: the distance, and its share of the larger of the two; None unless both are numbers.
    """

    field: str
    recorded: Any
    again: Any
    absolute: float | None = None
    relative: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The results of a record beside those of a repetition.

    Args:
        fields: names of the fields that were compared, without positions in arrays.
        differences: the values that differ, in the order of the record.
    """

    fields: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def largest(self) -> Difference | None:
        """The largest difference, relative to the values; one without a distance, such as a lost value, comes first."""
        return max(self.differences, key=lambda d: math.inf if d.relative is None else d.relative, default=None)


def compare_records(recorded: Record, again: Record) -> Comparison:
    """Compare all results of a record with those of a repetition, bit for bit.

    What the record does not have is not compared: it may be older than the field.
    """
    before, after = dict(_results(recorded)), dict(_results(again))
    known = {name: value for name, value in before.items() if value is not None}
    fields = dict.fromkeys(map(_field, known))
    further = [name for name in after if name not in before and _field(name) in fields]
    differing = [name for name in [*known, *further] if not _equal(before.get(name), after.get(name))]
    return Comparison(
        fields=tuple(fields),
        differences=tuple(_difference(name, before.get(name), after.get(name)) for name in differing),
    )


def _results(record: Record) -> Iterator[tuple[str, Any]]:
    fields: dict[str, Any] = msgspec.to_builtins(record)
    for name, value in fields.items():
        if name not in NOT_COMPARED:
            yield from _leaves(name, value)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every number and text below a value with its name, measured costs left out."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not any(word in key for word in MEASURED):
                yield from _leaves(f"{name}.{key}", item)
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _leaves(f"{name}[{position}]", item)
    else:
        yield name, value


def _field(name: str) -> str:
    return name.partition("[")[0]


def _equal(one: Any, other: Any) -> bool:
    return msgspec.json.encode(one) == msgspec.json.encode(other)  # tells -0.0 from 0.0 as well


def _difference(name: str, recorded: Any, again: Any) -> Difference:
    if not (_is_number(recorded) and _is_number(again)):
        return Difference(field=name, recorded=recorded, again=again)
    absolute = abs(again - recorded)
    relative = absolute / max(abs(recorded), abs(again)) if absolute else 0.0
    return Difference(field=name, recorded=recorded, again=again, absolute=absolute, relative=relative)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
