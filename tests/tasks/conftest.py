"""Fixtures of the tests of the built-in tasks: declarations by name, splits, and scores through the real pipeline."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import archbench_tasks
from archbench import Splits, Task
from archbench._declarations import convert_options
from archbench._plugins import load_plugins
from archbench._protocols import HOUSE_RECIPE
from archbench._selection import Selected, open_own_data
from archbench._training._module import TrialModule
from archbench._training._split_checks import resident_splits
from archbench._training._splits import EvaluationBatches
from support import Load, Score


def all_tasks() -> Iterator[Task]:
    """Yield every task that the modules of `archbench_tasks` declare."""
    for path in sorted(Path(archbench_tasks.__file__).parent.glob("[!_]*.py")):
        module = importlib.import_module(f"archbench_tasks.{path.stem}")
        if hasattr(module, "archbench_tasks"):  # the other modules read people's own files
            yield from module.archbench_tasks()


# These have tests of their own: a small set has no room for their thousands of classes.
MANY_CLASSES = ("imagenet", "penn-treebank-words", "wikitext-2-words")
TASKS = {task.name: task for task in all_tasks() if task.name not in MANY_CLASSES}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `every_task` for each task."""
    if "every_task" in metafunc.fixturenames:
        metafunc.parametrize("every_task", TASKS)


@pytest.fixture(scope="session")
def tasks() -> dict[str, Task]:
    """Return the built-in tasks by name."""
    return TASKS


@pytest.fixture(scope="session")
def load() -> Load:
    """Return a function that loads splits and checks them as a trial does: `load("adding", seed=3, length=20)`."""
    return _load


@functools.cache
def _defaults(name: str) -> Splits:
    """Return the splits of seed 0 with default options; tests share them, so they must not change them."""
    return _load(name, seed=0)


def _load(name: str, *, seed: int = 0, **values: Any) -> Splits:
    task = TASKS[name]
    options = convert_options(task, values)
    assert callable(task.load)
    splits = task.load(options, seed)
    resident_splits(splits, task, task.describe(options))
    return splits


@pytest.fixture(scope="session")
def open_own() -> Callable[[str], list[Selected[Task]]]:
    """Return a function from a selector of own data to its tasks: `open_own("images:PATH")`."""
    return lambda selector: open_own_data(selector, load_plugins(only=[]).readers)


class Answers(nn.Module):
    """A network that answers a batch of inputs with the result of a function."""

    def __init__(self, answer: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the answers to a batch."""
        return self.answer(x)


@pytest.fixture(scope="session")
def score() -> Score:
    """Return a function that scores a predictor as a trial does: `score("adding", "perfect")` or `"constant"`."""
    return _score


def _score(name: str, predictor: str) -> float:
    task = TASKS[name]
    info = task.describe(convert_options(task, {}))
    splits = resident_splits(_defaults(name), task, info)
    test = splits["test"]
    as_answer = _as_answer(task, info.outputs)
    if predictor == "constant" and task.metric == "bits_per_character":
        labels = test.targets[test.targets >= 0]
        frequencies = torch.bincount(labels, minlength=info.outputs) / len(labels)
        network = Answers(lambda x: frequencies.log().expand(*test.targets[: len(x)].shape, -1))
    elif predictor == "constant":
        network = Answers(lambda x: best_constant(task, test.targets).expand(*test.targets[: len(x)].shape))
        answer = network.answer
        network.answer = lambda x: as_answer(answer(x))
    else:
        known = {
            row.numpy().tobytes(): target
            for split in (splits["train"], test)  # the plain training loss is measured after the test
            for row, target in zip(split.inputs, split.targets, strict=True)
        }
        network = Answers(lambda x: as_answer(torch.stack([known[row.numpy().tobytes()] for row in x])))
    module = TrialModule(network, task, info, recipe=HOUSE_RECIPE, steps=1, splits=splits, clock_start=0.0)
    module.score(EvaluationBatches(test, "test", info))
    assert module.scores["last"] == module.scores["selected"]
    return module.scores["last"]


def _as_answer(task: Task, outputs: int) -> Callable[[Tensor], Tensor]:
    """Return a function from targets to the outputs of a network that knows them."""
    if task.loss == "mean_squared_error":
        return lambda targets: targets
    sure = 1.0 if task.metric == "accuracy" else 1e4
    return lambda labels: nn.functional.one_hot(labels.clamp(min=0), outputs) * sure


def best_constant(task: Task, targets: Tensor) -> Tensor:
    """Return the most frequent label, or the mean."""
    if task.loss == "mean_squared_error":
        return targets.mean()
    return targets[targets >= 0].mode().values


@pytest.fixture(scope="session")
def standard_error() -> Callable[[str], float]:
    """Return a function from a task to the standard error of the score of the best constant on the test split."""

    def error(name: str) -> float:
        task, targets = TASKS[name], torch.from_numpy(_defaults(name).test.targets)
        constant = best_constant(task, targets)
        asked = targets if task.loss == "mean_squared_error" else targets[targets >= 0]
        if task.metric == "bits_per_character":
            values = -(torch.bincount(asked) / len(asked)).log2()[asked]
        else:
            values = (asked - constant) ** 2 if task.loss == "mean_squared_error" else (asked == constant).float()
        return float(values.std() / np.sqrt(values.numel()))

    return error
