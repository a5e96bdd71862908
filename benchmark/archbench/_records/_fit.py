"""Whether a record can be what its trial leaves: steps, curves, scores and counts against the rules of its protocol."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator

from archbench._declarations import METRICS
from archbench._records._fit_predictions import prediction_misfits
from archbench._records._record import Curves, Record, Scores, Training
from archbench._records._task_facts import MetricFacts, TaskFacts

_ROUNDING = 1e-6


def misfit(record: Record) -> str:
    """Return the first reason why a record cannot be what its trial leaves; empty if there is none.

    It finds what was made up without care, edited by hand or mixed up. It is no proof that a training took place.
    """
    return next(_misfits(record), "")


def _misfits(record: Record) -> Iterator[str]:
    if record.training is not None:
        yield from _training_misfits(record, record.training)
    yield from prediction_misfits(record)
    if record.status != "ok":
        yield from _unfinished_misfits(record)
        return
    if (record.scores is None) is not record.trial.tuning:
        yield "it has no test score" if record.scores is None else "it is of tuning and has a test score"
    lacking = [name for name in ("training", "curves", "pairing", "environment") if getattr(record, name) is None]
    if lacking:
        yield f"it is ok and has no {lacking[0]}"
    if record.training is not None and record.curves is not None:
        yield from _curve_misfits(record, record.training, record.curves)
    if record.scores is not None and record.curves is not None:
        yield from _score_misfits(record, record.scores, record.curves)
    if any(len(reading.names) != len(reading.values) for reading in record.readings):
        yield "a reading of it has more names than values, or fewer"
    if record.resources.parameters is not None and record.resources.parameters < 1:
        yield f"it has {record.resources.parameters} parameters"


def _unfinished_misfits(record: Record) -> Iterator[str]:
    """Yield why a trial that did not end ok cannot have reached this: no scores, and a part of the curves at most."""
    curves, training = record.curves, record.training
    if record.scores is not None:
        yield f"it has scores and the status {record.status}"
    if curves is None:
        return
    if training is None:
        yield "it has curves and no training"
    elif curves.step and curves.step[-1] > training.steps:
        yield f"its curves end at step {curves.step[-1]}, its training at step {training.steps}"
    yield from _shape_misfits(curves)
    if len(curves.step) > record.trial.protocol.validations:
        yield f"it was validated {len(curves.step)} times instead of {record.trial.protocol.validations}"


def _training_misfits(record: Record, training: Training) -> Iterator[str]:
    trial, kind = record.trial, record.task_facts.kind
    if training.examples < 1:
        yield f"it was trained on {training.examples} examples"
        return
    expected = (
        ("track", training.track, trial.protocol.track),
        ("recipe", training.recipe, trial.settings),
        ("batch_size", training.batch_size, trial.batch_size),
        ("planned_steps", training.planned_steps, trial.steps(kind, training.examples)),
        ("target", training.target, trial.task.target),
    )
    for name, found, value in expected:
        if found is not value and found != value:
            yield f"its {name} is {_word(found)}, that of its trial {_word(value)}"
    yield from _stop_misfits(record, training)


def _stop_misfits(record: Record, training: Training) -> Iterator[str]:
    planned, steps = training.planned_steps, training.steps
    if training.stopped == "target" and (not record.trial.protocol.stop_at_target or training.steps_to_target != steps):
        yield "it stopped at the target, which its protocol does not ask for, or not at the step where it was reached"
    complete = record.status == "ok" and training.stopped == "budget"
    if steps < 1 or (planned is not None and (steps > planned or (complete and steps != planned))):
        yield f"it was trained for {steps} of {planned} steps"


def _curve_misfits(record: Record, training: Training, curves: Curves) -> Iterator[str]:
    points = len(curves.step)
    yield from _shape_misfits(curves)
    if not points or curves.step[-1] != training.steps:
        yield f"its curves end at step {curves.step[-1] if points else 0}, its training at step {training.steps}"
    most = min(record.trial.protocol.validations, training.planned_steps or record.trial.protocol.validations)
    whole = training.stopped == "budget" and training.planned_steps is not None
    if points > most or (whole and points != most):
        yield f"it was validated {points} times instead of {most}"


def _shape_misfits(curves: Curves) -> Iterator[str]:
    points = {len(curves.train_loss), len(curves.validation), len(curves.seconds)}
    if points != {len(curves.step)} or len(curves.penalty) not in (0, len(curves.step)):
        yield "its curves have different lengths"
    if any(map(operator.le, curves.step, [0, *curves.step])):
        yield "the steps of its curves do not rise"
    if any(map(operator.lt, curves.seconds, [0.0, *curves.seconds])):
        yield "the seconds of its curves fall"


def _score_misfits(record: Record, scores: Scores, curves: Curves) -> Iterator[str]:
    yield from _range_misfits(record, [scores.test, scores.test_last, *curves.validation])
    at_step = dict(zip(curves.step, curves.validation, strict=False))
    if scores.validation != record.validation:
        yield f"its validation score is {scores.validation:g}, the best of its curve {record.validation:g}"
    if at_step.get(scores.selected_step) != scores.validation:
        yield f"step {scores.selected_step}, which was selected, has not the best validation score"


def _range_misfits(record: Record, values: list[float]) -> Iterator[str]:
    facts = record.task_facts
    yield from _further_misfits(facts, record.scores)
    rules = METRICS.get(facts.metric)
    own = facts.metrics.get(facts.metric)  # a metric that the task declares itself
    if rules is None and own is not None and not all(_possible(value, own) for value in values):
        yield f"it has a {facts.metric} that is impossible"
    if rules is None:
        return
    if rules.higher_is_better != facts.higher_is_better:
        yield f"it takes {facts.metric} for better in the wrong direction"
    low, high = rules.lowest - _ROUNDING, rules.highest + _ROUNDING
    if math.isfinite(sum(values)) and low <= min(values) and max(values) <= high:
        return  # the loop, which finds the value to name, takes three times as long
    for value in values:
        if not math.isfinite(value) or not low <= value <= high:
            yield f"it has the {facts.metric} {value:g}, which is impossible"


def _further_misfits(facts: TaskFacts, scores: Scores | None) -> Iterator[str]:
    """Yield why scores in the further metrics cannot be: there is no such metric, or it has no such values."""
    for name, value in ({} if scores is None else scores.further).items():
        known = facts.metrics.get(name)
        if known is None:
            yield f"it has a score in {name[:40]!r}, which is no metric of its task"
        elif value is not None and not _possible(value, known):
            yield f"it has the {name} {value:g}, which is impossible"


def _possible(value: float, known: MetricFacts) -> bool:
    low = -math.inf if known.lowest is None else known.lowest
    high = math.inf if known.highest is None else known.highest
    return math.isfinite(value) and low - _ROUNDING <= value <= high + _ROUNDING


def _word(value: object) -> str:
    return str(value) if isinstance(value, int | float | str) or value is None else "another"
