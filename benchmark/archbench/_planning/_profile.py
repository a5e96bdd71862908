"""Profiles: the request for one, and what it measured. Plain data, free of torch, that passes between two processes."""

from __future__ import annotations

import msgspec

from archbench._planning._job import Device, Job
from archbench._protocols import Recipe
from archbench._records import Environment

PASSES = 3
"""A training step counts as so many forward passes: the backward pass computes two products for each of the forward."""


class ProfileRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A trial to profile, and how.

    Args:
        job: the trial; the process that measures puts the device in.
        device: `auto`, `cpu`, `cuda` or `mps`.
        threads: CPU threads; None for as many as a run gives to a trial.
        warm_up: steps before anything is measured.
        steps: steps that are measured, in each of three ways.
        trace: file for a trace of a few steps; None for no trace.
    """

    job: Job
    device: str
    threads: int | None
    warm_up: int
    steps: int
    trace: str | None


def steps_needed(*, warm_up: int, steps: int) -> int:
    """Return how many steps a profile takes in all, with those that warm up and those of the trace."""
    return warm_up + 3 * steps + 8


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of several measurements: the median and the quartiles around it."""

    median: float
    low: float
    high: float


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a training step.

    Args:
        name: `data`, `forward`, `backward`, `clip`, `optimizer` or `host`.
        seconds: of this part in a step.
        share: of the step.
    """

    name: str
    seconds: Spread
    share: float


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """The cost of one module in a training step, without the modules inside it. What was not measured is None.

    Args:
        name: path of the module; empty for the network itself.
        type: name of its class.
        leaf: it has no modules inside; the others have a cost where they compute something themselves.
        calls: how often a step calls it, on average.
        forward_seconds, backward_seconds: all calls of a step together: the median over the steps that ran it, times
            the share of those steps.
        parameters: trainable numbers of its own.
        output_bytes: memory that its outputs newly take in a step; None if it is no leaf.
    """

    name: str
    type: str
    leaf: bool
    calls: float
    forward_seconds: float | None
    backward_seconds: float | None
    parameters: int
    output_bytes: int | None

    @property
    def seconds(self) -> float:
        """Forward and backward together, as far as they were measured."""
        return (self.forward_seconds or 0.0) + (self.backward_seconds or 0.0)


class Profile(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Where a training step goes.

    Args:
        architecture, task: labels.
        protocol, recipe, seed, batch_size: as in the trial.
        device, environment: where it was measured.
        parameters: trainable numbers of the network.
        warm_up, steps: as in the request.
        suite_step: seconds of a step as a trial takes it.
        step: seconds of a step that is timed phase by phase.
        phases: its parts, in order; the parts of one step add up to it.
        phases_ratio: a step timed by phases in terms of a step of a trial; the cost of looking.
        layers: every module that was called, and every leaf, in the order of execution.
        layers_ratio: forward and backward passes timed by layers, in terms of the same passes timed by phases.
        loss_seconds: the loss, clearing the gradients, and the backward pass of the loss; None if not measured.
        unattributed_seconds: forward and backward passes timed by layers, without the layers and the loss. It grows on
            a busy machine, whose pauses hit other layers in every step, so that no median has them.
        flops_per_example: floating-point operations of a forward pass of one example; None if they cannot be counted.
        flops_per_step: of a training step, counted as `PASSES` forward passes of the batch.
        flops_per_second: these, in a step of a trial.
        peak_flops_per_second: what a float32 matrix product reaches on this device with these threads.
        peak_share: `flops_per_second` in terms of the peak.
        peak_memory_bytes: as records have it, after the warm-up; None where it cannot be measured.
    """

    architecture: str
    task: str
    protocol: str
    seed: int
    recipe: Recipe
    batch_size: int
    device: Device
    environment: Environment
    parameters: int
    warm_up: int
    steps: int
    suite_step: Spread
    step: Spread
    phases: list[Phase]
    phases_ratio: float
    layers: list[Layer]
    layers_ratio: float
    loss_seconds: float | None
    unattributed_seconds: float
    flops_per_example: int | None
    flops_per_step: int | None
    flops_per_second: float | None
    peak_flops_per_second: float
    peak_share: float | None
    peak_memory_bytes: int | None

    def conditions(self) -> str:
        """Return how it was measured, for people."""
        device, threads = self.environment.device, self.device.threads
        return (
            f"protocol {self.protocol}, batch of {self.batch_size}, seed {self.seed}; {device}, {threads} "
            f"thread{'s' if threads > 1 else ''}; medians over {self.steps} steps after {self.warm_up}"
        )


class ProfileFailure(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Why there is no profile.

    Args:
        message: one line for people.
        detail: the traceback, or the end of the log; may be empty.
        no_device: the device that was asked for is not there.
    """

    message: str
    detail: str = ""
    no_device: bool = False
