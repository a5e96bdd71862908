"""B112: reshape() and view() that mix up axes where transpose() was meant."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from archbench.testing._check import Check, Fault
from archbench.testing._engine import place_of_call
from archbench.testing.architecture._subject import Case, Subject, predict

BATCH = 7
STEPS = 13
"""Prime numbers: sizes that divide each other would hide axes that are mixed up."""


def keeps_axes_apart(subject: Subject) -> None:
    """Check that no reshape() cuts across the axes of its input, as one that replaces a transpose() does."""
    for case in subject.cases:
        for info in (_odd(case), case):
            seen = _Reshapes()
            try:
                with seen:
                    predict(subject.build(info), info.inputs(BATCH))
            except Exception:  # noqa: S112 - it does not take this many steps; the shape after it, it does
                continue
            break
        if seen.faults:
            raise Fault(f"{case}: {seen.faults[0]}")


def _odd(case: Case) -> Case:
    """Return the case with a prime number of steps, if it has steps."""
    if case.info.kind == "image":
        return case
    return Case(replace(case.info, input_shape=(STEPS, *case.info.input_shape[1:])))


class _Reshapes(TorchFunctionMode):
    """A mode that notes each reshape() that cuts across axes, also one in two steps, such as flatten and unflatten."""

    CALLS = (
        *(Tensor.reshape, Tensor.view, torch.reshape),
        *(Tensor.flatten, torch.flatten, Tensor.unflatten, torch.unflatten, Tensor.ravel, torch.ravel),
    )

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._first: dict[int, tuple[Tensor, tuple[int, ...]]] = {}  # the tensor, so that no other gets its id

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in self.CALLS and args[0].numel() == result.numel():  # not a view as another type
            after = tuple(result.shape)
            _, before = self._first.get(id(args[0]), (None, tuple(args[0].shape)))
            if result.dim() <= 2:  # merged but for the batch; groups of features may well be regrouped into heads
                self._first[id(result)] = (result, before)
            if cuts_across(before, after):
                self.faults.append(f"reshape of {before} to {after}{place_of_call()} mixes its axes")
        return result


def cuts_across(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Return whether a reshape neither merges nor splits axes, but takes other pieces than the axes are made of.

    A piece begins at each multiple of a stride. Where all strides, of before and after, divide each other, every axis
    is a run of whole axes, or a part of one. (13, 3) to (3, 13) is not of this kind, (13, 4) to (13, 2, 2) is. The
    shift of relative attention, (n, n + 1) to (n + 1, n), is meant to cut across.
    """
    first, second = ([size for size in shape if size > 1] for shape in (before, after))
    if sorted(first) == sorted(second):
        cut = first != second
    else:
        strides = sorted({*_strides(before), *_strides(after)})
        cut = any(large % small for small, large in pairwise(strides))
    return cut and not _shifts(before, after)


def _strides(shape: tuple[int, ...]) -> list[int]:
    return [math.prod(shape[axis:]) for axis in range(len(shape) + 1)]


def _shifts(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    return len(before) > 1 and len(after) > 1 and before[-2:] == after[:-3:-1] and abs(before[-1] - before[-2]) == 1


CHECKS = (
    Check(
        "B112",
        "reshape keeps axes apart",
        keeps_axes_apart,
        "to change the order of axes use transpose() or permute(); reshape() reads the numbers in their old order",
        ("B104",),
    ),
)
