"""The seeds that a board compares, and the state of an entrant on them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from archbench._records import STATUSES, Pairing, Record
from archbench._report._set_aside import SET_ASIDE

MOST_SCORE = 1e60
"""The largest score that counts, such as the perplexity of a net that blew up: fourth powers must be floats, too."""


def comparison_seeds(cells: Mapping[str, Sequence[Record]]) -> list[int]:
    """Return the seeds that all entrants of a board are compared on.

    They are the first N that anyone ran, where N is the number that the protocol plans. Further seeds count only
    where every entrant that finished those N has tried them. So a few extra seeds of one entrant neither help it nor
    unrank the others.

    Args:
        cells: records of each entrant that is not superseded, without those that cannot take the task.
    """
    if not cells:
        return []
    tried = {key: {r.trial.seed for r in group if r.status != "skipped"} for key, group in cells.items()}
    planned = statistics.median_low(group[0].trial.protocol.seeds for group in cells.values())
    everyone = sorted(set().union(*tried.values()))
    first, more = everyone[:planned], everyone[planned:]
    complete = [key for key, group in cells.items() if set(first) <= {r.trial.seed for r in group if finished(r)}]
    return first + [seed for seed in more if complete and all(seed in tried[key] for key in complete)]


def finished(record: Record) -> bool:
    """Return whether a record has a score to use."""
    return record.status == "ok" and record.scores is not None and abs(record.scores.test) <= MOST_SCORE


def steps_to_solve(records: Iterable[Record]) -> list[int | None]:
    """Return after how many steps trials on a task with a target reached it, None for one that did not.

    A trial that diverged did not reach it. One that failed or ran out of time says nothing of that, and is left out.
    The list is empty where the task has no target.
    """
    tried = [record for record in records if finished(record) or record.status == "diverged"]
    if not any(record.training is not None and record.training.target is not None for record in tried):
        return []
    return [record.training.steps_to_target if finished(record) and record.training else None for record in tried]


def status_of(record: Record) -> tuple[str, str]:
    """Return status and message of a record; one that is `ok` without a finite score has failed.

    A trial that tries a recipe is scored on the validation split only.
    """
    if record.trial.tuning:
        return record.status, record.message
    if record.status == "ok" and not finished(record):
        score = math.nan if record.scores is None else record.scores.test
        large = f"the test score of {score:.3g} is too large to compute with"
        return "failed", large if math.isfinite(score) else "the record has no finite test score"
    return record.status, record.message


def same_data(records: Iterable[Record], seeds: Sequence[int]) -> bool:
    """Return whether the records prove that trials with one seed saw the same splits and batches."""
    proofs: dict[int, set[Pairing | None]] = {}
    for record in records:
        if finished(record) and record.trial.seed in seeds:
            proofs.setdefault(record.trial.seed, set()).add(record.pairing)
    return all(len(proof) == 1 and None not in proof for proof in proofs.values())


def describe_gap(counts: Mapping[str, int], planned: int) -> tuple[str, str]:
    """Return the state of a cell and the reason in words, such as `diverged 1 of 3`.

    Args:
        counts: number of its planned seeds by status; `not run` for seeds without a record.
        planned: number of planned seeds.
    """
    lacking = {status: n for status, n in counts.items() if status != "ok" and n}
    if not lacking:
        return "complete", ""
    # The most telling state names the cell; seeds that were never run come last.
    order = [*STATUSES, SET_ASIDE, "not run"]
    worst = max(lacking, key=lambda status: (status != "not run", lacking[status], -order.index(status)))
    return worst, ", ".join(f"{status} {lacking[status]} of {planned}" for status in order if status in lacking)
