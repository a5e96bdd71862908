"""How a run scales with workers and with its number of trials. A test fails only far beyond its target.

pytest -s -m performance tests/performance/test_scale_out.py
ARCHBENCH_TEST_DONE_TRIALS=100000 pytest -s -m performance tests/performance/test_scale_out.py -k all_done
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.speed.rows import describe
from support.speed.scale import all_done, parent_memory, scheduling, two_workers

DONE_TRIALS = int(os.environ.get("ARCHBENCH_TEST_DONE_TRIALS", "10000"))
"""Trials of the plan that is done; the target is asked for at 100,000, whose records take a minute to make."""

pytestmark = [pytest.mark.performance, pytest.mark.timeout(1200)]


def test_two_workers_against_one(tmp_path: Path) -> None:
    """The wall time of trials with one worker over that with two is printed, and what two cores can give at most."""
    trials, most = two_workers(tmp_path, 1, ["mlp", "lenet", "rnn"])
    print(f"\n{describe(trials)}\n{describe(most)}")

    assert trials["found"] > 1


def test_scheduling_of_a_trial(tmp_path: Path) -> None:
    """The seconds that a run spends on a trial beyond its process are printed, and how its own process grows."""
    time, memory = scheduling(tmp_path, 1_000)
    print(f"\n{describe(time)}\n{describe(memory)}")

    assert time["found"] < time["at_most"]


def test_memory_of_the_parent(tmp_path: Path) -> None:
    """The peak memory of the process that runs the suite is printed; it holds neither torch nor data."""
    (row,) = parent_memory(tmp_path, 12)
    print(f"\n{describe(row)}")

    assert row["found"] < row["at_most"]


def test_going_on_with_all_done(tmp_path: Path) -> None:
    """A run of trials that all have their records takes less time and memory than is asked for of 100,000."""
    _, memory, time = rows = all_done(tmp_path, DONE_TRIALS)
    print("", *map(describe, rows), sep="\n")

    assert time["found"] < time["at_most"]
    assert memory["found"] < memory["at_most"]
