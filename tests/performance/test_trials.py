"""What surrounds the steps of a trial, as ratios to a plain loop. A test fails only far beyond its target.

pytest -s -m performance tests/performance/test_trials.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.speed.rows import describe
from support.speed.trials import against_processes, efficiency, series, whole_trials

pytestmark = [pytest.mark.performance, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(1200)]

PAIRS = 3
MOST_TRIALS = int(os.environ.get("ARCHBENCH_TEST_TRIALS", "300"))
"""Trials of the longest series; the target is asked for at 10,000, which takes a quarter of an hour."""


@pytest.fixture(autouse=True)
def _like_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process see no GPU, as trials on a CPU do, so that both sides of a pair are spared torch's search."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def test_whole_trial_of_the_mlp(tmp_path: Path) -> None:
    """The seconds of a trial, from one hand-over to the next, over those of its steps in a bare loop are printed."""
    for row in whole_trials(tmp_path, PAIRS):
        print(f"\n{describe(row)}")
        assert row["found"] < 2 * row["at_most"]


def test_efficiency_of_a_suite(tmp_path: Path) -> None:
    """The seconds of all steps in bare loops over workers times wall are printed; the target is 0.90."""
    row = efficiency(tmp_path, 1, seeds=2)
    print(f"\n{describe(row)}; our own steps {row['own_steps']:.2f}")

    assert row["found"] > row["at_least"] / 2


def test_time_per_trial_against_the_number_of_trials(tmp_path: Path) -> None:
    """The seconds per one-step trial in a short and in a long series, and how this process grows, are printed."""
    *rows, ratio, memory = series(tmp_path, [10, MOST_TRIALS], PAIRS)
    print("", *map(describe, [*rows, ratio, memory]), sep="\n")

    assert ratio["found"] < 1.5


def test_a_run_against_one_process_per_training(tmp_path: Path) -> None:
    """The wall time of one process per Lightning training over that of `benchmark run` is printed."""
    row = against_processes(tmp_path, 1)
    print(f"\n{describe(row)}")

    assert row["found"] > row["at_least"] / 2
