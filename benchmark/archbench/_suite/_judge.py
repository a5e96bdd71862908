"""The verdict on a record, given what its trial left when it was trained again. docs/running.md has the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from archbench._planning import Obstacle
from archbench._records import RESULTS, Comparison, Origin, Record, compare_records, conditions_of
from archbench._suite._certificate import Check, Rule, SeedInterval, Verdict, describe_side

COMPANY = ("trials_per_device", "cuda_graph", "alone_again")
"""Fields of the environment on which no bit of a result depends: what ran beside the trial, and who started kernels."""


def judge_obstacle(record: Record, obstacle: Obstacle) -> Check:
    """Return the check of a record whose trial was not trained again."""
    return _check(record, obstacle.verdict, obstacle.reason, "none")


def judge(record: Record, again: Record, folder: Iterable[Record]) -> Check:
    """Return the check of a record whose trial was trained again.

    Args:
        record: what the trial left.
        again: what it left now; both have the same id.
        folder: the records beside it, among which are the other seeds of its cell.
    """
    if record.pairing and again.pairing and record.pairing != again.pairing:
        return _check(record, "changed", f"other data: {_describe_data(record, again)}", "hashes", again)
    if record.status != "ok" or again.status != "ok":
        return _judge_status(record, again)
    return _judge_results(record, again, folder)


def describe_elsewhere(record: Record, again: Record) -> str:
    """Return why a repetition may round otherwise than the record, in words; empty if it may not.

    Every field of the environment must be equal, except on what ran beside it, and the version and commit of both
    plugins. On a GPU not every operation can be repeated, and a budget in seconds gives other steps every time; there
    no repetition has to agree.
    """
    before, now = _platform(record), _platform(again)
    words = [f"{name} {before.get(name)} then, {now.get(name)} now" for name in now if before.get(name) != now[name]]
    if again.environment is not None and again.environment.device != "cpu":
        words.append("a GPU does not repeat every operation")
    if record.trial.protocol.seconds is not None:
        words.append("its budget is a time")
    return "; ".join(words)


def other_seeds(record: Record, folder: Iterable[Record]) -> list[Record]:
    """Return the other seeds of the cell of a record that is ok, trained under the same conditions and recipe."""
    return [
        other
        for other in folder
        if other.id != record.id
        and (other.status, other.trial.tuning) == ("ok", False)
        and other.environment is not None
        and (other.trial.cell, other.trial.recipe) == (record.trial.cell, record.trial.recipe)
        and conditions_of(other) == conditions_of(record)
    ]


def _judge_status(record: Record, again: Record) -> Check:
    """Return the check of a record of which only the status is compared, since it or its repetition is not ok."""
    if record.status == again.status:
        return _check(record, "reproduced", f"it ended {again.status}, as then", "status", again)
    reason = f"it ended {record.status} then and {again.status} now"
    if again.message:
        reason += f": {again.message}"
    if all(side.status in (*RESULTS, "failed") for side in (record, again)):
        return _check(record, "diverged", reason, "status", again)
    return _check(record, "undecided", f"{reason}; that depends on the machine and its load", "status", again)


def _judge_results(record: Record, again: Record, folder: Iterable[Record]) -> Check:
    """Return the check of a record that is ok, as its repetition is, with the same data."""
    found = compare_records(record, again)
    compared: dict[str, Any] = {
        "compared": list(found.fields),
        "differing": list(dict.fromkeys(item.field.partition("[")[0] for item in found.differences)),
        "largest_difference": found.largest,
    }
    if not found.differences:
        return _check(record, "reproduced", "", "bit for bit", again, **compared)
    elsewhere = describe_elsewhere(record, again)
    if not elsewhere:
        return _check(record, "diverged", _describe_difference(found), "bit for bit", again, **compared)
    if record.scores is None or again.scores is None:  # of tuning, whose seeds are of another recipe each
        reason = f"it ended {again.status}, as then; {elsewhere}"
        return _check(record, "reproduced", reason, "status", again, **compared)
    return _judge_score(record, again, other_seeds(record, folder), elsewhere, compared)


def _judge_score(
    record: Record, again: Record, others: Sequence[Record], elsewhere: str, compared: dict[str, Any]
) -> Check:
    """Return the check of a record that was trained elsewhere, where only the spread over seeds can decide."""
    from archbench._statistics import LEVEL, MIN_SEEDS, prediction_interval  # numpy and scipy, for those who compare

    assert record.scores is not None
    assert again.scores is not None
    found = prediction_interval([other.scores.test for other in others if other.scores is not None])
    if found is None:
        count = f"{len(others)} other seed{'' if len(others) == 1 else 's'}"
        lack = "are all equal" if len(others) >= MIN_SEEDS else f"are too few, {MIN_SEEDS} are needed"
        reason = f"it cannot be told: the scores of its {count} {lack}; {elsewhere}"
        return _check(record, "undecided", reason, "seed interval", again, **compared)
    interval = SeedInterval(low=found.low, high=found.high, level=LEVEL, seeds=len(others))
    then, now = (found.low <= score <= found.high for score in (record.scores.test, again.scores.test))
    verdict: Verdict = "reproduced" if then and now else "diverged" if then or now else "undecided"
    reason = f"{_describe_place(record.scores.test, again.scores.test, interval, verdict)}; {elsewhere}"
    return _check(record, verdict, reason, "seed interval", again, interval=interval, **compared)


def _describe_place(then: float, now: float, interval: SeedInterval, verdict: Verdict) -> str:
    where = f"the {interval.seeds} other seeds let expect {interval.low:.4g} to {interval.high:.4g}"
    words = {
        "reproduced": f"{now:.4g} now and {then:.4g} then: {where}",
        "diverged": f"{now:.4g} now and {then:.4g} then, of which one is outside: {where}",
    }
    return words.get(verdict, f"it cannot be told: {now:.4g} now and {then:.4g} then are both outside: {where}")


def _describe_difference(found: Comparison) -> str:
    largest = found.largest
    assert largest is not None
    distance = "" if largest.relative is None else f", a relative difference of {largest.relative:.2g}"
    return f"{largest.field} was {largest.recorded} and is {largest.again}{distance}; the platform is the same"


def _describe_data(record: Record, again: Record) -> str:
    before, now = msgspec.to_builtins(record.pairing), msgspec.to_builtins(again.pairing)
    return "; ".join(
        f"hash of {name} {before[name]} then, {now[name]} now" for name in now if before[name] != now[name]
    )


def _platform(record: Record) -> dict[str, Any]:
    """Return everything on which the last bits of a result may depend."""
    whole = {} if record.environment is None else msgspec.structs.asdict(record.environment)
    environment = {name: value for name, value in whole.items() if name not in COMPANY}
    origins = {"architecture": record.architecture_origin, "task": record.task_origin}
    return environment | {f"{side} of": _provider(origin) for side, origin in origins.items()}


def _provider(origin: Origin) -> str:
    return " ".join(filter(None, (origin.distribution, origin.version, origin.commit[:7])))


def _check(
    record: Record, verdict: Verdict, reason: str, rule: Rule, again: Record | None = None, **compared: Any
) -> Check:
    trial = record.trial
    return Check(
        id=record.id,
        architecture=trial.architecture.label,
        task=trial.task.label,
        protocol=trial.protocol.name,
        seed=trial.seed,
        tuning=trial.tuning,
        metric=record.task_facts.metric,
        verdict=verdict,
        reason=reason,
        rule=rule,
        recorded=describe_side(record),
        again=None if again is None else describe_side(again),
        **compared,
    )
