"""Groups of records, and which record of a group is the newest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from archbench._records._record import Record

_Item = TypeVar("_Item")
_Key = TypeVar("_Key", bound=Hashable)


def group_by(items: Iterable[_Item], key: Callable[[_Item], _Key]) -> dict[_Key, list[_Item]]:
    """Return lists of items by key, both in the order of appearance."""
    groups: defaultdict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)


def newest(records: Sequence[Record]) -> Record:
    """Return the record that was started last."""
    return max(records, key=_age)


def latest_start(records: Sequence[Record]) -> datetime:
    """Return when the newest of these records was started."""
    return max(_started(record) for record in records)


def current_recipe(records: Sequence[Record]) -> list[Record]:
    """Return the records of one cell that follow the recipe of the newest: its own recipe may have been corrected."""
    with_recipe = [record for record in records if record.trial.recipe is not None]
    if not with_recipe:
        return list(records)
    recipe = newest(with_recipe).trial.recipe
    return [record for record in records if record.trial.recipe == recipe]


def _started(record: Record) -> datetime:
    try:
        started = datetime.fromisoformat(record.started)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return started if started.tzinfo else started.replace(tzinfo=UTC)


def _age(record: Record) -> tuple[datetime, str]:
    return _started(record), record.id
