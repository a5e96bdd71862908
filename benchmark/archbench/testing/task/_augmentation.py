"""T106: the augmentation of training batches, which networks and trials rely on."""

from __future__ import annotations

import torch
from torch import Tensor

from archbench._declarations import resolve
from archbench._training._augmentation import Augment, AugmentationError, check_augmented
from archbench.testing._check import Check, Fault
from archbench.testing._isolation import seed_everything
from archbench.testing.task._subject import TaskSubject

BATCH = 64
"""Training examples that are augmented."""


def keeps_the_batch(subject: TaskSubject) -> str | None:
    """Check that `augment` returns a batch like the one it gets, and draws from its generator alone."""
    if subject.task.augment is None:
        return "no augmentation"
    augment: Augment = resolve(subject.task.augment)
    inputs = subject.tensors["train"].inputs[:BATCH]
    first = _augment(augment, inputs)
    if first.is_floating_point() and not first.isfinite().all():
        raise Fault(f"augment returned {int((~first.isfinite()).sum())} numbers that are not finite")
    seed_everything(1)
    if not torch.equal(first, _augment(augment, inputs)):
        raise Fault("augment gave two different batches for one state of its generator")
    return None


def _augment(augment: Augment, inputs: Tensor) -> Tensor:
    """Return an augmented copy of a batch, from a generator in its first state."""
    given = inputs.clone()
    changed = augment(given, torch.Generator().manual_seed(0))
    try:
        check_augmented(changed, inputs)
    except AugmentationError as error:
        raise Fault(str(error)) from None
    if not torch.equal(given, inputs):
        raise Fault("augment alters the batch that it gets")
    return changed


CHECKS = (
    Check(
        "T106",
        "augmentation keeps shape and type, and draws from its generator alone",
        keeps_the_batch,
        "return an altered copy of the same shape and dtype, and pass generator=generator to every function of torch "
        "that draws",
        ("T103",),
    ),
)
