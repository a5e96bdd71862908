"""Checks that splits fit what their task declares; splits that do become the tensors of a trial."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from archbench._declarations import IGNORED, Examples, Splits, Task, TaskInfo
from archbench._errors import DeclarationError
from archbench._training._splits import ResidentSplit, Split
from archbench._training._streaming import StreamedSplit, must_stream


def check_splits(splits: Splits, task: Task, info: TaskInfo, memory: int) -> dict[str, Split]:
    """Return the splits as CPU tensors, or as streamed splits where the inputs do not fit in memory.

    Args:
        splits: the splits that the task loaded.
        task, info: the declaration that they must fit.
        memory: bytes of memory of the device that trains.

    Raises:
        DeclarationError: a split does not fit the `TaskInfo` or the loss.
    """
    checked: dict[str, Split] = {}
    for name, examples, where in _named(splits, task):
        _check(examples, where, task, info)
        if must_stream(examples.inputs, memory):
            checked[name] = StreamedSplit(examples.inputs, torch.from_numpy(examples.targets), _lengths(examples, info))
        else:
            checked[name] = split = _in_memory(examples, where, info)
            if not split.inputs.sum(dtype=torch.float64).isfinite():  # a sum shows each number that is not
                raise DeclarationError(f"{where}: an input is NaN or infinite, from which every network would diverge")
    return checked


def resident_splits(splits: Splits, task: Task, info: TaskInfo) -> dict[str, ResidentSplit]:
    """Return the splits as CPU tensors, whatever their size.

    Args:
        splits: the splits that the task loaded.
        task, info: the declaration that they must fit.

    Raises:
        DeclarationError: a split does not fit the `TaskInfo` or the loss.
    """
    for _, examples, where in _named(splits, task):
        _check(examples, where, task, info)
    return {name: _in_memory(examples, where, info) for name, examples, where in _named(splits, task)}


def _named(splits: Splits, task: Task) -> list[tuple[str, Examples, str]]:
    if not isinstance(splits, Splits):
        given = type(splits).__name__
        raise DeclarationError(f"task {task.name!r}: load returned an object of type {given}, not archbench.Splits")
    names = ("train", "validation", "test")
    return [(name, getattr(splits, name), f"task {task.name!r}, {name} split") for name in names]


def _in_memory(examples: Examples, where: str, info: TaskInfo) -> ResidentSplit:
    inputs = examples.inputs
    if not isinstance(inputs, np.ndarray):
        raise DeclarationError(f"{where}: inputs that are read on demand cannot be used here; give a numpy array")
    if isinstance(inputs, np.memmap):
        inputs = np.array(inputs)  # read once and whole, not batch by batch
    return ResidentSplit(torch.from_numpy(inputs), torch.from_numpy(examples.targets), _lengths(examples, info))


def _lengths(examples: Examples, info: TaskInfo) -> Tensor | None:
    if not info.variable_length:
        return None
    if examples.lengths is None:
        return torch.full((len(examples.targets),), info.input_shape[0])
    return torch.from_numpy(examples.lengths)


def _check(examples: Examples, where: str, task: Task, info: TaskInfo) -> None:
    _check_inputs(examples, where, info)
    _check_targets(examples.targets, where, task, info)
    if examples.lengths is not None:
        _check_lengths(examples.lengths, examples.targets, where, info)
    if task.targets == "classes":
        _check_labels(examples.targets[examples.targets != IGNORED], where, info)
    else:
        _check_known(examples.targets, where, task)


def _check_inputs(examples: Examples, where: str, info: TaskInfo) -> None:
    inputs, targets = examples.inputs, examples.targets
    like_array = all(hasattr(inputs, name) for name in ("shape", "dtype", "__len__", "__getitem__"))
    if not like_array or not isinstance(targets, np.ndarray):
        raise DeclarationError(f"{where}: inputs and targets must be numpy arrays; inputs may be an object like one")
    if len(inputs) == 0 or len(inputs) != len(targets):
        raise DeclarationError(
            f"{where}: {len(inputs)} inputs and {len(targets)} targets; need equally many, at least 1"
        )
    kind = np.int64 if info.kind == "tokens" else np.float32
    if inputs.shape[1:] != info.input_shape or inputs.dtype != kind:
        raise DeclarationError(
            f"{where}: inputs are {inputs.dtype}{inputs.shape[1:]}, TaskInfo says {np.dtype(kind)}{info.input_shape}"
        )


def _check_targets(targets: np.ndarray[Any, Any], where: str, task: Task, info: TaskInfo) -> None:
    per_step = info.input_shape[:1] if info.per_step else ()
    shape = per_step if task.targets == "classes" else (*per_step, info.outputs)
    dtype = np.float32 if task.targets == "numbers" else np.int64
    if targets.shape[1:] != shape or targets.dtype != dtype:
        raise DeclarationError(
            f"{where}: targets are {targets.dtype}{targets.shape[1:]}, need {np.dtype(dtype)}{shape}"
        )


def _check_lengths(lengths: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], where: str, info: TaskInfo) -> None:
    if not info.variable_length:
        raise DeclarationError(
            f"{where}: there are lengths, and TaskInfo.variable_length is False; set it, or drop them"
        )
    if not isinstance(lengths, np.ndarray) or lengths.dtype != np.int64 or lengths.shape != targets.shape[:1]:
        raise DeclarationError(f"{where}: lengths must be an int64 array ({len(targets)},)")
    steps = info.input_shape[0]
    if lengths.min() < 1 or lengths.max() > steps:
        raise DeclarationError(f"{where}: lengths run from {lengths.min()} to {lengths.max()}, not within 1 to {steps}")
    if info.per_step:
        beyond = targets[np.arange(steps) >= lengths[:, None]]
        if not (np.isnan(beyond) if beyond.dtype.kind == "f" else beyond == IGNORED).all():
            raise DeclarationError(
                f"{where}: a label beyond the length of its example is not IGNORED, or a number there is not NaN"
            )


def _check_labels(labels: np.ndarray[Any, Any], where: str, info: TaskInfo) -> None:
    if len(labels) == 0:
        raise DeclarationError(f"{where}: every label is IGNORED; at least one must be asked for")
    if labels.min() < 0 or labels.max() >= info.outputs:
        raise DeclarationError(
            f"{where}: labels run from {labels.min()} to {labels.max()}, not 0 to {info.outputs - 1}"
        )


def _check_known(targets: np.ndarray[Any, Any], where: str, task: Task) -> None:
    """Check numbers and labels: those that are missing are declared, and some are there."""
    missing = np.isnan(targets) if targets.dtype.kind == "f" else targets == IGNORED
    if missing.any() and not task.missing_targets:
        raise DeclarationError(
            f"{where}: {int(missing.sum())} targets are {'NaN' if targets.dtype.kind == 'f' else 'IGNORED'}; fill them "
            "in, or declare missing_targets=True if they are not known"
        )
    if missing.all():
        raise DeclarationError(f"{where}: every target is missing; at least one must be there")
    if task.targets == "labels" and not np.isin(targets[~missing], (0, 1)).all():
        raise DeclarationError(f"{where}: labels run from {targets.min()} to {targets.max()}; each is 0 or 1")
