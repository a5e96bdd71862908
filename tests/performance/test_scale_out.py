"""How a run scales with workers and with its number of trials. A test fails only far beyond its target.

pytest -s -m performance tests/performance/test_scale_out.py
python tests/performance/test_scale_out.py 100000     # going on with another number of finished trials
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from support.speed.rows import describe
from support.speed.scale import all_done, parent_memory, scheduling, two_workers

pytestmark = [pytest.mark.performance, pytest.mark.timeout(1200)]


def test_two_workers_against_one(tmp_path: Path) -> None:
    """The wall time of a small run of the quick protocol with one worker over that with two is printed."""
    (row,) = two_workers(tmp_path, 3, ["mlp", "lenet", "resnet-20"], seeds=2)
    print(f"\n{describe(row)}")

    assert row["found"] > 1


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
    """The seconds of a run of 10,000 trials that all have their records are printed."""
    rows = all_done(tmp_path, 10_000)
    print("", *map(describe, rows), sep="\n")

    assert rows[-1]["found"] < 10


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(*map(describe, all_done(Path(folder), int(sys.argv[1]))), sep="\n")
