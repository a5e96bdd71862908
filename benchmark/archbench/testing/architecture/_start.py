"""B204 and B205: the logits of a network that has not been trained yet."""

from __future__ import annotations

import torch
from torch import Tensor

from archbench.testing._check import Check, Fault
from archbench.testing.architecture._subject import Case, Subject, logits_of, without_dropout

LARGEST = 30.0
"""Root mean square of logits at the start; the built-ins have at most 5, and a loss near that of chance."""
SMALLEST = 1e-8


def moderate_logits(subject: Subject) -> str:
    """Check that the logits at the start are not so large that the first losses are tens of times that of chance.

    Returns:
        A note with the root mean square of the logits for each kind of input.
    """
    notes = []
    for case in subject.main_cases:
        size = float(_first_logits(subject, case).square().mean().sqrt())
        if not size <= LARGEST:
            raise Fault(
                f"{case}: the logits at the start have a root mean square of {size:.3g} (at most {LARGEST:g}): the "
                "network is sure of its random answers, and training first has to undo them"
            )
        notes.append(f"{size:.2g}")
    return f"root mean square {', '.join(notes)}"


def moving_logits(subject: Subject) -> None:
    """Check that the logits at the start differ between examples, so that the first step trains more than the head."""
    for case in subject.main_cases:
        logits = _first_logits(subject, case)
        if not float((logits - logits[:1]).abs().max()) > SMALLEST:
            raise Fault(f"{case}: at the start all examples get the same logits, so that only the last layer learns")


def _first_logits(subject: Subject, case: Case) -> Tensor:
    """Return the logits of a new network in training, in which norms use the statistics of the batch."""
    network = without_dropout(subject.build(case))
    with torch.no_grad():
        return logits_of(network(case.inputs(16)))


CHECKS = (
    Check(
        "B204",
        "starts with logits of ordinary size",
        moderate_logits,
        "scale the initial weights of the last layer by 1/sqrt(its inputs), as torch does, and normalise what goes in",
        ("B103",),
    ),
    Check(
        "B205",
        "starts with logits that differ between examples",
        moving_logits,
        "a last layer that starts at zero passes no gradient on; give it small random weights, or declare an exception",
        ("B203",),
        level="warning",
    ),
)
