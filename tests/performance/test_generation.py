"""Seconds to generate data. They are printed and never asserted.

pytest -s -m performance tests/performance/test_generation.py
"""

from __future__ import annotations

import importlib
import statistics
import time
from pathlib import Path

import numpy as np
import pytest

import archbench_tasks
from archbench._declarations import convert_options
from archbench_tasks import adding

pytestmark = pytest.mark.performance

REPEATS = 2


def test_ten_thousand_adding_sequences_of_length_1000() -> None:
    """The seconds to generate 10,000 sequences of 1,000 steps are printed; the target is one second."""
    for generate in (adding.generate, adding.generate_1997):
        seconds = []
        for repeat in range(REPEATS):
            start = time.perf_counter()
            examples = generate(10_000, np.random.default_rng(repeat), length=1_000)
            seconds.append(time.perf_counter() - start)
        assert len(examples.inputs) == 10_000
        print(f"\n{generate.__name__}: median {statistics.median(seconds):.3f} s of {REPEATS} (target 1)")


def test_splits_of_every_task() -> None:
    """The seconds to load each task that needs no files, with its default options, are printed."""
    print()
    for path in sorted(Path(archbench_tasks.__file__).parent.glob("[!_]*.py")):
        module = importlib.import_module(f"archbench_tasks.{path.stem}")
        tasks = module.archbench_tasks() if hasattr(module, "archbench_tasks") else ()
        for task in tasks:
            if task.files:
                continue
            seconds = []
            for seed in range(REPEATS):
                start = time.perf_counter()
                task.load(convert_options(task, {}), seed)
                seconds.append(time.perf_counter() - start)
            print(f"{task.name}: median {statistics.median(seconds):.3f} s of {REPEATS}")
            assert len(seconds) == REPEATS
