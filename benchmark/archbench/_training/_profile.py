"""`profile_trial`: where the time of a training step goes, measured in this process."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from archbench._planning._profile import PASSES, Phase, Profile, ProfileFailure, ProfileRequest, Spread
from archbench._training._layer_costs import describe_layers
from archbench._training._layers import LayerClock
from archbench._training._measure import describe_environment, peak_memory
from archbench._training._peak import measure_peak
from archbench._training._precision import arithmetic
from archbench._training._profiled_steps import PhaseClock, ProfiledSteps, make_clock
from archbench._training._record_fields import one_line, traceback_of
from archbench._training._streams import seed_globals, stream_seed
from archbench._training._trace import write_trace
from archbench._training._trial_run import TrialRun

ROUND = 5
"""Steps of one kind in a row. The kinds take turns, so that a slower moment of the machine slows all of them."""

PHASES = ("data", "forward", "backward", "clip", "optimizer", "host")


def profile_trial(request: ProfileRequest) -> Profile | ProfileFailure:
    """Profile a trial, and return what was measured, or why nothing was.

    Call it once per process: it sets the threads and the global random state.

    Args:
        request: its trial must have a budget of at least `steps_needed` steps, and its job the device to measure on.
    """
    precision, device = request.job.trial.protocol.precision, torch.device(request.job.device.kind)
    try:
        with arithmetic(precision, device):
            return _profile(request)
    except (Exception, SystemExit) as error:
        return ProfileFailure(message=one_line(error), detail=traceback_of(error))


def _profile(request: ProfileRequest) -> Profile:
    run = TrialRun(request.job)
    run.prepare()
    if run.job.device.kind == "cuda":
        torch.use_deterministic_algorithms(True, warn_only=True)  # as the Trainer of a trial does
    seed_globals(stream_seed(run.trial, "noise"))
    steps = ProfiledSteps(run)
    steps.take_as_the_suite(request.warm_up)
    memory = peak_memory(run.job.device, run.memory_before)
    rounds = _Rounds(steps)
    for first in range(0, request.steps, ROUND):
        rounds.take(min(ROUND, request.steps - first))
    if request.trace is not None:
        write_trace(steps, Path(request.trace))
    return Profile(
        **_describe_trial(run),
        **rounds.describe(),
        **_count_operations(run, statistics.median(rounds.suite), steps.device),
        warm_up=request.warm_up,
        steps=request.steps,
        peak_memory_bytes=memory,
    )


class _Rounds:
    """Steps taken in three ways by turns: as the suite takes them, timed by phases, and timed by layers."""

    def __init__(self, steps: ProfiledSteps) -> None:
        now = make_clock(steps.device)
        self.steps = steps
        self.suite: list[float] = []  # seconds of a step
        self.phases, self.layers = PhaseClock(now), LayerClock(steps.module.network, now)
        for clock in (self.phases, self.layers):  # their first step is slower, and does not count
            clock.time_step(steps)
        self.phases.steps.clear()
        self.layers.layer_steps.clear()

    def take(self, count: int) -> None:
        """Take so many steps in each way."""
        size = 1 if self.steps.device.type == "cpu" else count  # a GPU works ahead, and is waited for at the end only
        self.suite += [self.steps.take_as_the_suite(size) for _ in range(count // size)]
        for clock in (self.phases, self.layers):
            for _ in range(count):
                clock.time_step(self.steps)

    def describe(self) -> dict[str, Any]:
        """Return the fields of a profile that follow from the times."""
        steps = self.phases.steps
        totals = [sum(step.values()) for step in steps]
        return {
            "suite_step": _spread(self.suite),
            "step": _spread(totals),
            "phases": _describe_phases(steps),
            "phases_ratio": statistics.median(totals) / statistics.median(self.suite),
            **self._describe_layers(statistics.median(step["forward"] + step["backward"] for step in steps)),
        }

    def _describe_layers(self, passes: float) -> dict[str, Any]:
        steps = self.layers.layer_steps
        layers = describe_layers(self.steps.module.network, steps)
        timed = statistics.median(step.forward + step.backward for step in steps)
        losses = [step.loss for step in steps if step.loss is not None]
        loss = statistics.median(losses) if losses else None
        return {
            "layers": layers,
            "layers_ratio": timed / passes,
            "loss_seconds": loss,
            "unattributed_seconds": max(0.0, timed - sum(layer.seconds for layer in layers) - (loss or 0.0)),
        }


def _describe_phases(steps: Sequence[dict[str, float]]) -> list[Phase]:
    spreads = {name: _spread([step[name] for step in steps]) for name in PHASES if name in steps[0]}
    whole = sum(spread.median for spread in spreads.values())
    return [Phase(name=name, seconds=spread, share=spread.median / whole) for name, spread in spreads.items()]


def _spread(seconds: Sequence[float]) -> Spread:
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else [*seconds] * 3
    return Spread(median=statistics.median(seconds), low=low, high=high)


def _describe_trial(run: TrialRun) -> dict[str, Any]:
    trial = run.trial
    return {
        "architecture": trial.architecture.label,
        "task": trial.task.label,
        "protocol": trial.protocol.name,
        "seed": trial.seed,
        "recipe": trial.settings,
        "batch_size": trial.batch_size,
        "device": run.job.device,
        "environment": describe_environment(run.job.device),
        "parameters": run.parameters,
    }


def _count_operations(run: TrialRun, step_seconds: float, device: torch.device) -> dict[str, Any]:
    peak = measure_peak(device, make_clock(device))
    example = run.flops or None  # none were counted: there is no matrix product to see
    step = None if example is None else PASSES * example * run.trial.batch_size
    return {
        "flops_per_example": example,
        "flops_per_step": step,
        "flops_per_second": None if step is None else step / step_seconds,
        "peak_flops_per_second": peak,
        "peak_share": None if step is None else step / step_seconds / peak,
    }
