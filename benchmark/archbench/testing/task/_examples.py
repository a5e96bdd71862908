"""T1xx: the examples of each split: labels, shapes, numbers and padding."""

from __future__ import annotations

import numpy as np
import torch

from archbench._declarations import IGNORED
from archbench.testing._check import Check, Fault
from archbench.testing.task._subject import SPLIT_NAMES, TaskSubject

LARGEST = 20.0
"""The largest mean or standard deviation of a channel or feature that needs no scaling."""
LOOKED_AT = 1000


def labels_in_range(subject: TaskSubject) -> None:
    """Check that class labels run from 0 to outputs - 1 and that training has each of them.

    The symbols of a language are exempt from the second half: a rare symbol may occur in one split only.
    """
    if subject.task.targets == "labels":
        _both_answers(subject)
    if subject.task.targets != "classes":
        return
    for name in SPLIT_NAMES:
        targets = getattr(subject.whole, name).targets
        if not isinstance(targets, np.ndarray) or targets.dtype.kind not in "iu" or not len(targets):
            return  # not labels at all: T102 says what they should be
        labels = targets[targets != IGNORED]
        if not len(labels):
            raise Fault(f"every {name} label is IGNORED")
        if labels.min() < 0 or labels.max() >= subject.info.outputs:
            raise Fault(f"{name} labels run from {labels.min()} to {labels.max()}, not 0 to {subject.info.outputs - 1}")
    missing = sorted(set(range(subject.info.outputs)) - set(np.unique(subject.whole.train.targets).tolist()))
    if missing and not subject.task.rules.of_distributions:
        raise Fault(f"no training example has label {', '.join(map(str, missing[:5]))}")


def _both_answers(subject: TaskSubject) -> None:
    """Check that in training each label is there in some examples and not in others."""
    targets = subject.whole.train.targets
    if not isinstance(targets, np.ndarray) or targets.dtype.kind not in "iu" or targets.ndim < 2:
        return  # not labels at all: T102 says what they should be
    rows = targets.reshape(-1, targets.shape[-1])
    for label in range(rows.shape[1]):
        for answer in (0, 1):
            if not (rows[:, label] == answer).any():
                raise Fault(f"label {label} is {1 - answer} in every training example")


def fits_info(subject: TaskSubject) -> str:
    """Check shapes, types and sizes as a trial does, and return a note with the sizes of the splits."""
    said = []
    for name, read in subject.tensors.items():
        size = len(getattr(subject.whole, name).inputs)
        said.append(f"{name} {size:,}" + (f" ({len(read):,} of them read)" if len(read) < size else ""))
    return ", ".join(said)


def finite(subject: TaskSubject) -> None:
    """Check that no number is infinite or not a number, and that tokens lie in the vocabulary."""
    for name, split in subject.tensors.items():
        for what, tensor in (("inputs", split.inputs), ("targets", split.targets)):
            if what == "targets" and subject.task.missing_targets:
                tensor = tensor.nan_to_num(nan=0.0, posinf=torch.inf, neginf=-torch.inf)
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise Fault(f"{name} {what}: {int((~tensor.isfinite()).sum())} numbers are not finite")
        vocabulary = subject.info.vocabulary
        if vocabulary is not None and not (int(split.inputs.min()) >= 0 and int(split.inputs.max()) < vocabulary):
            tokens = f"{name} tokens run from {split.inputs.min()} to {split.inputs.max()}"
            raise Fault(f"{tokens}, not 0 to {vocabulary - 1}")


def empty_padding(subject: TaskSubject) -> str:
    """Check that there are only zeros beyond the length of an example, and return a note with the lengths."""
    if not subject.info.variable_length:
        return "all examples have the same length"
    said = []
    for name in SPLIT_NAMES:
        inputs, lengths = subject.tensors[name].inputs, subject.tensors[name].lengths
        assert lengths is not None
        beyond = torch.arange(inputs.shape[1]) >= lengths[:, None]
        filled = int(inputs[beyond].flatten(1).any(1).sum() if inputs.dim() > 2 else inputs[beyond].count_nonzero())
        if filled:
            raise Fault(f"{name}: {filled:,} steps beyond the length of their example are not 0")
        said.append(f"{name} {lengths.min()} to {lengths.max()} steps")
    return ", ".join(said)


def scaled(subject: TaskSubject) -> None:
    """Check that each channel or feature of the training inputs has numbers of ordinary size."""
    inputs = subject.tensors["train"].inputs
    if not inputs.is_floating_point():
        return
    axis = 1 if subject.info.kind == "image" else inputs.dim() - 1
    columns = inputs[:LOOKED_AT].movedim(axis, 0).flatten(1)
    for number, (mean, spread) in enumerate(zip(columns.mean(1).tolist(), columns.std(1).tolist(), strict=True), 1):
        if max(abs(mean), spread) > LARGEST or 0 < spread < 1 / LARGEST**3:
            what = "channel" if subject.info.kind == "image" else "feature"
            raise Fault(f"{what} {number} of the inputs has mean {mean:.3g} and standard deviation {spread:.3g}")


CHECKS = (
    Check(
        "T101",
        "labels are in range, and training has each class",
        labels_in_range,
        "labels are 0 to outputs - 1; draw the splits class by class where classes are rare",
        ("T004",),
    ),
    Check(
        "T102",
        "the splits are what TaskInfo says",
        fits_info,
        "inputs float32 (N, *input_shape), int64 for tokens; targets int64 (N,), or float32 (N, outputs), or for "
        "labels int64 (N, outputs) of 0 and 1",
        ("T101",),
    ),
    Check(
        "T103",
        "finite numbers, and tokens of the vocabulary",
        finite,
        "a division by a standard deviation of 0, or an unknown token",
        ("T102",),
    ),
    Check(
        "T104",
        "the padding of examples of variable length is zero",
        empty_padding,
        "pad at the end, with numpy.zeros: networks that are not told the lengths get the padding in front, as it is",
        ("T102",),
    ),
    Check(
        "T105",
        "inputs are of ordinary size",
        scaled,
        "divide pixels by 255, and features by their standard deviation in training: networks and learning rates are "
        "made for numbers near 1",
        ("T103",),
        level="warning",
    ),
)
