"""The columns of tables of trials: what each holds, and how it is read from a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from archbench._records._record import Record

Value = str | int | float | bool | None
"""A cell. What was not reached, not measured or not recorded is None."""


class Column(NamedTuple):
    """A column of a table of trials.

    Args:
        kind: type of its values.
        words: what it holds, in Markdown.
        read: returns the cell of a record.
    """

    kind: type
    words: str
    read: Callable[[Record], Value]


def _scores(name: str) -> Callable[[Record], Value]:
    return lambda record: None if record.scores is None else getattr(record.scores, name)


def _training(name: str) -> Callable[[Record], Value]:
    return lambda record: None if record.training is None else getattr(record.training, name)


def _cost(name: str) -> Callable[[Record], Value]:
    return lambda record: getattr(record.resources, name)


def _environment(name: str) -> Callable[[Record], Value]:
    return lambda record: None if record.environment is None else getattr(record.environment, name)


def _json(values: Mapping[str, object]) -> str:
    return msgspec.json.encode(values, order="deterministic").decode()


def _use(record: Record) -> str:
    return "tuning" if record.trial.tuning else "study" if record.trial.protocol.for_studies else "board"


RECORD_COLUMNS: Mapping[str, Column] = {
    "id": Column(str, "id of the trial, and name of its record", lambda r: r.id),
    "use": Column(str, "`board`, `study`, or `tuning` for a trial that tries a recipe", _use),
    "protocol": Column(str, "name of the protocol", lambda r: r.trial.protocol.name),
    "kind": Column(str, "kind of input of the task: `image`, `sequence` or `tokens`", lambda r: r.task_facts.kind),
    "task": Column(str, "label of the task, a selector", lambda r: r.trial.task.label),
    "task_provider": Column(str, "distribution or file that registered the task", lambda r: r.trial.task.provider),
    "task_revision": Column(int, "revision of the task", lambda r: r.trial.task.revision),
    "architecture": Column(str, "label of the architecture, a selector", lambda r: r.trial.architecture.label),
    "provider": Column(
        str, "distribution or file that registered the architecture", lambda r: r.trial.architecture.provider
    ),
    "revision": Column(int, "its revision", lambda r: r.trial.architecture.revision),
    "fingerprint": Column(
        str, "hash of its source where no version names it; else empty", lambda r: r.trial.architecture.fingerprint
    ),
    "options": Column(str, "its options, defaults included, as JSON", lambda r: _json(r.trial.architecture.options)),
    "seed": Column(int, "seed of the trial", lambda r: r.trial.seed),
    "tuning": Column(bool, "the trial tries a recipe and has no test score", lambda r: r.trial.tuning),
    "status": Column(str, "ok, diverged, oom, timeout, crashed or failed", lambda r: r.status),
    "message": Column(str, "why it is not ok; else empty", lambda r: r.message),
    "metric": Column(str, "name of the metric", lambda r: r.task_facts.metric),
    "higher_is_better": Column(bool, "direction of the metric", lambda r: r.task_facts.higher_is_better),
    "test": Column(float, "test score with the weights that validation selected", _scores("test")),
    "test_last": Column(float, "test score with the weights after the last step", _scores("test_last")),
    "validation": Column(float, "best validation score", lambda r: r.validation),
    "further": Column(
        str,
        "test scores in the further metrics of the task, as JSON; empty if it has none",
        lambda r: _json(r.scores.further) if r.scores is not None and r.scores.further else "",
    ),
    "train_loss": Column(
        float,
        "loss of the last weights on training examples in evaluation mode, without auxiliary losses",
        _scores("plain_train_loss"),
    ),
    "objective": Column(
        float,
        "mean over the last tenth of the steps of what training minimises: with dropout and auxiliary losses",
        _scores("train_loss"),
    ),
    "penalty": Column(
        float,
        "mean of the weighted penalties before the last validation; none in `objective`",
        lambda r: r.curves.penalty[-1] if r.curves is not None and r.curves.penalty else None,
    ),
    "selected_step": Column(int, "step after which the selected weights were taken", _scores("selected_step")),
    "train_examples": Column(int, "examples of the training split", _training("examples")),
    "test_examples": Column(
        int, "examples of the test split; empty in records that do not say", lambda r: r.task_facts.test_examples
    ),
    "batch_size": Column(int, "examples per step", _training("batch_size")),
    "learning_rate": Column(
        float, "peak of the learning rate", lambda r: None if r.training is None else r.training.recipe.learning_rate
    ),
    "recipe": Column(
        str,
        "how the weights were updated, in words",
        lambda r: None if r.training is None else r.training.recipe.words(),
    ),
    "steps": Column(int, "optimiser steps done", _training("steps")),
    "steps_to_target": Column(
        int, "steps until validation reached the target of the task", _training("steps_to_target")
    ),
    "parameters": Column(int, "trainable parameters", _cost("parameters")),
    "flops": Column(int, "floating-point operations of one forward pass of one example", _cost("flops")),
    "train_seconds": Column(float, "seconds spent in optimiser steps", _cost("train_seconds")),
    "total_seconds": Column(float, "seconds from the start of the trial to its record", _cost("total_seconds")),
    "step_seconds": Column(float, "median seconds per optimiser step", _cost("step_seconds")),
    "samples_per_second": Column(float, "training throughput", _cost("samples_per_second")),
    "peak_memory_bytes": Column(int, "memory that the trial added", _cost("peak_memory_bytes")),
    "device": Column(str, "where it ran", _environment("place")),
    "archbench": Column(str, "release of the suite that trained it", _environment("archbench")),
    "torch": Column(str, "release of torch", _environment("torch")),
    "started": Column(str, "UTC time of the start, ISO 8601", lambda r: r.started or None),
}
"""Everything about a trial that a table shows as one cell. A table chooses from them, and names their order."""
