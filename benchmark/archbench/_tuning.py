"""Tuning: the trials that choose a recipe for each cell, before its evaluation. A function of the records.

A run asks again and again what can be trained now. The answer depends on nothing but the plan and the records, so a
run that was stopped at any moment goes on where it was, and a finished one has nothing left to do.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from archbench._plan import PlannedTrial, unfinished, with_trial
from archbench._recipes import Recipe
from archbench._records import Record, Status
from archbench._trial import TUNING_SEED

Records = Mapping[str, Record]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recipe on trial.

    Args:
        recipe: the house recipe with other settings.
        trials: one per tuning seed.
    """

    recipe: Recipe
    trials: list[PlannedTrial]

    def waits(self, records: Records) -> bool:
        """Whether a trial has no result yet."""
        return any(trial.trial.id not in records for trial in self.trials)

    def validation(self, records: Records) -> float | None:
        """The mean over the tuning seeds of the best validation score; None unless all of them finished."""
        found = [records[trial.trial.id] for trial in self.trials if trial.trial.id in records]
        scores = [record.validation for record in found if record.validation is not None]
        return statistics.mean(scores) if len(scores) == len(self.trials) else None


def next_round(
    plan: Sequence[PlannedTrial], records: Records, *, retry: bool, tried: Collection[str]
) -> list[PlannedTrial]:
    """What can be trained now; and, with a refusal, what never will be because no candidate could be trained.

    Args:
        plan: the trials of the evaluation, in order.
        records: what there is, by id.
        retry: also what has a record that is not ok; of the candidates, those that did not diverge either.
        tried: ids that this run has trained already; it does not do so twice.
    """
    cells = [candidates(cell, records) for cell in tuned_cells(plan)]
    tuning = [trial for cell in cells for trial in _open(cell, records, retry=retry) if trial.trial.id not in tried]
    waiting = {_key(planned) for planned in tuning}
    ready = settle([p for p in plan if p.refusal is None and _key(p) not in waiting], records)
    hopeless = [planned for planned in ready if planned.refusal is not None]
    evaluation = [*unfinished(ready, records, retry=retry), *hopeless]
    return tuning + [planned for planned in evaluation if planned.trial.id not in tried]


def tuned_cells(plan: Sequence[PlannedTrial]) -> list[PlannedTrial]:
    """One trial of each cell that is tuned."""
    cells = {_key(planned): planned for planned in plan if planned.refusal is None}
    return [planned for planned in cells.values() if planned.trial.protocol.tuning is not None]


def candidates(cell: PlannedTrial, records: Records) -> list[Candidate]:
    """The candidates of a cell, as far as they are known: a search decides on the next when it knows the last."""
    tuning, house = cell.trial.protocol.tuning, cell.trial.protocol.recipe
    if tuning is None or not isinstance(house, Recipe):
        return []
    if tuning.rates:
        return [_candidate(cell, msgspec.structs.replace(house, learning_rate=rate)) for rate in tuning.rates]
    from archbench._search import search  # Optuna, an extra

    def value_of(recipe: Recipe) -> float | None:
        candidate = _candidate(cell, recipe)
        if candidate.waits(records):
            return None
        value = candidate.validation(records)
        return cell.facts.chance if value is None else value  # one that diverged is worth no more than a guess

    tried = search(house, trials=tuning.trials, higher_is_better=cell.facts.higher_is_better, value_of=value_of)
    return [_candidate(cell, recipe) for recipe in tried]


def settle(plan: Sequence[PlannedTrial], records: Records) -> list[PlannedTrial]:
    """The trials of the evaluation, with the recipe that tuning chose wherever all candidates have a result."""
    outcomes = {_key(cell): _outcome(cell, records) for cell in tuned_cells(plan)}
    settled = []
    for planned in plan:
        outcome = outcomes.get(_key(planned))
        if isinstance(outcome, Recipe):
            planned = with_trial(planned, recipe=outcome)
        elif outcome is not None:
            planned = replace(planned, refusal=outcome)
        settled.append(planned)
    return settled


def _outcome(cell: PlannedTrial, records: Records) -> Recipe | tuple[Status, str] | None:
    """What tuning chose for a cell, or why it could not; None as long as a trial is missing."""
    found = candidates(cell, records)
    known = sum(len(candidate.trials) for candidate in found) == cell.trial.protocol.tuning_cost
    if not known or any(candidate.waits(records) for candidate in found):
        return None
    chosen = choose(found, records, higher_is_better=cell.facts.higher_is_better)
    return _explain(found, records) if chosen is None else chosen


def choose(found: Sequence[Candidate], records: Records, *, higher_is_better: bool) -> Recipe | None:
    """The recipe that is best on validation, the first of equals; None if no candidate finished on all its seeds."""
    sign = 1 if higher_is_better else -1
    scored = [(candidate.validation(records), candidate.recipe) for candidate in found]
    able = [(sign * value, recipe) for value, recipe in scored if value is not None]
    return max(able, key=lambda pair: pair[0])[1] if able else None


def tuning_left(cell: PlannedTrial, records: Records, *, retry: bool) -> int:
    """How many tuning trials of a cell are still to be trained."""
    tuning = cell.trial.protocol.tuning
    if tuning is None:
        return 0
    found = candidates(cell, records)
    unknown = tuning.cost - sum(len(candidate.trials) for candidate in found)
    return unknown + len(_open(found, records, retry=retry))


def tuning_records(plan: Sequence[PlannedTrial], records: Records) -> list[Record]:
    """The results of all tuning trials of a plan."""
    trials = [
        trial for cell in tuned_cells(plan) for candidate in candidates(cell, records) for trial in candidate.trials
    ]
    return [records[trial.trial.id] for trial in trials if trial.trial.id in records]


def _candidate(cell: PlannedTrial, recipe: Recipe) -> Candidate:
    tuning = cell.trial.protocol.tuning
    assert tuning is not None
    seeds = range(TUNING_SEED, TUNING_SEED + tuning.seeds)
    return Candidate(recipe, [with_trial(cell, seed=seed, recipe=recipe, tuning=True) for seed in seeds])


def _open(found: Sequence[Candidate], records: Records, *, retry: bool) -> list[PlannedTrial]:
    def is_open(planned: PlannedTrial) -> bool:
        record = records.get(planned.trial.id)
        # To diverge is a result, and the same again: a rate that is too high is what tuning is there to find out.
        return record is None or (retry and record.status not in ("ok", "diverged"))

    return [trial for candidate in found for trial in candidate.trials if is_open(trial)]


def _explain(found: Sequence[Candidate], records: Records) -> tuple[Status, str]:
    results = [records[trial.trial.id] for candidate in found for trial in candidate.trials]
    worst = Counter(record.status for record in results if record.status != "ok").most_common(1)[0][0]
    first = next(record for record in results if record.status == worst)
    return worst, f"no candidate of tuning finished; the first {worst} with: {first.message}"


def _key(planned: PlannedTrial) -> str:
    """The cell of a trial."""
    trial = planned.trial
    return msgspec.json.encode([trial.architecture.identity(), trial.task.identity()], order="deterministic").decode()
