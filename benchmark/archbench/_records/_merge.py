"""Merging folders of records, such as those of several machines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from archbench._errors import StoreError
from archbench._records._environment import Environment
from archbench._records._grouping import group_by
from archbench._records._merge_networks import Copies, bring_networks
from archbench._records._record import Record
from archbench._records._refused import one_for_each_cell
from archbench._records._scan import choose, contradiction
from archbench._records._store import Store

_SHOWN = 10
_DELETE_ONE = "`benchmark reproduce` says which of two comes out again; then delete the file of the other"
_DELETE_EITHER = (
    "where threads, devices or processor differ, both may come out again, each in its environment; delete either file "
    "(equal --workers on like machines avoid it)"
)


class Merged(NamedTuple):
    """The outcome of a merge.

    Args:
        records: all records of the folder afterwards, by id.
        added: how many of them it did not have before.
        replaced: how many count instead of an earlier one of their trial, which had no result or an older one.
        networks: how many kept networks came along.
        left_out: a line for each file that is no valid record, or a newer version's, and for each network that is none;
            it stays where it is, but what is no valid record is moved to `set-aside/` in the folder that takes them.
    """

    records: dict[str, Record]
    added: int
    replaced: int
    networks: int
    left_out: list[str]


def merge(sources: Sequence[Path], store: Store) -> Merged:
    """Unite the records of several folders, and their networks, in one; the folders they come from are only read.

    Nothing is written unless all of it can be. Merging the same folders again changes nothing.

    Args:
        sources: folders that hold `records/`.
        store: the folder that takes them; its own records take part.

    Raises:
        StoreError: a folder is not there, cannot be used or is in use, or records of one trial contradict each other.
    """
    for source in sources:
        if not (source / "records").is_dir():
            raise StoreError(f"there is no folder {source / 'records'}; give folders that a run wrote")
    with store.locked():
        return _merge(sources, store)


def _merge(sources: Sequence[Path], store: Store) -> Merged:
    before, broken_here = store.scan()
    left_out = [*_left_out(store, ())]
    refused, contradictory = [*store.refused], [*store.contradictory]
    copies = defaultdict(list, {key: [(store.root, record)] for key, record in before.items()})
    for source in (path for path in sources if path.resolve() != store.root.resolve()):
        other = Store(source)
        found, broken = other.scan()
        left_out += _left_out(other, broken)
        refused += other.refused
        contradictory += other.contradictory
        for key, record in found.items():
            copies[key].append((source, record))
    _raise_if_contradictory(copies, contradictory)
    for path, reason in broken_here:  # a record may be written in its place
        store.set_aside(path, reason)
        left_out.append(f"{path}: {reason}; it was moved to set-aside/")
    chosen = {key: choose(record for _, record in copies[key]) for key in sorted(copies) if key not in store.newer}
    changed = [record for key, record in chosen.items() if before.get(key) != record]
    for record in changed:
        store.write(record)
    store.write_refused(one_for_each_cell(refused), {record.trial.cell for record in chosen.values()})
    networks = 0
    for key, record in chosen.items():
        came, lines = bring_networks(record, copies[key], store.networks)
        networks += came
        left_out += lines
    added = sum(record.id not in before for record in changed)
    return Merged(chosen, added, len(changed) - added, networks, left_out)


def _left_out(store: Store, broken: Sequence[tuple[Path, str]]) -> Iterator[str]:
    """Yield a line for each file of a folder, as it was scanned, that is no record or that a newer version wrote."""
    yield from (f"{path}: {reason}" for path, reason in broken)
    yield from (f"{store.path(trial_id)}: it {reason}" for trial_id, reason in store.newer.items())


def _raise_if_contradictory(copies: Mapping[str, Copies], contradictory: Copies) -> None:
    """Compare the copies of each trial.

    Args:
        copies: the folders that have a record of the trial, by its id.
        contradictory: files of one folder that contradict each other.

    Raises:
        StoreError: some contradict each other; it names the trial, the folders and what each of them says.
    """
    everything = defaultdict(list, {key: [*mine] for key, mine in copies.items()})
    for path, record in contradictory:
        everything[record.id].append((path, record))
    lines, advice = [], set()
    for mine in everything.values():
        records = [record for _, record in mine]
        if contradiction(records):
            lines.append(_describe(mine))
            advice.add(_DELETE_EITHER if _follows_from_machines(records) else _DELETE_ONE)
    if lines:
        more = f"\n  and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        listed = "".join(f"\n  {line}" for line in lines[:_SHOWN])
        raise StoreError(
            f"nothing was merged, since results of the same trial contradict each other ({len(lines)} in all); "
            f"{'; '.join(sorted(advice))}:{listed}{more}"
        )


def _follows_from_machines(records: Sequence[Record]) -> bool:
    """Return whether records contradict each other only where the number of threads or devices, or processors differ.

    These decide in which order sums are taken, so that each result comes out again as it was trained.
    """
    return not any(contradiction(group) for group in group_by(records, _find_order_of_sums).values())


def _find_order_of_sums(record: Record) -> tuple[int, int, str] | None:
    found = record.environment
    return None if found is None else (found.threads, found.devices, found.processor)


def _describe(copies: Copies) -> str:
    """Return what the folders that have a record of one trial say, and what differs between their environments."""
    record = copies[0][1]
    environments = [msgspec.structs.asdict(record.environment) for _, record in copies if record.environment]
    differing = [name for name in Environment.__struct_fields__ if len({found[name] for found in environments}) > 1]
    said = "; ".join(f"{folder} has {_describe_one(record, differing)}" for folder, record in copies)
    return f"{record.trial} ({record.id[:8]}): {said}"


def _describe_one(record: Record, differing: Sequence[str]) -> str:
    scores, found = record.scores, record.environment
    score = record.status if scores is None else f"{record.task_facts.metric} {scores.test!r}"
    if found is None:
        return score
    further = [f"{name} {getattr(found, name)}" for name in differing if name != "device"]
    return f"{score} ({', '.join([found.device, *further])})"
