"""Records that do not count on the page, since they do not fit the others of their cell or of their board."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from archbench._records import Record, current_recipe, group_by, strangers

SET_ASIDE = "set aside"
"""The state of a record that does not count, in place of its status."""


def set_apart(records: Sequence[Record]) -> list[Record]:
    """Return these records of an evaluation; those that do not count have the status `SET_ASIDE` and the reason.

    A trial does not count if it ran under other conditions than the other seeds of its cell, or on other data than most
    entrants saw at its seed. So no mean mixes devices or versions, and an entrant that lacks a seed then is not ranked.
    """
    reasons: dict[str, str] = {}
    for cell in group_by(records, lambda record: record.trial.cell).values():
        reasons |= strangers(current_recipe(cell))
    counted = [record for record in records if record.status == "ok" and record.id not in reasons]
    boards = group_by(counted, lambda r: (r.trial.task.key, r.trial.protocol.key, r.trial.seed))
    for board in boards.values():
        reasons |= _with_other_data(board)
    return [_mark(record, reasons[record.id]) if record.id in reasons else record for record in records]


def _with_other_data(board: Sequence[Record]) -> dict[str, str]:
    """Return the trials on one task with one seed that saw other data than more than half of them, with the reason."""
    splits = _minority([(record, record.pairing.splits) for record in board if record.pairing])
    reasons = {record.id: "its splits are not those of the other entrants at this seed" for record in splits}
    rest = [record for record in board if record.pairing and record.id not in reasons]
    for group in group_by(rest, lambda record: record.trial.batch_size).values():
        batches = _minority([(record, record.pairing.batches) for record in group if record.pairing])
        reasons |= {record.id: "its batches are not those of the other entrants at this seed" for record in batches}
    return reasons


def _minority(hashed: Sequence[tuple[Record, str]]) -> list[Record]:
    """Return the records whose hash is not that of more than half; none where no hash has so many."""
    counts = Counter(value for _, value in hashed).most_common(1)
    if not counts or 2 * counts[0][1] <= len(hashed):
        return []
    return [record for record, value in hashed if value != counts[0][0]]


def _mark(record: Record, reason: str) -> Record:
    return msgspec.structs.replace(record, status=SET_ASIDE, message=reason)
