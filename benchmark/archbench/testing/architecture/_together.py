"""B602: several seeds as one batched network."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from archbench._training import DifferentError, NotTogetherError, compare
from archbench.testing._check import Check, Fault, NotApplicable
from archbench.testing.architecture._subject import Subject, logits_of

SEEDS = 3
BATCH = 4


def trains_together(subject: Subject) -> str:
    """Check that networks of several seeds take the steps of each if torch batches them; return what was compared."""
    largest = 0.0
    for case in subject.main_cases:
        networks = [subject.build(case, seed=seed) for seed in range(SEEDS)]
        inputs = torch.stack([case.inputs(BATCH, seed=seed) for seed in range(SEEDS)])
        targets = torch.stack([case.targets(BATCH)] * SEEDS)
        try:
            found = compare(networks, [inputs], targets, loss="cross_entropy", control=_loss)
        except DifferentError as error:
            raise Fault(f"{case}: {error}") from error
        except NotTogetherError as error:
            raise NotApplicable(f"its seeds are trained one by one: {error}") from error
        largest = max(largest, found)
    return f"{SEEDS} seeds as one network; largest difference {largest:.1g} of the largest number"


def _loss(answer: Any, targets: Tensor) -> Tensor:
    return cross_entropy(logits_of(answer).flatten(0, -2), targets.flatten())


CHECKS = (
    Check(
        "B602",
        "several seeds train as one batched network, or one by one",
        trains_together,
        "keep all that differs between seeds in parameters and buffers; look at vmap() of its autograd functions",
        ("B108", "B303", "B305"),
    ),
)
