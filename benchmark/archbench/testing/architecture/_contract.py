"""B101 to B106 and B405: inputs, outputs and size of the network, and evaluation without side effects."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from archbench._declarations import Outputs, convert_options
from archbench.testing._check import Check, Fault
from archbench.testing._isolation import changes, streams, torch_stream
from archbench.testing.architecture._subject import (
    Case,
    Subject,
    all_logits,
    different_entries,
    first_few,
    predict,
    same,
    state_of,
)


def builds(subject: Subject) -> None:
    """Build every case with the options under test and run it once; build every variant, without its weights."""
    for case in subject.cases:
        network = subject.build(case)
        lazy = [name for name, p in network.named_parameters() if isinstance(p, nn.parameter.UninitializedParameter)]
        if lazy:
            raise Fault(
                f"{case}: lazy parameters have no shape yet ({first_few(lazy)}); compute sizes from task.input_shape"
            )
        if not any(p.requires_grad for p in network.parameters()):
            raise Fault(f"{case}: the network has no trainable parameters")
        _check_output(network.eval()(case.inputs(3)), case, 3)
    for case in subject.main_cases:
        _build_for_one_output(subject, case)
    for name in subject.architecture.variants:
        _build_variant(subject, name)


def _build_for_one_output(subject: Subject, case: Case) -> None:
    """Build a case as a binary task has it, of one logit, unless the architecture declines that."""
    one = Case(replace(case.info, outputs=1))
    if subject.refusal(one.info, subject.options) is None:
        with torch.no_grad():
            _check_output(subject.build(one).eval()(one.inputs(3)), one, 3)


def _build_variant(subject: Subject, name: str) -> None:
    """Build a variant for the task on which its parameters are counted, or else for the first case that it takes."""
    architecture = subject.architecture
    options = convert_options(architecture, architecture.variants[name])
    counted = [Case(architecture.parameters[name][0])] if name in architecture.parameters else []
    for case in [*counted, *subject.cases]:
        if subject.refusal(case.info, options) is None:
            try:
                subject.parameters_of(name, case.info)
            except Exception as error:
                raise Fault(f"variant {name!r} on {case}: {type(error).__name__}: {error}") from error
            return


def _check_output(output: Tensor | Outputs, case: Case, batch: int) -> None:
    for logits in all_logits(output):
        if tuple(logits.shape) != case.output_shape(batch):
            raise Fault(f"{case}: a batch of {batch} gave {tuple(logits.shape)}, expected {case.output_shape(batch)}")


def any_batch_size(subject: Subject) -> None:
    """Check the shape of the logits for batches of 1, 2 and 5 examples."""
    for case in subject.cases:
        network = subject.build(case).eval()
        for batch in (1, 2, 5):
            with torch.no_grad():
                _check_output(network(case.inputs(batch)), case, batch)


def finite_logits(subject: Subject) -> None:
    """Check that the logits are finite floating-point numbers and not rows of probabilities."""
    for case in subject.cases:
        logits = predict(subject.build(case), case.inputs(5))
        if not logits.is_floating_point():
            raise Fault(f"{case}: the logits are {logits.dtype}, not floating-point numbers")
        if not logits.isfinite().all():
            raise Fault(f"{case}: {int((~logits.isfinite()).sum())} of {logits.numel()} logits are not finite")
        if ((logits >= 0) & (logits <= 1)).all() and (logits.sum(-1) - 1).abs().max() < 1e-4:
            raise Fault(f"{case}: every row lies in [0, 1] and sums to 1, as probabilities do; return logits")


def repeatable_evaluation(subject: Subject) -> None:
    """Check that equal inputs and weights give equal logits, and that evaluation draws no random number."""
    for case in subject.main_cases:
        network, inputs = subject.build(case), case.inputs(4)
        kept = state_of(network)
        before, torch_before = streams(), torch_stream()
        first = predict(network, inputs)
        drawn = changes(before, streams()) + (
            ["torch's global random stream"] if torch_stream() != torch_before else []
        )
        network.load_state_dict(kept)  # B106 finds a network that changes its own state
        random.random()  # noqa: S311 - moves the stream, as do the next two lines
        np.random.random()
        torch.rand(1)
        second = predict(network, inputs)
        if not same(first, second):
            raise Fault(f"{case}: the same inputs in evaluation mode gave different logits")
        if drawn:
            raise Fault(f"{case}: evaluation draws from {', '.join(drawn)}")


def pure_evaluation(subject: Subject) -> None:
    """Check that evaluation writes neither to the inputs nor to any entry of the state."""
    for case in subject.main_cases:
        network, inputs = subject.build(case).eval(), case.inputs(4)
        kept, given = state_of(network), inputs.clone()
        with torch.no_grad():
            network(inputs)
        if not same(inputs, given):
            raise Fault(f"{case}: the network writes into its input")
        changed = different_entries(kept, state_of(network))
        if changed:
            raise Fault(f"{case}: evaluation changes the state: {first_few(changed)}")


def declared_count(subject: Subject) -> str | None:
    """Check the declared numbers of parameters, of the default options and of variants."""
    for name, (info, declared) in subject.architecture.parameters.items():
        counted = subject.parameters_of(name, info)
        if counted != declared:
            raise Fault(
                f"{name} on {info.kind} {info.input_shape} has {counted:,} parameters, declared are {declared:,}"
            )
    return None if subject.architecture.parameters else "none declared"


CHECKS = (
    Check(
        "B101",
        "builds for every kind of input, two sizes, two numbers of classes, and every variant",
        builds,
        "take the sizes from task.input_shape, task.outputs, task.per_step and task.vocabulary; say in incompatible() "
        "what the network cannot take; return a tensor or archbench.Outputs",
        ("B003",),
    ),
    Check(
        "B102",
        "takes batches of 1, 2 and 5",
        any_batch_size,
        "squeeze() and reshape(-1) drop or move the batch axis; name the axes: flatten(1), squeeze(-1)",
        ("B101",),
    ),
    Check(
        "B103",
        "finite logits, not probabilities",
        finite_logits,
        "return what comes before softmax: the loss applies it; look for 0/0 and uninitialised memory",
        ("B102",),
    ),
    Check(
        "B105",
        "evaluation is repeatable and draws no random numbers",
        repeatable_evaluation,
        "pass training=self.training to functional dropout; draw noise only in training",
        ("B103",),
    ),
    Check(
        "B106",
        "evaluation changes neither input nor state",
        pure_evaluation,
        "use x = x * 2 and not x.mul_(2); update buffers only if self.training",
        ("B103",),
    ),
    Check(
        "B405",
        "has the declared number of parameters",
        declared_count,
        "the count is of trainable parameters, shared ones once; correct the network or `parameters`",
        ("B101",),
    ),
)
