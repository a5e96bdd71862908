"""A trace of a few steps, as torch's profiler writes it: operation by operation, with phases and layers around them."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

from archbench._training._layers import Forward, replaced_forwards
from archbench._training._profiled_steps import ProfiledSteps

TRACE_STEPS = 3


def write_trace(steps: ProfiledSteps, path: Path) -> None:
    """Take some steps and write what happened in them as a Chrome trace, which browsers show."""
    activities = [ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(ProfilerActivity.CUDA)
    with replaced_forwards(steps.module.network, _make_range), profile(activities=activities) as profiler:
        for number in range(TRACE_STEPS):
            with record_function(f"step {number + 1}"), _PhaseRanges() as ranges:
                steps.take(ranges)
    profiler.export_chrome_trace(str(path))


class _PhaseRanges(contextlib.ExitStack):
    """A watcher that makes each phase a range of the trace."""

    def enter(self, phase: str) -> None:
        self.close()
        self.enter_context(record_function(phase))

    def before_backward(self, loss: Tensor) -> None:
        pass

    def after_backward(self) -> None:
        pass


def _make_range(name: str, forward: Forward) -> Forward:
    kind = type(getattr(forward, "__self__", None)).__name__

    @functools.wraps(forward)
    def ranged(*arguments: Any, **named: Any) -> Any:
        with record_function(f"{name} ({kind})".strip()):
            return forward(*arguments, **named)

    return ranged
