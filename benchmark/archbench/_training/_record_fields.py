"""The fields of a record that come from a trained module: scores, curves, facts of the training, and costs."""

from __future__ import annotations

import statistics
import time

import msgspec
import torch

from archbench._planning import Device
from archbench._records import Curves, Resources, Scores, Training, Trial
from archbench._training._measure import peak_memory
from archbench._training._module import TrialModule


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
    )


def make_curves(module: TrialModule) -> Curves:
    """Return the learning curves, with one point per chunk of steps."""
    total = [sum(module.seconds[: i + 1]) for i in range(len(module.seconds))]
    return Curves(
        step=module.steps,
        train_loss=[float(chunk.mean()) for chunk in module.losses],
        validation=module.validations,
        seconds=[round(value, 4) for value in total],
    )


def describe_training(module: TrialModule, trial: Trial, *, examples: int, planned_steps: int | None) -> Training:
    """Return how long a module was trained, on how much, under which recipe, and why it stopped.

    Args:
        module: has finished one chunk at least.
        trial: the trial that it belongs to.
        examples: size of the training split.
        planned_steps: the budget in steps; None where it is a time.
    """
    at = module.reached
    stopped = at is not None and module.stop_at_target
    return Training(
        track=trial.protocol.track,
        recipe=trial.settings,
        batch_size=trial.batch_size,
        examples=examples,
        planned_steps=planned_steps,
        steps=module.steps[-1],
        stopped="target" if stopped else "budget",
        target=module.task.target,
        steps_to_target=None if at is None else module.steps[at],
        seconds_to_target=None if at is None else sum(module.seconds[: at + 1]),
    )


def add_costs(
    size: Resources, module: TrialModule, *, batch_size: int, device: Device, clock: float, memory_before: int
) -> Resources:
    """Return the size of a network together with what its training cost.

    Args:
        size: parameters and operations.
        module: has finished one chunk at least.
        batch_size: examples per step.
        device: where it was trained.
        clock: reading of the monotonic clock at the start of the trial.
        memory_before: bytes that the process had resident before the trial.
    """
    sizes = [end - start for start, end in zip([0, *module.steps], module.steps, strict=False)]
    step = statistics.median(seconds / size for seconds, size in zip(module.seconds, sizes, strict=True))
    return msgspec.structs.replace(
        size,
        step_seconds=step,
        samples_per_second=batch_size / step,
        train_seconds=sum(module.seconds),
        total_seconds=time.monotonic() - clock,
        first_step_seconds=module.first_step_seconds,
        peak_memory_bytes=peak_memory(device, memory_before),
    )
