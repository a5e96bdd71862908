"""Records as flat rows for data frames: one row for each trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from archbench._records import Record

Value = str | int | float | bool | None


def _scores(name: str) -> Callable[[Record], Value]:
    return lambda record: None if record.scores is None else getattr(record.scores, name)


def _training(name: str) -> Callable[[Record], Value]:
    return lambda record: None if record.training is None else getattr(record.training, name)


def _cost(name: str) -> Callable[[Record], Value]:
    return lambda record: getattr(record.resources, name)


def _environment(name: str) -> Callable[[Record], Value]:
    return lambda record: None if record.environment is None else getattr(record.environment, name)


def _options(values: Mapping[str, Any]) -> str:
    return msgspec.json.encode(values, order="deterministic").decode()


COLUMNS: Mapping[str, tuple[str, Callable[[Record], Value]]] = {
    "id": ("id of the trial, and name of its record", lambda r: r.id),
    "protocol": ("name of the protocol", lambda r: r.trial.protocol.name),
    "task": ("label of the task, a selector", lambda r: r.trial.task.label),
    "kind": ("kind of input: image, sequence or tokens", lambda r: r.task_facts.kind),
    "architecture": ("label of the architecture, a selector", lambda r: r.trial.architecture.label),
    "provider": ("distribution or file that registered the architecture", lambda r: r.trial.architecture.provider),
    "revision": ("its revision", lambda r: r.trial.architecture.revision),
    "options": ("its options, as JSON", lambda r: _options(r.trial.architecture.options)),
    "seed": ("seed of the trial", lambda r: r.trial.seed),
    "tuning": ("the trial tries a recipe and has no test score", lambda r: r.trial.tuning),
    "status": ("ok, diverged, oom, timeout, crashed or failed", lambda r: r.status),
    "message": ("why it is not ok; else empty", lambda r: r.message),
    "metric": ("name of the metric", lambda r: r.task_facts.metric),
    "higher_is_better": ("direction of the metric", lambda r: r.task_facts.higher_is_better),
    "test": ("test score with the weights that validation selected", _scores("test")),
    "test_last": ("test score with the weights after the last step", _scores("test_last")),
    "validation": ("best validation score", lambda r: r.validation),
    "further": (
        "test scores in the further metrics of the task, as JSON; empty if it has none",
        lambda r: _options(r.scores.further) if r.scores is not None and r.scores.further else "",
    ),
    "train_loss": (
        "loss of the last weights on training examples in evaluation mode, without auxiliary losses",
        _scores("plain_train_loss"),
    ),
    "objective": (
        "mean over the last tenth of the steps of what training minimises: with dropout and auxiliary losses",
        _scores("train_loss"),
    ),
    "selected_step": ("step after which the selected weights were taken", _scores("selected_step")),
    "steps": ("optimiser steps done", _training("steps")),
    "steps_to_target": ("steps until validation reached the target of the task", _training("steps_to_target")),
    "batch_size": ("examples per step", _training("batch_size")),
    "learning_rate": (
        "peak of the learning rate",
        lambda r: None if r.training is None else r.training.recipe.learning_rate,
    ),
    "recipe": (
        "how the weights were updated, in words",
        lambda r: None if r.training is None else r.training.recipe.words(),
    ),
    "parameters": ("trainable parameters", _cost("parameters")),
    "flops": ("floating-point operations of one forward pass of one example", _cost("flops")),
    "train_seconds": ("seconds spent in optimiser steps", _cost("train_seconds")),
    "total_seconds": ("seconds from the start of the trial to its record", _cost("total_seconds")),
    "step_seconds": ("median seconds per optimiser step", _cost("step_seconds")),
    "samples_per_second": ("training throughput", _cost("samples_per_second")),
    "peak_memory_bytes": ("memory that the trial added", _cost("peak_memory_bytes")),
    "device": ("where it ran", _environment("device")),
    "started": ("UTC time of the start, ISO 8601", lambda r: r.started or None),
}
"""Every column: what it holds, and how it is read from a record. What was not reached or not measured is None."""


def make_rows(records: tuple[Record, ...]) -> list[dict[str, Value]]:
    """Return one row for each record, with all columns in the order of `COLUMNS`."""
    return [{name: read(record) for name, (_, read) in COLUMNS.items()} for record in records]
