"""The tuning of entrants: candidates, costs and choices, read from the tuning trials."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from archbench._records import CellKey, Record, current_recipe, group_by
from archbench._report._context import Context
from archbench._report._schema import CandidateEntry, TuningEntry


def build_tuning(
    records: Sequence[Record], context: Context, protocols: Sequence[str], tasks: Sequence[str]
) -> list[TuningEntry]:
    """Return one entry for each tuned cell, in the order of protocols, tasks and labels.

    Args:
        records: tuning and evaluation records.
        context: the entrants of the page.
        protocols: ids of the protocols, in the order of the page.
        tasks: ids of the tasks, in the order of the page.
    """
    cells = group_by(records, lambda record: record.trial.cell)
    entries = [_entry(key, group) for key, group in cells.items() if any(record.trial.tuning for record in group)]
    return sorted(
        entries, key=lambda e: (protocols.index(e.protocol), tasks.index(e.task), context.label(e.entrant), e.entrant)
    )


def _entry(key: CellKey, cell: Sequence[Record]) -> TuningEntry:
    tried = [record for record in cell if record.trial.tuning]
    evaluated = current_recipe([record for record in cell if not record.trial.tuning])
    chosen = next((record.trial.recipe for record in evaluated if record.trial.recipe is not None), None)
    groups = group_by(tried, lambda record: record.trial.recipe)
    candidates = [_candidate(sorted(group, key=lambda r: r.trial.seed), chosen) for group in groups.values()]
    sign = -1.0 if tried[0].task_facts.higher_is_better else 1.0
    return TuningEntry(
        protocol=key.protocol,
        task=key.task,
        entrant=key.architecture,
        trials=len(tried),
        planned=tried[0].trial.protocol.tuning_cost,
        train_seconds=sum(record.resources.train_seconds or 0.0 for record in tried),
        candidates=sorted(
            candidates,
            key=lambda c: (c.validation is None, sign * (c.validation or 0.0), c.recipe.learning_rate, c.records),
        ),
    )


def _candidate(group: Sequence[Record], chosen: object) -> CandidateEntry:
    scores = [record.validation for record in group if record.validation is not None]
    return CandidateEntry(
        recipe=group[0].trial.settings,
        validation=statistics.mean(scores) if len(scores) == len(group) else None,
        counts=dict(sorted(Counter(record.status for record in group).items())),
        records=[record.id for record in group],
        chosen=group[0].trial.recipe == chosen,
    )
