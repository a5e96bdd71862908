"""The fields of a record that come from a trained module: scores, curves, facts of the training, and costs."""

from __future__ import annotations

import math
import statistics
import time
import traceback
from collections.abc import Mapping
from typing import Any

import msgspec
import torch

from archbench._declarations import OwnData, Task, TaskInfo
from archbench._planning import Device, Job
from archbench._records import (
    MOST_CLASSES,
    MOST_DETAIL,
    Curves,
    Point,
    Progress,
    Resources,
    Scores,
    TaskFacts,
    Training,
    Trial,
    curves_of,
    printable,
)
from archbench._training._example import make_example
from archbench._training._measure import peak_memory
from archbench._training._module import TrialModule
from archbench._training._splits import Split

MOST_LETTERS = 80
"""Most letters of the name of a class in a record."""

CUT = "\n... the middle of this traceback is cut out here ...\n"


def make_scores(module: TrialModule) -> Scores:
    """Return the scores of a module that was trained and tested."""
    losses = torch.cat(module.losses)
    step, _ = module.selected
    best = max if module.task.higher_is_better else min
    return Scores(
        test=module.scores["selected"],
        test_last=module.scores["last"],
        validation=best(module.validations),
        selected_step=step,
        train_loss=float(losses[-max(1, len(losses) // 10) :].mean()),
        plain_train_loss=module.plain_loss,
        further=module.further_scores,
    )


def describe_predictions(module: TrialModule) -> dict[str, Any]:
    """Return the fields of a record on the classes that the selected weights gave the test examples."""
    predictions = module.predictions
    return {} if predictions is None else {"confusion": predictions.confusion(), "wrong": predictions.wrong()}


def add_data_facts(job: Job, splits: Mapping[str, Split], task: Task, info: TaskInfo) -> TaskFacts:
    """Return the facts about a task together with those that its data tell.

    Args:
        job: the trial; people's own files, if its task is made from them.
        splits: as the task loads them.
        task, info: the declaration.
    """
    trial, own = job.trial, job.own_data
    keeps_example = own is None and trial.seed == 0 and not trial.tuning
    return msgspec.structs.replace(
        job.task_facts,
        test_examples=len(splits["test"]),
        classes=_class_names(own, info),
        example=make_example(splits["train"], task, info) if keeps_example else None,
    )


def _class_names(own: OwnData | None, info: TaskInfo) -> list[str]:
    """Return the names that a reader found for the classes of own files, unless they are too many."""
    found = {} if own is None else own.found.facts.get("classes", {})
    named = isinstance(found, Mapping) and len(found) == info.outputs <= MOST_CLASSES
    return [str(name)[:MOST_LETTERS] for name in found] if named else []


def make_curves(module: TrialModule) -> Curves | None:
    """Return the learning curves, with one point per chunk of steps, up to the first that is not finite.

    Returns:
        None if there is no point.
    """
    points: list[Point] = []
    while (point := make_point(module, len(points))) is not None:
        points.append(point)
    return curves_of(points)


def make_point(module: TrialModule, at: int) -> Point | None:
    """Return one point of the learning curves, of the chunk at this index; None if it was not validated."""
    if at >= len(module.validations):
        return None
    loss, validation = float(module.losses[at].mean()), module.validations[at]
    penalty = module.penalties.mean(at)
    if not all(math.isfinite(value) for value in (loss, validation, penalty) if value is not None):
        return None
    seconds = round(sum(module.seconds[: at + 1]), 4)
    return Point(step=module.steps[at], train_loss=loss, validation=validation, seconds=seconds, penalty=penalty)


def make_progress(
    module: TrialModule, trial: Trial, *, examples: int, planned_steps: int | None, resumed_at: list[int]
) -> Progress:
    """Return how far a module has got; the arguments are those of `describe_training`."""
    done = module.done
    needed, first = None, module.first_step_seconds
    if planned_steps is not None and first is not None and done > 1:
        elapsed = time.monotonic() - module.clock_start
        needed = elapsed + (planned_steps - done) * (elapsed - first) / (done - 1)
    at = len(module.validations) - 1
    return Progress(
        trial=trial.id,
        training=describe_training(
            module, trial, examples=examples, planned_steps=planned_steps, resumed_at=resumed_at
        ),
        needed=needed,
        point=make_point(module, at) if module.steps and at == len(module.steps) - 1 and not module.running else None,
    )


def describe_training(
    module: TrialModule, trial: Trial, *, examples: int, planned_steps: int | None, resumed_at: list[int]
) -> Training:
    """Return how long a module was trained, on how much, under which recipe, and why it stopped.

    Args:
        module: has taken one step at least.
        trial: the trial that it belongs to.
        examples: size of the training split.
        planned_steps: the budget in steps; None where it is a time.
        resumed_at: the steps at which it went on from a state that an earlier process kept.
    """
    at = module.reached
    stopped = at is not None and module.stop_at_target
    return Training(
        track=trial.protocol.track,
        recipe=trial.settings,
        batch_size=trial.batch_size,
        examples=examples,
        planned_steps=planned_steps,
        steps=module.done,
        stopped="target" if stopped else "budget",
        target=module.task.target,
        steps_to_target=None if at is None else module.steps[at],
        seconds_to_target=None if at is None else sum(module.seconds[: at + 1]),
        resumed_at=resumed_at,
    )


def add_costs(
    size: Resources,
    module: TrialModule,
    *,
    batch_size: int,
    device: Device,
    clock: float,
    memory_before: int,
    seeds_together: int = 1,
) -> Resources:
    """Return the size of a network together with what its training cost.

    Args:
        size: parameters and operations.
        module: has finished one chunk at least.
        batch_size: examples per step.
        device: where it was trained.
        clock: reading of the monotonic clock at the start of the trial.
        memory_before: bytes that the process had resident before the trial.
        seeds_together: seeds that shared the process.
    """
    sizes = [end - start for start, end in zip([0, *module.steps], module.steps, strict=False)]
    step = statistics.median(seconds / size for seconds, size in zip(module.seconds, sizes, strict=True))
    return msgspec.structs.replace(
        size,
        step_seconds=step,
        samples_per_second=batch_size / step,
        train_seconds=sum(module.seconds),
        total_seconds=(time.monotonic() - clock) / seeds_together,
        first_step_seconds=module.first_step_seconds,
        peak_memory_bytes=peak_memory(device, memory_before),
    )


def text_of(error: BaseException) -> str:
    """Return the text of an error; of one that fails to say it, what Python's own traceback shows."""
    try:
        return str(error)
    except Exception:
        return "<exception str() failed>"


def one_line(error: BaseException) -> str:
    """Return the class and the text of an error in one line of at most 500 characters."""
    text = printable(" ".join(text_of(error).split()))
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__


def traceback_of(error: BaseException) -> str:
    """Return the traceback of an error, as it may be shown; a long one without its middle.

    The text of the error, which may be as long as a file, has its beginning in the first half and its end in the other.
    """
    text, half = "".join(traceback.format_exception(error)), MOST_DETAIL // 2
    return printable(text if len(text) <= MOST_DETAIL else text[:half] + CUT + text[-half:])
