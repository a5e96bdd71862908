"""What every built-in task owes the suite: stated scores that come true, and data that depend on the seed alone."""

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
    """The content of each split."""
    found = {}
    for name in NAMES:
        part = getattr(splits, name)
        found[name] = hashlib.sha256(part.inputs.tobytes() + part.targets.tobytes()).hexdigest()
    return found


def test_perfect_predictor_has_the_oracle_score(every_task: str, tasks: dict[str, Task], score: Score) -> None:
    """The right answers score `oracle` exactly, if the inputs determine them; else they cost no bit, which is less."""
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
    """Loading again gives the same bytes whatever the global random states, and leaves these as they are."""
    first = hashes(load(every_task, seed=5))
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # type: ignore[index]
    again = hashes(load(every_task, seed=5))
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # type: ignore[index]

    assert again == first
    assert after == before


def test_seed_draws_training_and_validation_but_not_test(every_task: str, tasks: dict[str, Task], load: Load) -> None:
    """Another seed gives other training and validation data, unless they are published, and the same test data."""
    first, other = hashes(load(every_task, seed=5)), hashes(load(every_task, seed=6))

    assert [name for name in NAMES if first[name] == other[name]] == (
        list(NAMES) if tasks[every_task].fixed_splits else ["test"]
    )


def test_largest_seed_does_not_repeat_the_test_split(every_task: str, load: Load) -> None:
    """No seed that a trial can have starts the training data with the test data."""
    splits = load(every_task, seed=2**32 - 1)
    few = 50

    assert splits.train.inputs[:few].tobytes() != splits.test.inputs[:few].tobytes()


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
        "        parts = [getattr(splits, name) for name in ('train', 'validation', 'test')]\n"
        "        content = [part.inputs.tobytes() + part.targets.tobytes() for part in parts]\n"
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
