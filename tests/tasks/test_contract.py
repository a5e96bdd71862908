"""The contract of every built-in task: declared scores that come true, and splits that depend on the seed alone."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch

from archbench import Splits, Task
from support import Load, Score

NAMES = ("train", "validation", "test")


def hashes(splits: Splits) -> dict[str, str]:
    """Return the hash of each split."""
    found = {}
    for name in NAMES:
        split = getattr(splits, name)
        found[name] = hashlib.sha256(split.inputs.tobytes() + split.targets.tobytes()).hexdigest()
    return found


def test_perfect_predictor_has_the_oracle_score(every_task: str, tasks: dict[str, Task], score: Score) -> None:
    """Right answers score `oracle` exactly; or no bits, where the inputs do not determine them (T302)."""
    perfect, task = score(every_task, "perfect"), tasks[every_task]

    assert perfect == (0.0 if "T302" in task.expected_failures else task.oracle)
    assert perfect == task.oracle or task.metric == "bits_per_character"


def test_best_constant_has_the_chance_score(
    every_task: str, tasks: dict[str, Task], score: Score, standard_error: Callable[[str], float]
) -> None:
    """The best constant scores `chance`, within four standard errors of the test split."""
    assert score(every_task, "constant") == pytest.approx(
        tasks[every_task].chance, abs=4 * standard_error(every_task) + 1e-6
    )


def test_data_depend_on_the_seed_only(every_task: str, load: Load) -> None:
    """Loading again gives the same bytes whatever the global random states are, and does not change these."""
    first = hashes(load(every_task, seed=5))
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    again = hashes(load(every_task, seed=5))
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())

    assert again == first
    assert after == before


def test_seed_draws_training_and_validation_but_not_test(every_task: str, tasks: dict[str, Task], load: Load) -> None:
    """Another seed gives other training and validation data, unless a publisher fixed them, and the same test data."""
    first, other = hashes(load(every_task, seed=5)), hashes(load(every_task, seed=6))

    assert [name for name in NAMES if first[name] == other[name]] == (
        list(NAMES) if tasks[every_task].fixed_splits else ["test"]
    )


def test_largest_seed_does_not_repeat_the_test_split(every_task: str, load: Load) -> None:
    """With the largest seed of a trial the training data do not start with the test data."""
    splits = load(every_task, seed=2**32 - 1)
    few = 50

    assert splits.train.inputs[:few].tobytes() != splits.test.inputs[:few].tobytes()


@pytest.mark.slow
def test_another_process_draws_the_same(tasks: dict[str, Task], load: Load) -> None:
    """A process with another hash seed and its own global random state gets the same bytes for every task."""
    code = (
        "import hashlib, importlib, json, pathlib, archbench_tasks\n"
        "from archbench._declarations import convert_options\n"
        "found = {}\n"
        "for path in pathlib.Path(archbench_tasks.__file__).parent.glob('[!_]*.py'):\n"
        "    module = importlib.import_module(f'archbench_tasks.{path.stem}')\n"
        "    for task in getattr(module, 'archbench_tasks', list)():\n"
        f"        if task.name not in {list(tasks)}:\n"
        "            continue\n"
        "        splits = task.load(convert_options(task, {}), 5)\n"
        "        three = [getattr(splits, name) for name in ('train', 'validation', 'test')]\n"
        "        content = [split.inputs.tobytes() + split.targets.tobytes() for split in three]\n"
        "        found[task.name] = [hashlib.sha256(data).hexdigest() for data in content]\n"
        "print(json.dumps(found))"
    )
    command = [sys.executable, "-c", code]
    environment = {"PYTHONHASHSEED": "1", "ARCHBENCH_DATA": os.environ["ARCHBENCH_DATA"]}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    assert json.loads(done.stdout) == {name: list(hashes(load(name, seed=5)).values()) for name in tasks}


def test_variants_load(tasks: dict[str, Task], load: Load) -> None:
    """Every variant gives data that fit its description."""
    for task in tasks.values():
        for values in task.variants.values():
            load(task.name, **values)
