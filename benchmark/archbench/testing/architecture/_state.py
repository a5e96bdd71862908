"""B3xx: seeds, global state, saving and copying a network."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from archbench.testing._check import Check, Fault
from archbench.testing._isolation import (
    changes,
    seed_everything,
    settings,
    streams,
    surroundings,
    torch_stream,
    two_threads,
)
from archbench.testing.architecture._learning import train_step
from archbench.testing.architecture._subject import (
    Case,
    Subject,
    all_logits,
    different_entries,
    first_few,
    predict,
    same,
)

T = TypeVar("T")


def seeded(subject: Subject) -> None:
    """Check that torch's seed alone decides the weights, and that building does not reset torch's stream."""
    for case in subject.main_cases:
        first, end = _weights_and_stream(subject, case, 0)
        other, other_end = _weights_and_stream(subject, case, 1)
        if end == other_end:
            raise Fault(
                f"{case}: build reseeds torch's global stream, so that every seed of a trial would be the same run"
            )
        again = _with_torch_seed_only(subject, case, 0)
        unequal = different_entries(first, again)
        if unequal:
            raise Fault(f"{case}: torch.manual_seed(0) twice gave different weights: {first_few(unequal)}")
        if not different_entries(first, other):
            raise Fault(f"{case}: torch.manual_seed(0) and torch.manual_seed(1) gave the same weights")


def _weights_and_stream(subject: Subject, case: Case, seed: int) -> tuple[dict[str, Tensor], bytes]:
    return subject.build(case, seed=seed).state_dict(), torch_stream()


def _with_torch_seed_only(subject: Subject, case: Case, seed: int) -> dict[str, Tensor]:
    seed_everything(12345)  # another state of numpy's and Python's streams: only torch's seed may decide
    torch.manual_seed(seed)
    network: nn.Module = subject.build_function(case.info, subject.options)
    return network.state_dict()


def untouched_globals(subject: Subject) -> None:
    """Check that importing, building, training and evaluating change no setting that other code relies on."""
    _ = subject.build_function
    if subject.import_changes:
        raise Fault(f"importing the module of build changes {'; '.join(subject.import_changes)}")
    for case in subject.main_cases:
        network = _watched(f"{case}: building", lambda case=case: _build(subject, case))  # type: ignore[misc]
        inputs = case.inputs(4)
        _watched(f"{case}: a training step", lambda n=network, x=inputs: _forward_backward(n, x))  # type: ignore[misc]
        _watched(f"{case}: evaluating", lambda n=network, x=inputs: predict(n, x))  # type: ignore[misc]


def _build(subject: Subject, case: Case) -> nn.Module:
    network: nn.Module = subject.build_function(case.info, subject.options)
    return network


def _forward_backward(network: nn.Module, inputs: Tensor) -> None:
    sums = [logits.sum() for logits in all_logits(network.train()(inputs.clone()))]
    total = torch.stack(sums).sum()
    if total.requires_grad:  # B202 reports a network without a gradient
        torch.autograd.backward(total)


def _watched(what: str, act: Callable[[], T]) -> T:
    """Return what `act` returns; raise if it changes a setting, the surroundings or a global random stream."""
    with two_threads():
        before = settings() | surroundings() | streams()
        result = act()
        changed = changes(before, settings() | surroundings() | streams())
    if changed:
        raise Fault(f"{what} changes {'; '.join(changed)}")
    return result


def saves_everything(subject: Subject) -> None:
    """Check that a saved state_dict, read with weights_only into a network of another seed, gives the same logits."""
    for case in subject.main_cases:
        network, inputs = subject.build(case, seed=0), case.inputs(4)
        with torch.no_grad():
            network.train()(inputs.clone())  # so that running statistics have moved
        expected = predict(network, inputs)
        file = io.BytesIO()
        torch.save(network.state_dict(), file)
        file.seek(0)
        copied = subject.build(case, seed=1)
        copied.load_state_dict(torch.load(file, weights_only=True), strict=True)
        if not same(expected, predict(copied, inputs)):
            raise Fault(f"{case}: a copy with the same state_dict gives other logits")


def copies(subject: Subject) -> None:
    """Check that the network can be copied after a forward pass, and pickled, as the process of a trial needs."""
    for case in subject.main_cases:
        network, inputs = subject.build(case), case.inputs(4)
        network.train()(inputs.clone())  # with gradients: a network that keeps the graph cannot be copied
        if _has_hooked_weights(network):
            predict(network, inputs)  # these keep the graph of their weights until the next forward pass
        for name, duplicate in _ways_to_copy(network):
            try:
                copied = duplicate(network)
            except Exception as error:
                raise Fault(f"{case}: {name} after a forward pass fails: {type(error).__name__}: {error}") from error
            if not same(predict(network, inputs), predict(copied, inputs)):
                raise Fault(f"{case}: {name} gives a network with other logits")


def _has_hooked_weights(network: nn.Module) -> bool:
    """Return whether a weight is computed by a hook, as torch.nn.utils.weight_norm and spectral_norm do."""
    hooks = [hook for module in network.modules() for hook in module._forward_pre_hooks.values()]
    return any(type(hook).__module__.startswith("torch.nn.utils.") for hook in hooks)


def _ways_to_copy(network: nn.Module) -> list[tuple[str, Callable[[nn.Module], nn.Module]]]:
    """Return the ways to copy a network by name; torch does not pickle modules with parametrised weights."""
    parametrised = any(is_parametrized(module) for module in network.modules())
    return [("copy.deepcopy", copy.deepcopy), *([] if parametrised else [("pickle", _through_pickle)])]


def _through_pickle(network: nn.Module) -> nn.Module:
    copied: nn.Module = pickle.loads(pickle.dumps(network))  # noqa: S301 - pickled on this very line
    return copied


def repeatable_training(subject: Subject) -> None:
    """Check that three steps of training from one seed end in the same weights twice."""
    for case in subject.main_cases:
        unequal = different_entries(_three_steps(subject, case), _three_steps(subject, case))
        if unequal:
            raise Fault(f"{case}: three steps from one seed ended in different weights: {first_few(unequal)}")


def _three_steps(subject: Subject, case: Case) -> dict[str, Tensor]:
    network = subject.build(case).train()
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.01)
    for step in range(3):
        train_step(network, optimizer, case.inputs(4, seed=step), case.targets(4))
    return network.state_dict()


CHECKS = (
    Check(
        "B301",
        "one seed gives one set of weights, another seed another set",
        seeded,
        "initialise with torch only, never call manual_seed or numpy in a network, and break symmetry at random",
        ("B101",),
    ),
    Check(
        "B302",
        "global state is left alone",
        untouched_globals,
        "threads, dtypes, grad mode, the environment and random streams belong to the suite",
        ("B301", "B103"),
    ),
    Check(
        "B303",
        "everything that decides the output is in state_dict",
        saves_everything,
        "register_buffer() what is drawn or learnt; the suite restores the selected weights from state_dict",
        ("B105", "B201"),
    ),
    Check(
        "B304",
        "can be copied after a forward pass, and pickled",
        copies,
        "do not keep tensors of a forward pass on self (or detach them); use functions and classes of a module instead "
        "of lambdas and local ones",
        ("B105",),
    ),
    Check(
        "B305",
        "training from one seed is repeatable",
        repeatable_training,
        "draw noise from torch's global stream, which the suite seeds",
        ("B202",),
    ),
)
