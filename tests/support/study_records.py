"""Hand-made records of studies, with known answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

import archbench
from archbench import Reading, Record
from archbench._records import Component, Resources, TaskFacts
from support import MakeRecord


def study_record(
    make_record: MakeRecord,
    architecture: str,
    options: Mapping[str, Any],
    *,
    task: str,
    task_options: Mapping[str, Any],
    protocol: archbench.Protocol,
    seed: int = 0,
    score: float = 0.0,
    train_loss: float = 0.0,
    effort: float = 1.0,
    steps_to_target: int | None = None,
    validation: Sequence[float] = (0.8, 0.6),
    status: str = "ok",
    readings: Sequence[Reading] = (),
    step_seconds: float | None = None,
    parameters: int | None = None,
    flops: int | None = None,
) -> Record:
    """Return the record of a trial of a study that ended as the arguments say."""
    record = make_record(seed)
    component = Component(
        provider="archbench", name=architecture, revision=1, options=dict(options), label=architecture
    )
    of_task = Component(
        provider="archbench", name=task, revision=1, options=dict(task_options), label=task, effort=effort
    )
    trial = msgspec.structs.replace(record.trial, architecture=component, task=of_task, protocol=protocol)
    ended = status == "ok"
    return msgspec.structs.replace(
        record,
        id=trial.id,
        trial=trial,
        status=status,
        task_facts=TaskFacts(
            kind="sequence", metric="error", higher_is_better=False, chance=1.0, oracle=0.0, summary=""
        ),
        scores=msgspec.structs.replace(record.scores, test=score, plain_train_loss=train_loss) if ended else None,
        curves=msgspec.structs.replace(record.curves, validation=list(validation)) if ended else None,
        training=msgspec.structs.replace(record.training, steps_to_target=steps_to_target) if ended else None,
        readings=list(readings),
        resources=Resources(step_seconds=step_seconds, parameters=parameters, flops=flops),
    )
