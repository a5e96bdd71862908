"""Records that a newer version wrote block their trials: these count as failed, and are not trained, also with --retry.

One of a trial of tuning blocks the evaluation of its cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archbench._planning import CellState, PlannedTrial, Refusal
from archbench._records import Record, Store


def describe_newer(store: Store) -> list[str]:
    """Return a line for each record of a folder, as it was read, that a newer version wrote."""
    return [f"{name}.json {reason}" for name, reason in store.newer.items()]


def block_newer(states: Iterable[CellState], newer: Mapping[str, str]) -> dict[str, Record]:
    """Return failures, by id, for trials of the evaluation that are blocked and have no record; none is written.

    Args:
        states: of the cells, in which the trials of these records are blocked.
        newer: why the records of some trials cannot be read, by their ids.
    """
    return {
        planned.id: planned.refused(Refusal("failed", _explain(planned, state, newer)))
        for state in states
        for planned in state.blocked_evaluation()
        if planned.id not in state.records
    }


def _explain(planned: PlannedTrial, state: CellState, newer: Mapping[str, str]) -> str:
    if planned.id in newer:
        return f"its record {newer[planned.id]}"
    tuning = [trial.id for candidate in state.candidates for trial in candidate.trials]
    return f"the record of a trial of its tuning {next(newer[key] for key in tuning if key in newer)}"


def describe_retry(not_ok: int, blocked: int) -> str:
    """Return what --retry does.

    Args:
        not_ok: trials that did not end ok.
        blocked: how many of them are blocked by records that a newer version wrote.
    """
    if not blocked:
        return "--retry repeats them"
    repeated = f"{not_ok - blocked} of them" if not_ok > blocked else "none of them"
    return f"--retry repeats {repeated}: records of a newer archbench block {blocked}"
