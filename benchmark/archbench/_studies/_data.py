"""The records of a study as its analysis sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from archbench._protocols import Probe
from archbench._records import Reading, Record


class StudyData:
    """Records of a study, and the ways to choose among them and to read a number for each seed.

    Args:
        records: of the evaluation, one for each entrant, task, protocol and seed; records that are not ok among them.
    """

    def __init__(self, records: Iterable[Record], used: dict[str, Record] | None = None) -> None:
        self._records = tuple(sorted(records, key=lambda record: (record.trial.seed, record.id)))
        self._used: dict[str, Record] = {} if used is None else used

    def __len__(self) -> int:
        return len(self._records)

    @property
    def records(self) -> tuple[Record, ...]:
        """The records, in the order of seeds."""
        self._used.update((record.id, record) for record in self._records)
        return self._records

    @property
    def used(self) -> list[Record]:
        """The records that somebody has looked at, here or in a part of these data, in the order of seeds."""
        return sorted(self._used.values(), key=lambda record: (record.trial.seed, record.id))

    def where(self, architecture: str = "", *, task: str = "", protocol: str = "", **options: Any) -> StudyData:
        """Return the records that fit.

        Args:
            architecture: declared name, not that of a variant; empty for any.
            task: declared name; empty for any. Options of the task are given as `task_NAME`.
            protocol: its name; empty for any.
            options: of the architecture, with the values that they must have.
        """
        mine = {name: value for name, value in options.items() if not name.startswith("task_")}
        of_task = {name.removeprefix("task_"): value for name, value in options.items() if name.startswith("task_")}
        chosen = (
            record
            for record in self._records
            if architecture in ("", record.trial.architecture.name)
            and task in ("", record.trial.task.name)
            and protocol in ("", record.trial.protocol.name)
            and _has(record.trial.architecture.options, mine)
            and _has(record.trial.task.options, of_task)
        )
        return StudyData(chosen, self._used)

    def by(self, option: str) -> dict[Any, StudyData]:
        """Return the records by the value of an option of the architecture, in rising order.

        Args:
            option: its name; `task_NAME` for an option of the task.
        """
        groups: dict[Any, list[Record]] = {}
        for record in self._records:
            trial = record.trial
            options = trial.task.options if option.startswith("task_") else trial.architecture.options
            if (name := option.removeprefix("task_")) in options:
                groups.setdefault(options[name], []).append(record)
        return {value: StudyData(groups[value], self._used) for value in sorted(groups)}

    def per_seed(
        self, measure: Callable[[Record], float | None], *, diverged: Callable[[Record], float | None] | None = None
    ) -> dict[int, float]:
        """Return a number for each seed.

        Args:
            measure: of one record that ended ok; None where it has no such number.
            diverged: of one that diverged, such as `lambda record: record.task_facts.chance`; None if such a seed has
                no number. A claim that lacks a seed for that reason is not decided.
        """
        measures = {"ok": measure, "diverged": diverged}
        chosen = [(record, measures.get(record.status)) for record in self.records]
        values = ((record.trial.seed, take(record)) for record, take in chosen if take is not None)
        return {seed: value for seed, value in values if value is not None}

    @property
    def scores(self) -> dict[int, float]:
        """The test score of each seed, in the metric of the task."""
        return self.per_seed(lambda record: record.scores.test if record.scores else None)

    @property
    def train_losses(self) -> dict[int, float]:
        """The plain training loss of each seed: of the main output in evaluation mode, in the unit of the loss."""
        return self.per_seed(lambda record: record.scores.plain_train_loss if record.scores else None)

    def readings(self, probe: Probe, *, first: bool = False) -> dict[int, Reading]:
        """Return the last reading of a probe for each seed.

        Args:
            probe: which one.
            first: the earliest reading instead, which is that before the first step if the probe was asked for it.
        """
        found: dict[int, Reading] = {}
        for record in self.records:
            mine = sorted((r for r in record.readings if r.probe == probe and not r.note), key=lambda r: r.step)
            if record.status == "ok" and mine:
                found[record.trial.seed] = mine[0 if first else -1]
        return found


def _has(options: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in options and options[name] == value for name, value in wanted.items())
