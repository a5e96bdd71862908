"""The share of a step that data take. No test here passes or fails by a clock.

pytest -s -m performance tests/performance/test_data.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from archbench._training import _streaming
from archbench._training._splits import Split
from archbench._training._trial_run import TrialRun
from archbench_tasks._augmentation import crop_and_flip
from support.speed.steps import prepared
from support.speed.trials import plan

pytestmark = [pytest.mark.performance, pytest.mark.filterwarnings("ignore")]

STEPS = 100
ROUNDS = 5


def fetching(split: Split, chunk: torch.Tensor, change: Callable[[Any], Any] = lambda inputs: inputs) -> float:
    """Return the seconds per step that fetching and changing the batches takes."""
    start = time.perf_counter()
    for (inputs, *_), _ in split.batches(chunk):
        change(inputs)
    return (time.perf_counter() - start) / len(chunk)


def short_run(architecture: str, task: str) -> TrialRun:
    """Return a prepared trial of 200 steps, each of which takes as long as one of a longer trial."""
    return prepared(plan(architecture, task, steps=200, validations=4)[0])


def step_seconds(run: TrialRun) -> float:
    """Train, and return the seconds per step that the record has."""
    run.train()
    cost = run.record("ok", "", "").resources.step_seconds
    assert cost is not None
    return cost


@pytest.mark.parametrize(("architecture", "task"), [("resnet-20", "digits"), ("lstm", "adding")])
def test_share_of_a_step_that_fetching_takes(architecture: str, task: str) -> None:
    """The share of a step that fetching batches takes is printed; the target is under 5 % for resnet-20."""
    threads = torch.get_num_threads()
    run = short_run(architecture, task)
    chunk = next(iter(run.order))[:STEPS]
    split = run.splits["train"]
    plain = statistics.median(fetching(split, chunk) for _ in range(ROUNDS))
    text = ""
    if run.info.kind == "image":
        draw = torch.Generator()
        changed = statistics.median(fetching(split, chunk, lambda x: crop_and_flip(x, draw)) for _ in range(ROUNDS))
        text = f", with crop and flip {changed * 1e6:.0f} us"
    step = step_seconds(run)
    torch.set_num_threads(threads)
    share = f"{plain / step:.1%} (target under 5 %)"
    print(f"\n{architecture} on {task}: fetching {plain * 1e6:.0f} us{text} of a step of {step * 1e6:.0f} us: {share}")


def test_streamed_against_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds per step with inputs from worker processes, over those from memory, are printed."""
    threads = torch.get_num_threads()
    in_memory = step_seconds(short_run("resnet-20", "digits"))
    monkeypatch.setattr(_streaming, "STREAM_SHARE", 0.0)
    streamed = step_seconds(short_run("resnet-20", "digits"))
    torch.set_num_threads(threads)
    print(f"\nresnet-20 on digits, streamed by one worker: {streamed / in_memory:.2f} times the seconds of a step")
