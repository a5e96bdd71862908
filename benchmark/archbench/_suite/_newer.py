"""Records that a newer version wrote: their trials count as failed, and are never trained, also with --retry."""

from __future__ import annotations

from archbench._planning import Plan, Refusal
from archbench._records import Record, Store


def describe_newer(store: Store) -> list[str]:
    """Return a line for each record of a folder, as it was read, that a newer version wrote."""
    return [f"{name}.json {reason}" for name, reason in store.newer.items()]


def block_newer(plan: Plan, store: Store) -> dict[str, Record]:
    """Return a failure for each trial of a plan whose record a newer version wrote, by id; its file stays as it is."""
    blocked = [planned for planned in plan.trials if planned.id in store.newer] if store.newer else []
    return {
        planned.id: planned.refused(Refusal("failed", f"its record {store.newer[planned.id]}")) for planned in blocked
    }


def describe_retry(not_ok: int, newer: int) -> str:
    """Return what --retry does.

    Args:
        not_ok: trials that did not end ok.
        newer: how many of them have a record that a newer version wrote.
    """
    if not newer:
        return "--retry repeats them"
    repeated = f"{not_ok - newer} of them" if not_ok > newer else "none of them"
    return f"--retry repeats {repeated}: a newer archbench wrote the record{'s' if newer > 1 else ''} of {newer}"
