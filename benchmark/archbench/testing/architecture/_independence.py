"""B104, B107 and B108: an answer depends on no other example, no padding and no earlier batch."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from archbench.testing._check import Check
from archbench.testing._isolation import seed_everything
from archbench.testing.architecture._subject import (
    Case,
    Subject,
    check_close,
    logits_of,
    predict,
    without_dropout,
)

REPLACED = ((2, 3), (0, 1), (1, 3), (0, 2))
"""Examples of a batch of four to replace: for any two, one is replaced while the other stays, in either direction."""


def independent_samples(subject: Subject) -> None:
    """Check that the logits of an example do not change with the other examples, its place or the size of its batch."""
    for case in subject.main_cases:
        network, inputs = subject.build(case), case.inputs(4)
        usual = predict(network, inputs)
        scale = 1 if case.info.kind == "tokens" else 10
        for replaced in REPLACED:
            other = inputs.clone()
            other[list(replaced)] = case.inputs(2, seed=1) * scale
            kept = [index for index in range(4) if index not in replaced]
            those, these = (" and ".join(str(index + 1) for index in chosen) for chosen in (replaced, kept))
            what = f"{case}: replacing examples {those} of a batch moves the logits of {these}"
            check_close(usual[kept], predict(network, other)[kept], what)
        what = f"{case}: the logits of an example depend on its place in the batch: reversing the batch moves them"
        check_close(usual, predict(network, inputs.flip(0)).flip(0), what)
        # Only roughly: a batch of another size takes other kernels.
        alone = predict(network, inputs[:1])
        check_close(usual[:1], alone, f"{case}: an example without its batch gets other logits", tolerance=1e-3)


def blind_beyond_length(subject: Subject) -> str | None:
    """Check that neither the content nor the amount of padding moves the logits of real steps.

    Applies to architectures that declare `takes_lengths`.
    """
    if not subject.architecture.takes_lengths:
        return "it is not told the lengths"
    for case in subject.cases:
        if case.info.kind != "image":
            _check_padding(subject, Case(replace(case.info, variable_length=True)))
    return None


def _check_padding(subject: Subject, case: Case) -> None:
    network, inputs, steps = subject.build(case).eval(), case.inputs(5), case.info.input_shape[0]
    lengths = torch.tensor([1, 2, steps // 2, steps - 1, steps])
    real = torch.arange(steps) < lengths[:, None]
    mask = real.view(*real.shape, *[1] * (inputs.dim() - 2))
    padded = torch.where(mask, inputs, torch.zeros_like(inputs))
    first = predict(network, padded, lengths)
    second = predict(network, torch.where(mask, inputs, case.inputs(5, seed=1)), lengths)
    answers = real if case.info.per_step else torch.ones(5, dtype=torch.bool)
    check_close(first[answers], second[answers], f"{case}: noise in place of the padding moves the logits")
    full = torch.full((5,), steps)
    check_close(predict(network, inputs, full), predict(network, inputs), f"{case}: full lengths move the logits")
    shorter = _with_less_padding(network, padded[:3, : steps // 2], lengths[:3])
    if shorter is not None:
        expected = first[:3, : steps // 2] if case.info.per_step else first[:3]
        kept = real[:3, : steps // 2] if case.info.per_step else answers[:3]
        check_close(expected[kept], shorter[kept], f"{case}: the amount of padding moves the logits", tolerance=1e-4)


def _with_less_padding(network: nn.Module, inputs: Tensor, lengths: Tensor) -> Tensor | None:
    """Return the logits of shorter inputs, or None if the network takes inputs of one length only."""
    try:
        return predict(network, inputs, lengths)
    except (RuntimeError, ValueError, IndexError, AssertionError):
        return None


def forgets_batches(subject: Subject) -> None:
    """Check that in training the logits of a batch are the same, whichever batch came before it.

    Weights are not changed between the two. Both batches have one size, as a state that is kept fits only such.
    """
    for case in subject.main_cases:
        first, second = (_logits_after(subject, case, seed) for seed in (1, 2))
        check_close(first, second, f"{case}: in training, another batch before it moves the logits of a batch")


def _logits_after(subject: Subject, case: Case, seed: int) -> Tensor:
    """Return the logits that a batch gets in training after another one, drawn from a seed."""
    network = without_dropout(subject.build(case))
    with torch.no_grad():
        for index, earlier in enumerate((seed, 0)):
            seed_everything(index)
            logits = logits_of(network(case.inputs(4, seed=earlier)))
    return logits


CHECKS = (
    Check(
        "B104",
        "in evaluation an example does not depend on the rest of its batch",
        independent_samples,
        "a mean, norm, attention or recurrence runs over the batch axis; check dim=, batch_first= and the axes of "
        "reshape()",
        ("B105", "B106"),
    ),
    Check(
        "B107",
        "the padding beyond the length of an example does not matter",
        blind_beyond_length,
        "read a causal net at step length - 1; mask the keys of attention; average over real steps and divide by their "
        "number",
        ("B103",),
    ),
    Check(
        "B108",
        "in training a batch does not depend on the batch before it",
        forgets_batches,
        "start every forward pass from a fresh hidden state; batches are shuffled, and their examples do not follow "
        "each other",
        ("B104", "B305"),
    ),
)
