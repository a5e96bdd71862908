"""The cost of probes, as the ratio of a trial with them to the trial without. It fails only far beyond its target.

pytest -s -m performance tests/performance/test_probes.py
"""

from __future__ import annotations

import statistics
import time

import msgspec
import pytest

from archbench import Probes
from archbench._planning import Device, Job, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._protocols._protocol import equal_steps
from archbench._selection import select
from archbench._training import run_trial

pytestmark = [pytest.mark.performance, pytest.mark.filterwarnings("ignore")]

STEPS = 500
PAIRS = 5
AT_BOTH_ENDS = Probes(measure=("gradient", "rank"), at=(0, 1))
LESIONED = Probes(measure=("lesion",))


def make_job(architecture: str, probes: Probes | None) -> Job:
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


def processor_seconds(job: Job) -> float:
    """The seconds of processor time of a trial."""
    began = time.process_time()
    record = run_trial(job)
    seconds = time.process_time() - began

    assert record.status == "ok", record.detail
    assert not any(reading.note for reading in record.readings)
    return seconds


def ratio(architecture: str, probes: Probes) -> float:
    """Median over pairs of the time with probes over that without; each comes first in every other pair."""
    plain, probed = make_job(architecture, None), make_job(architecture, probes)
    processor_seconds(probed)  # what only the first trial of a process pays
    ratios = []
    for number in range(PAIRS):
        jobs = [plain, probed] if number % 2 else [probed, plain]
        seconds = {id(job): processor_seconds(job) for job in jobs}
        ratios.append(seconds[id(probed)] / seconds[id(plain)])
    return statistics.median(ratios)


@pytest.mark.parametrize("architecture", ["mlp", "resnet-20"])
def test_probes_at_both_ends_cost_little(architecture: str) -> None:
    """Gradient and rank, before the first step and after the last, take at most 5 % of a trial of 500 steps."""
    found = ratio(architecture, AT_BOTH_ENDS)
    print(f"\n{architecture}: gradient and rank at both ends, with over without: {found:.3f} (target 1.05)")

    assert found < 1.25


@pytest.mark.parametrize("architecture", ["mlp", "resnet-20"])
def test_lesions_are_printed(architecture: str) -> None:
    """Lesions score the test split once for each block and set of blocks; their cost has no target."""
    found = ratio(architecture, LESIONED)
    print(f"\n{architecture}: lesion, with over without: {found:.3f}")

    assert found < 5
