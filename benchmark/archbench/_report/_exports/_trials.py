"""`trials.csv`: tidy, one row for each trial and measure, in full precision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from archbench._records import RECORD_COLUMNS, Column, Record, TaskFacts, Value
from archbench._report._csv import csv_text, guarded
from archbench._report._schema import Leaderboard
from archbench._report._seeds import status_of

_OF_CELL: Mapping[str, Column] = {
    name: RECORD_COLUMNS[name]
    for name in (
        "use", "protocol", "kind", "task", "task_provider", "task_revision", "architecture", "provider", "revision",
        "fingerprint", "options",
    )
}  # fmt: skip
"""What the trials of an entrant on a task share."""
_COSTS: Mapping[str, Column] = {
    name: RECORD_COLUMNS[name]
    for name in (
        "train_examples", "test_examples", "batch_size", "steps", "steps_to_target", "parameters", "flops",
        "train_seconds", "total_seconds", "peak_memory_bytes",
    )
}  # fmt: skip
"""What a trial used, in numbers."""
_PLACE: Mapping[str, Column] = {name: RECORD_COLUMNS[name] for name in ("device", "archbench", "torch", "started")}
_MEASURED: Mapping[str, tuple[type, str]] = {
    "status": (str, "`ok`, `diverged`, `oom`, `timeout`, `crashed`, `failed`, or `set aside` if it does not count"),
    "measure": (
        str,
        "`test`, `test_last`, `validation`, `train_loss`, or `further`: the test score in a further metric",
    ),
    "metric": (str, "name of the metric, which is the unit of the value; `loss` for `train_loss`"),
    "direction": (str, "`higher` or `lower`: which values are better"),
    "value": (float, "what was measured; empty if the trial did not get so far"),
    "chance": (float, "value of guessing, 0 on the normalised scale; empty for `train_loss`"),
    "oracle": (float, "value of a perfect predictor, 1 on the normalised scale; empty for `train_loss`"),
}
TRIAL_COLUMNS: Mapping[str, tuple[type, str]] = {
    "record": (str, RECORD_COLUMNS["id"].words),
    **{name: (column.kind, column.words) for name, column in _OF_CELL.items()},
    "seed": (int, RECORD_COLUMNS["seed"].words),
    **_MEASURED,
    **{name: (column.kind, column.words) for name, column in (*_COSTS.items(), *_PLACE.items())},
}
"""Every column in order: the type of its values, and what it holds. What is unknown is None."""


def make_trial_rows(board: Leaderboard, records: Iterable[Record]) -> Iterator[tuple[Value, ...]]:
    """Yield the rows, with all columns in the order of `TRIAL_COLUMNS`.

    A trial has a row for each measure that it has a value of, and one without a value if it has none. The order is that
    of protocols, tasks, architectures, seeds and ids, and within a trial that of the measures.

    Args:
        board: the leaderboard of these records; it says which of them do not count.
        records: in any order; those of combinations that cannot exist are left out.
    """
    for record, status in _ordered(board, records):
        cell, costs, place = (_read(columns, record) for columns in (_OF_CELL, _COSTS, _PLACE))
        for measure in _measures(record):
            yield record.id, *cell, record.trial.seed, status, *measure, *costs, *place


def _read(columns: Mapping[str, Column], record: Record) -> list[Value]:
    return [column.read(record) for column in columns.values()]


def trial_lines(board: Leaderboard, records: Iterable[Record]) -> Iterator[str]:
    """Yield the lines of the table as CSV, the head first; text that a spreadsheet takes for a formula is guarded.

    What lines share becomes text once: a table of 100,000 trials has 400,000 lines.

    Args:
        board, records: as for `make_trial_rows`.
    """
    yield f"{csv_text(TRIAL_COLUMNS)}\n"
    cells: dict[tuple[object, ...], str] = {}
    for record, status in _ordered(board, records):
        trial = record.trial
        # The records of a folder share these objects, and live longer than this table.
        key = id(trial.architecture), id(trial.task), id(trial.protocol), trial.tuning, record.task_facts.kind
        cell = cells.get(key)
        if cell is None:
            cell = cells[key] = csv_text(guarded(_read(_OF_CELL, record)))
        start = f"{record.id},{cell},{trial.seed}"
        end = f"{','.join(map(_number, _read(_COSTS, record)))},{csv_text(guarded(_read(_PLACE, record)))}\n"
        for *names, value, chance, oracle in _measures(record):
            yield f"{start},{_shared(status, *names)},{_number(value)},{_shared(chance, oracle)},{end}"


def _number(value: Value) -> str:
    """Return a number in full precision, as a CSV writer does, which is slower; nothing if it is not known."""
    return "" if value is None else repr(value)


@lru_cache(maxsize=1024, typed=True)
def _shared(*cells: Value) -> str:
    return csv_text(guarded(cells))


def _ordered(board: Leaderboard, records: Iterable[Record]) -> Iterator[tuple[Record, str]]:
    """Yield the records of trials in the order of the table, each with its status on the page."""
    status = {failure.record: failure.status for failure in board.failures}
    status |= {failure.record: failure.status for study in board.studies for failure in study.failures}
    for record in sorted((record for record in records if record.status != "skipped"), key=_order):
        yield record, status.get(record.id) or status_of(record)[0]


def render_trials(board: Leaderboard, records: Iterable[Record]) -> str:
    """Return the table as CSV, in one piece."""
    return "".join(trial_lines(board, records))


def _order(record: Record) -> tuple[str | int, ...]:
    trial = record.trial
    return trial.protocol.name, trial.task.label, trial.architecture.label, trial.seed, record.id


def _measures(record: Record) -> Sequence[tuple[Value, ...]]:
    """Return measure, metric, direction, value, chance and oracle of everything that a trial has a value of."""
    facts, scores = record.task_facts, record.scores
    direction = "higher" if facts.higher_is_better else "lower"
    scale = facts.metric, direction
    ends = facts.chance, facts.oracle
    rows: list[tuple[Value, ...]] = []
    if scores is not None:
        rows += [("test", *scale, scores.test, *ends), ("test_last", *scale, scores.test_last, *ends)]
    if (validation := record.validation) is not None:
        rows.append(("validation", *scale, validation, *ends))
    if scores is not None and scores.plain_train_loss is not None:
        rows.append(("train_loss", "loss", "lower", scores.plain_train_loss, None, None))
    if scores is not None:
        rows += [_further(name, value, facts) for name, value in scores.further.items() if name in facts.metrics]
    return rows or [("validation" if record.trial.tuning else "test", *scale, None, *ends)]


def _further(name: str, value: float | None, facts: TaskFacts) -> tuple[Value, ...]:
    known = facts.metrics[name]
    return "further", name, "higher" if known.higher_is_better else "lower", value, known.chance, known.oracle
