"""Tuning: the trials that choose a recipe for each cell, before its evaluation. A function of the records.

A run asks again and again what can be trained now. The answer depends on nothing but the plan and the records, so a
run that was stopped at any moment goes on where it was, and a finished one has nothing left to do.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from archbench._planning._cell import Candidate, Cell, PlannedTrial, Refusal
from archbench._protocols import Recipe
from archbench._records import Record

Records = Mapping[str, Record]


@dataclass(frozen=True, slots=True, eq=False)
class CellState:
    """A cell beside the records there are: what tuning tried and chose, and what is left to train.

    Args:
        cell: the cell.
        candidates: what tuning tries, as far as it is known: a search decides on the next when it knows the last.
        trials: the evaluation, with the recipe that tuning chose once it has.
        refusal: why the evaluation will not be trained: that of the cell, or that no candidate finished.
        tuned: every candidate has its results; true where nothing is tuned.
        records: the records of these trials, by id.
        blocked: ids of trials that need no training whatever their records say.
    """

    cell: Cell
    candidates: tuple[Candidate, ...]
    trials: tuple[PlannedTrial, ...]
    refusal: Refusal | None
    tuned: bool
    records: Records
    blocked: Collection[str] = ()

    def open_tuning(self, *, retry: bool) -> list[PlannedTrial]:
        """Return the known tuning trials that still need training.

        Args:
            retry: also those that have a record and ended neither ok nor diverged.
        """
        return [trial for candidate in self.candidates for trial in candidate.trials if self._tries(trial, retry)]

    def open_evaluation(self, *, retry: bool) -> list[PlannedTrial]:
        """Return the trials of the evaluation that still need training, whether or not tuning is over.

        Args:
            retry: also those that have a record which is not ok.
        """
        if self.refusal or self._undecided:
            return []
        return [trial for trial in self.trials if self._evaluates(trial, retry)]

    def blocked_evaluation(self) -> list[PlannedTrial]:
        """Return the trials of the evaluation that are not to be trained: all, where a blocked trial of tuning lacks.

        Without it nothing says which recipe is the best.
        """
        return [trial for trial in self.trials if self._undecided or trial.id in self.blocked]

    def count_left(self, *, retry: bool) -> int:
        """Return how many trials still need training, candidates that are not yet known included."""
        known = sum(len(candidate.trials) for candidate in self.candidates)
        unknown = 0 if self._undecided else self.cell.tuning_cost - known
        return unknown + len(self.open_tuning(retry=retry)) + len(self.open_evaluation(retry=retry))

    def tuning_records(self) -> list[Record]:
        """Return the results of the tuning trials so far."""
        known = [trial.id for candidate in self.candidates for trial in candidate.trials]
        return [self.records[key] for key in known if key in self.records]

    @property
    def _undecided(self) -> bool:
        tuning = [trial.id for candidate in self.candidates for trial in candidate.trials]
        return any(key in self.blocked and key not in self.records for key in tuning)

    def _tries(self, planned: PlannedTrial, retry: bool) -> bool:
        if planned.id in self.blocked:
            return False
        record = self.records.get(planned.id)
        # To diverge is a result, and would be so again: that a rate is too high is what tuning is there to find out.
        return record is None or (retry and record.status not in ("ok", "diverged"))

    def _evaluates(self, planned: PlannedTrial, retry: bool) -> bool:
        if planned.id in self.blocked:
            return False
        record = self.records.get(planned.id)
        if record is None or (retry and record.status != "ok"):
            return True
        return record.trial.recipe != planned.trial.recipe  # tuning has chosen another one since


def assess(cell: Cell, records: Records, blocked: Collection[str] = ()) -> CellState:
    """Return the state of a cell, given the records there are, and ids of trials that are not to be trained."""
    candidates = _candidates(cell, records)
    # As long as a search does not know all candidates, it waits for the last of those that it knows.
    tuned = all(trial.id in records for candidate in candidates for trial in candidate.trials)
    chosen, refusal = None, cell.refusal
    if candidates and tuned:
        chosen = choose(candidates, records, higher_is_better=cell.facts.higher_is_better)
        refusal = _explain(candidates, records) if chosen is None else None
    trials = cell.trials(chosen)
    mine = [trial.id for group in (trials, *(c.trials for c in candidates)) for trial in group]
    known = {key: records[key] for key in mine if key in records}
    return CellState(cell, candidates, trials, refusal, tuned, known, blocked)


def choose(candidates: Sequence[Candidate], records: Records, *, higher_is_better: bool) -> Recipe | None:
    """Return the recipe that is best on validation, the first of equals; None if none finished on all its seeds."""
    scored = [(_validation(candidate, records), candidate.recipe) for candidate in candidates]
    able = [(value, recipe) for value, recipe in scored if value is not None]
    best = max if higher_is_better else min
    return best(able, key=lambda pair: pair[0])[1] if able else None


def _candidates(cell: Cell, records: Records) -> tuple[Candidate, ...]:
    tuning, house = cell.protocol.tuning, cell.protocol.recipe
    if tuning is None or cell.refusal is not None or not isinstance(house, Recipe):
        return ()
    if tuning.rates:
        return tuple(cell.candidate(msgspec.structs.replace(house, learning_rate=rate)) for rate in tuning.rates)
    return _searched(cell, house, tuning.trials, records)


def _searched(cell: Cell, house: Recipe, trials: int, records: Records) -> tuple[Candidate, ...]:
    from archbench._planning._search import search  # Optuna, an extra

    candidates: list[Candidate] = []

    def value_of(recipe: Recipe) -> float | None:
        candidates.append(cell.candidate(recipe))
        if any(trial.id not in records for trial in candidates[-1].trials):
            return None
        value = _validation(candidates[-1], records)
        return cell.facts.chance if value is None else value  # one that diverged is worth no more than a guess

    search(house, trials=trials, higher_is_better=cell.facts.higher_is_better, value_of=value_of)
    return tuple(candidates)


def _validation(candidate: Candidate, records: Records) -> float | None:
    """Return the mean over the tuning seeds of the best validation score; None unless all of them finished."""
    found = [records[trial.id] for trial in candidate.trials if trial.id in records]
    scores = [record.validation for record in found if record.validation is not None]
    return statistics.mean(scores) if len(scores) == len(candidate.trials) else None


def _explain(candidates: Sequence[Candidate], records: Records) -> Refusal:
    results = [records[trial.id] for candidate in candidates for trial in candidate.trials]
    endings = Counter(record.status for record in results if record.status != "ok")
    worst = max(endings, key=lambda status: endings[status])
    first = next(record for record in results if record.status == worst)
    return Refusal(worst, f"no candidate of tuning finished; the first {worst} with: {first.message}")
