"""The task under test: its splits as it gives them, as a trial gets them, and their hashes."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from archbench._declarations import Examples, Splits, Task, TaskInfo, convert_options, resolve
from archbench._plugins import Registered
from archbench._selection import make_label
from archbench._training._split_checks import resident_splits
from archbench._training._splits import ResidentSplit
from archbench.testing._check import Fault
from archbench.testing._engine import describe
from archbench.testing._isolation import seed_everything
from archbench.testing._network import without_network

SPLIT_NAMES = ("train", "validation", "test")
SAMPLED = 256
"""Examples that are checked of a split whose inputs are read on demand."""


class TaskSubject:
    """A task under one setting of its options.

    Args:
        task: the declaration.
        options: an instance of its options class; None for the defaults.
        registered: the declaration with its plugin; None if it was not loaded as a plugin.
        fingerprints: the file of kept fingerprints; None if none are kept.
        known_codes: the codes of all checks of tasks.
    """

    def __init__(
        self,
        task: Task,
        *,
        options: Any = None,
        registered: Registered[Task] | None = None,
        fingerprints: Path | None = None,
        known_codes: tuple[str, ...] = (),
    ) -> None:
        self.task, self.registered, self.fingerprints, self.known_codes = task, registered, fingerprints, known_codes
        self.options = convert_options(task, {}) if options is None else options
        self.attempts: list[str] = []
        self._hashes: dict[int, dict[str, str]] = {}

    @property
    def key(self) -> str:
        """The name under which the fingerprint is kept."""
        provider = f"{self.registered.origin.distribution}/" if self.registered else ""
        return provider + make_label(self.task, self.options)

    @cached_property
    def info(self) -> TaskInfo:
        """The kind, the shapes and the outputs of the task."""
        return self.task.describe(self.options)

    def load(self, seed: int) -> Splits:
        """Load the splits anew; of inputs that are read on demand, return only a sample, as an array."""
        return _sample_splits(self._load(seed))

    @cached_property
    def whole(self) -> Splits:
        """The splits for seed 0 as the task gives them, with inputs that may be read on demand."""
        seed_everything(0)
        return self._load(0)

    def _load(self, seed: int) -> Splits:
        with without_network(self.attempts, "data are loaded"):
            splits = _find_load(self.task)(self.options, seed)
        if not isinstance(splits, Splits):
            raise Fault(f"load returned an object of type {type(splits).__name__}, not archbench.Splits")
        for name in SPLIT_NAMES:
            if not isinstance(split := getattr(splits, name), Examples):
                raise Fault(f"the {name} split is an object of type {type(split).__name__}, not archbench.Examples")
        return splits

    @cached_property
    def splits(self) -> Splits:
        """The splits for seed 0, all as arrays."""
        return _sample_splits(self.whole)

    @cached_property
    def tensors(self) -> dict[str, ResidentSplit]:
        """The splits for seed 0 as tensors, checked and converted as for a trial."""
        return resident_splits(self.splits, self.task, self.info)

    def hashes(self, seed: int) -> dict[str, str]:
        """Return the hash of each split for a seed; the splits are loaded once."""
        if seed not in self._hashes:
            seed_everything(0)
            self._hashes[seed] = hash_each_split(self.splits if seed == 0 else self.load(seed))
        return self._hashes[seed]


def _find_load(task: Task) -> Callable[[Any, int], Any]:
    """Return the function that loads.

    Raises:
        Fault: there is none, or it cannot be called with options and a seed.
    """
    try:
        load = resolve(task.load)
    except (ImportError, AttributeError) as error:
        raise Fault(f"load is {task.load!r}, and importing it {describe(error)}") from error
    try:
        inspect.signature(load).bind(None, 0)
    except TypeError as error:
        code = getattr(load, "__code__", None)
        place = f" ({code.co_filename}:{code.co_firstlineno})" if code else ""
        raise Fault(f"load cannot be called as load(options, seed): {error}{place}") from None
    except ValueError:  # a function of C tells nothing of its arguments
        pass
    return load


def _sample_splits(splits: Splits) -> Splits:
    return Splits(*(_sample(getattr(splits, name)) for name in SPLIT_NAMES))


def _sample(examples: Examples) -> Examples:
    """Return evenly spaced examples if the inputs are read on demand, or else all of them."""
    inputs = examples.inputs
    if isinstance(inputs, np.ndarray) or not hasattr(inputs, "shape"):
        return examples
    index = np.unique(np.linspace(0, len(inputs) - 1, SAMPLED).astype(np.int64))
    return Examples(np.asarray(inputs[index]), examples.targets[index])


def hash_each_split(splits: Splits) -> dict[str, str]:
    """Return a hash of each split, over every example in order."""
    return {name: _hash(getattr(splits, name)) for name in SPLIT_NAMES}


def _hash(examples: Examples) -> str:
    digest = hashlib.sha256()
    for array in (examples.inputs, examples.targets, *(() if examples.lengths is None else (examples.lengths,))):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]
