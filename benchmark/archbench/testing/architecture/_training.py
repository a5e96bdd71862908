"""B206 to B208: parts of the network that training leaves out, or works on in the wrong place."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from archbench.testing._check import Check, Fault
from archbench.testing.architecture._subject import Case, Subject, first_few, logits_of, moved, predict, state_of

DRAWS = 64
"""Examples in which a dropped logit is looked for."""
REPEATED = 3
"""Examples in which a logit has one and the same value where it is dropped; twice may be chance."""
LEAST_MOVE = 1e-5
"""Distance that the mean or variance of a norm must move in two batches; a common momentum moves it a thousandfold."""


def frozen_as_declared(subject: Subject) -> None:
    """Check that each parameter is trained, except for those that `frozen_parameters` names, which are not.

    A network whose weights are for the most part random numbers in buffers has a frozen backbone, too.
    """
    patterns = subject.architecture.frozen_parameters
    for case in subject.main_cases:
        network = subject.build(case)
        parameters, buffers = dict(network.named_parameters()), dict(network.named_buffers())
        named = {pattern: fnmatch.filter([*parameters, *buffers], pattern) for pattern in patterns}
        declared = {name for names in named.values() for name in names}
        idle = [pattern for pattern, names in named.items() if not names]
        if idle:
            raise Fault(f"{case}: frozen_parameters has {idle[0]!r}, which matches no parameter")
        frozen = [name for name, p in parameters.items() if not p.requires_grad and name not in declared]
        if frozen:
            raise Fault(f"{case}: not trained, as requires_grad is False: {first_few(frozen)}")
        trained = [name for name in sorted(declared & {*parameters}) if parameters[name].requires_grad]
        if trained:
            raise Fault(f"{case}: frozen_parameters names what is trained: {first_few(trained)}")
        least = sum(p.numel() for p in parameters.values())
        suspects = {name: b.clone() for name, b in buffers.items() if b.is_floating_point() and name not in declared}
        if sum(map(Tensor.numel, suspects.values())) > least:
            drawn = _drawn(subject, case, suspects)
            if sum(suspects[name].numel() for name in drawn) > least:
                raise Fault(f"{case}: most weights are random buffers, which are not trained: {first_few(drawn)}")


def _drawn(subject: Subject, case: Case, buffers: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the buffers whose numbers depend on the seed and stay as they are in training."""
    network, other = subject.build(case), dict(subject.build(case, seed=1).named_buffers())
    _called(network.train(), case)
    after = dict(network.named_buffers())
    still = [name for name, buffer in buffers.items() if torch.equal(buffer, after[name])]
    return [name for name in still if name in other and not torch.equal(buffers[name], other[name])]


def statistics_move(subject: Subject) -> None:
    """Check that running means and variances, which evaluation uses, change wherever training passes through them."""
    for case in subject.main_cases:
        network = subject.build(case).train()
        before = state_of(network)
        called = _called(network, case)
        after = state_of(network)
        used = [name for name in before if _is_statistic(name) and _module_of(name) in called]
        slow = {_module_of(name) for name in used} - {_module_of(n) for n in used if _moves(before[n], after[n])}
        still = [n for n in used if _module_of(n) in slow or torch.equal(before[n], after[n])]
        if still:
            raise Fault(f"{case}: training does not move {first_few(still)}, with which evaluation normalises")


def _module_of(name: str) -> str:
    return name.rpartition(".")[0]


def _moves(before: Tensor, after: Tensor) -> bool:
    """Return whether a statistic has moved so far that it arrives before training ends."""
    return float((after - before).abs().max()) > LEAST_MOVE * max(1.0, float(before.abs().max()))


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
    """Check that no logit is set to zero, or to another number, in training that is not so in evaluation."""
    for case in subject.main_cases:
        network, inputs = moved(subject.build(case)), case.inputs(DRAWS)
        usual = predict(network, inputs)
        with torch.no_grad():
            passes = [logits_of(network.train()(inputs.clone())) for _ in range(2)]
        dropped = sum(int((logits == 0).flatten(1).any(1).sum()) for logits in passes)
        if dropped and not bool((usual == 0).any()):
            raise Fault(f"{case}: in training {dropped} of {DRAWS * 2} examples have a logit of exactly 0")
        alike = sum(_count_alike(logits) for logits in passes)
        if alike and not _count_alike(usual):
            raise Fault(
                f"{case}: in training {alike} of {DRAWS * 2} examples share a logit with others, and no other logit: "
                "it is dropped before something is added"
            )


def _count_alike(logits: Tensor) -> int:
    """Return how many examples have a logit that several have, beside a logit that is their own."""
    columns = logits.flatten(1).unbind(1)
    shared = torch.stack([_repeats(column) >= REPEATED for column in columns], 1)
    return int((shared.any(1) & ~shared.all(1)).sum())


def _repeats(numbers: Tensor) -> Tensor:
    """Return for each number how many are equal to it, itself among them."""
    return (numbers[:, None] == numbers).sum(1)


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
