"""B206 to B208: parts of the network that training leaves out, or works on in the wrong place."""

from __future__ import annotations

import fnmatch

import torch
from torch import Tensor, nn

from archbench.testing._check import Check, Fault
from archbench.testing.architecture._subject import Case, Subject, first_few, logits_of, moved, predict, state_of

DRAWS = 64
"""Examples in which a dropped logit is looked for."""


def frozen_as_declared(subject: Subject) -> None:
    """Check that each parameter is trained, except for those that `frozen_parameters` names, which are not."""
    patterns = subject.architecture.frozen_parameters
    for case in subject.main_cases:
        parameters = dict(subject.build(case).named_parameters())
        declared = {name for pattern in patterns for name in fnmatch.filter(parameters, pattern)}
        idle = [pattern for pattern in patterns if not fnmatch.filter(parameters, pattern)]
        if idle:
            raise Fault(f"{case}: frozen_parameters has {idle[0]!r}, which matches no parameter")
        frozen = [name for name, p in parameters.items() if not p.requires_grad and name not in declared]
        if frozen:
            raise Fault(f"{case}: not trained, as requires_grad is False: {first_few(frozen)}")
        trained = [name for name in sorted(declared) if parameters[name].requires_grad]
        if trained:
            raise Fault(f"{case}: frozen_parameters names what is trained: {first_few(trained)}")


def statistics_move(subject: Subject) -> None:
    """Check that running means and variances, which evaluation uses, change wherever training passes through them."""
    for case in subject.main_cases:
        network = subject.build(case).train()
        before = state_of(network)
        called = _called(network, case)
        after = state_of(network)
        used = [name for name in before if _is_statistic(name) and name.rpartition(".")[0] in called]
        still = [name for name in used if torch.equal(before[name], after[name])]
        if still:
            raise Fault(f"{case}: training does not move {first_few(still)}, with which evaluation normalises")


def _called(network: nn.Module, case: Case) -> set[str]:
    """Return the names of the modules that two training batches pass through; units of some networks are left out."""
    called: set[str] = set()
    for name, module in network.named_modules():
        module.register_forward_hook(lambda *_, name=name: called.add(name))
    with torch.no_grad():
        for seed in (0, 1):
            network(case.inputs(8, seed=seed))
    return called


def _is_statistic(name: str) -> bool:
    return name.rpartition(".")[2] in ("running_mean", "running_var")


def keeps_logits(subject: Subject) -> None:
    """Check that no logit is set to zero in training that is not zero in evaluation."""
    for case in subject.main_cases:
        network, inputs = moved(subject.build(case)), case.inputs(DRAWS)
        if not bool((predict(network, inputs) == 0).any()):
            dropped = _zeros(network.train(), case, inputs)
            if dropped:
                raise Fault(f"{case}: in training {dropped} of {DRAWS * 2} examples have a logit of exactly 0")


def _zeros(network: nn.Module, case: Case, inputs: Tensor) -> int:
    """Return how many examples have a logit of exactly zero in two passes."""
    with torch.no_grad():
        passes = torch.cat([logits_of(network(inputs.clone())) for _ in range(2)])
    return int((passes == 0).flatten(1).any(1).sum())


CHECKS = (
    Check(
        "B206",
        "every parameter is trained, or declared frozen",
        frozen_as_declared,
        "a random backbone that is not trained costs accuracy in silence: remove requires_grad_(False), or declare "
        "frozen_parameters=('backbone.*',)",
        ("B201",),
    ),
    Check(
        "B207",
        "training moves the statistics that evaluation uses",
        statistics_move,
        "give the norm a momentum above 0 and leave it in training mode; to do without statistics, set "
        "track_running_stats=False or use another norm",
        ("B106",),
    ),
    Check(
        "B208",
        "no dropout on the logits",
        keeps_logits,
        "a dropped logit says that its class is neither likely nor unlikely; put dropout before the last layer",
        ("B105",),
    ),
)
