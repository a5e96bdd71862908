"""The cost of probes: the time of a trial with them over that without. A test fails only far beyond its target.

pytest -s -m performance tests/performance/test_probes.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench import Probes
from archbench._planning import Device, Job, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._protocols._protocol import equal_steps
from archbench._selection import select
from archbench._training import _runner, run_trial
from archbench._training._keeping import keep_steps
from archbench._training._probes import Prober

pytestmark = [pytest.mark.performance, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(1200)]

STEPS = 500
TRIALS = {"mlp": 3, "resnet-20": 1}
"""How many trials; the first one also loads what probes need, which counts little in seven seconds of a deep net."""
AT_BOTH_ENDS = {"gradient and rank": Probes(measure=("gradient", "rank")), "weights": Probes(measure=("weights",))}
LESIONED = Probes(measure=("lesion",))


def make_job(architecture: str, probes: Probes) -> Job:
    """A trial of 500 steps on digits."""
    plugins = load_plugins()
    rules = msgspec.structs.replace(find_protocol("quick"), steps=equal_steps(STEPS), probes=probes)
    (planned, *_) = make_plan(
        select([architecture], plugins.architectures, "architecture"),
        select(["digits"], plugins.tasks, "task"),
        protocol=rules,
        seeds=1,
    ).trials
    return planned.job(Device(kind="cpu"))


def ratio(architecture: str, probes: Probes, networks: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    """Median over trials of the processor time with probes over the time without, both from one trial.

    The time of measuring and writing is taken off; two trials of one kind differ by more than a few hundredths.
    """
    spent: list[float] = []

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            began = time.process_time()
            result = work(*arguments)
            spent.append(time.process_time() - began)
            return result

        return run

    monkeypatch.setattr(Prober, "_measure", timed(Prober._measure))
    monkeypatch.setattr(_runner, "keep_steps", timed(keep_steps))
    ratios = []
    for _ in range(TRIALS[architecture]):
        spent.clear()
        began = time.process_time()
        record = run_trial(make_job(architecture, probes), networks=networks)
        seconds = time.process_time() - began
        assert record.status == "ok", record.detail
        assert not any(reading.note for reading in record.readings)
        ratios.append(seconds / (seconds - sum(spent)))
    return statistics.median(ratios)


@pytest.mark.parametrize("measured", AT_BOTH_ENDS)
@pytest.mark.parametrize("architecture", TRIALS)
def test_probes_at_both_ends_cost_little(
    architecture: str, measured: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured before the first step and after the last, they take at most 5 % of a trial of 500 steps."""
    found = ratio(architecture, AT_BOTH_ENDS[measured], tmp_path, monkeypatch)
    print(f"\n{architecture}: {measured} at both ends, with over without: {found:.3f} (target 1.05)")

    assert found < 1.25


@pytest.mark.parametrize("architecture", TRIALS)
def test_lesions_are_printed(architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lesions score the test split once for each block and set of blocks; their cost has no target."""
    found = ratio(architecture, LESIONED, tmp_path, monkeypatch)
    print(f"\n{architecture}: lesion, with over without: {found:.3f}")

    assert found < 5
