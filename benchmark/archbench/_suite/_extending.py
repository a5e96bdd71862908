"""Extending: what is asked for, what is there to go on from, and a line for what is not."""

from __future__ import annotations

from collections.abc import Mapping

from archbench._planning import Plan, check_extension, without_budget
from archbench._records import Record, Store, find_states


def check_plan(plan: Plan) -> None:
    """Check that all trials of a plan can be extended.

    Raises:
        SelectionError: some cannot; the text says why.
    """
    for protocol in {cell.protocol.key: cell.protocol for cell in plan.cells}.values():
        check_extension(protocol)


def describe_lacking(plan: Plan, store: Store, records: Mapping[str, Record]) -> str:
    """Return a line for trials that were trained with a smaller budget and kept no state; empty if there are none.

    Args:
        plan: what is to be trained.
        store: holds the states that were kept.
        records: those of the folder, by id.
    """
    trained = {without_budget(record.trial) for record in records.values() if record.status == "ok"}
    families = [without_budget(trial.trial) for trial in plan.trials if trial.id not in records]
    lacking = sum(family in trained and not find_states(store.states, family) for family in families)
    if not lacking:
        return ""
    return (
        f"{lacking} trials begin anew: those with another budget kept no state at their end, which only a run with "
        "--extend keeps"
    )
