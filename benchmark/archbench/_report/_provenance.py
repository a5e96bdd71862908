"""Where results came from: environments, and the origins of the code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from archbench._records import Origin, Record
from archbench._report._schema import Entrant, EnvironmentEntry, TaskEntry


def collect_environments(records: Sequence[Record]) -> list[EnvironmentEntry]:
    """Return the distinct environments, the most used first."""
    counts = Counter(record.environment for record in records if record.environment is not None)
    order = sorted(counts, key=lambda e: (-counts[e], msgspec.json.encode(e)))
    return [EnvironmentEntry(number=n, trials=counts[e], environment=e) for n, e in enumerate(order, 1)]


def environment_numbers(records: Iterable[Record], environments: Sequence[EnvironmentEntry]) -> list[int]:
    """Return the numbers of the environments that these records ran in."""
    used = {record.environment for record in records if record.environment is not None}
    return [entry.number for entry in environments if entry.environment in used]


def distinct_origins(origins: Iterable[Origin]) -> list[Origin]:
    """Return each origin once, in a fixed order."""
    return sorted(set(origins), key=msgspec.json.encode)


def plugin_file(entry: Entrant | TaskEntry) -> str:
    """Return the file to pass as `--plugin`; empty for an installed plugin."""
    return next((o.distribution for o in entry.origins if not o.entry_point and not o.version), "")
