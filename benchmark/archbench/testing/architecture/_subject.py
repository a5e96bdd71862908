"""The architecture under test: its networks, and the small tasks on which they are tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archbench._declarations import Architecture, InputKind, Outputs, TaskInfo, convert_options, resolve
from archbench._plugins import Registered, complete
from archbench._selection import describe_lack, make_label
from archbench._training._losses import describe_no_logits
from archbench.testing._check import Fault
from archbench.testing._isolation import changes, seed_everything, settings, streams, two_threads
from archbench.testing._network import without_network

SHAPES: dict[InputKind, tuple[tuple[int, ...], ...]] = {
    # From small shapes to those that pretrained designs insist on. The first two that the architecture takes are used;
    # the second is not square, so that a network that mixes up rows and columns fails.
    "image": ((1, 8, 8), (3, 16, 12), (3, 32, 32), (1, 28, 28), (3, 64, 64), (3, 224, 224)),
    "sequence": ((12, 3), (20, 1), (64, 2), (100, 1)),
    "tokens": ((12,), (20,), (64,), (128,)),
}
CLASSES = (2, 7)
VOCABULARIES = (11, 29)


@dataclass(frozen=True, slots=True)
class Case:
    """A small task on which a network is tried; its examples are noise."""

    info: TaskInfo

    def inputs(self, batch: int, seed: int = 0) -> Tensor:
        """Return inputs (batch, *input_shape): normal numbers, or tokens."""
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, *self.info.input_shape)
        if self.info.vocabulary is not None:
            return torch.randint(self.info.vocabulary, shape, generator=generator)
        return torch.randn(shape, generator=generator)

    def targets(self, batch: int) -> Tensor:
        """Return class labels, each class in turn: (batch,), or (batch, steps) where every step has a label."""
        labels = torch.arange(batch) % self.info.outputs
        return labels[:, None].expand(batch, self.info.input_shape[0]).contiguous() if self.info.per_step else labels

    def output_shape(self, batch: int) -> tuple[int, ...]:
        """Return the shape of the logits of a batch."""
        steps = self.info.input_shape[:1] if self.info.per_step else ()
        return (batch, *steps, self.info.outputs)

    def __str__(self) -> str:
        per_step = " per step" if self.info.per_step else ""
        return f"{self.info.kind} {self.info.input_shape}, {self.info.outputs} outputs{per_step}"


class Subject:
    """An architecture under one setting of its options.

    Args:
        architecture: the declaration.
        options: an instance of its options class; None for the defaults.
        registered: the declaration with its plugin; None if it was not loaded as a plugin.
        fingerprints: the file of kept fingerprints; None if none are kept.
        known_codes: the codes of all checks of architectures.
    """

    def __init__(
        self,
        architecture: Architecture,
        *,
        options: Any = None,
        registered: Registered[Architecture] | None = None,
        fingerprints: Path | None = None,
        known_codes: tuple[str, ...] = (),
    ) -> None:
        self.known_codes = known_codes
        self.architecture, self.registered, self.fingerprints = architecture, registered, fingerprints
        self.options = convert_options(architecture, {}) if options is None else options
        self.import_changes: list[str] = []
        self.attempts: list[str] = []
        self._counts: dict[tuple[str, TaskInfo], int] = {}

    @property
    def key(self) -> str:
        """The name under which the fingerprint is kept."""
        provider = f"{self.registered.origin.distribution}/" if self.registered else ""
        return provider + make_label(self.architecture, self.options)

    @cached_property
    def cases(self) -> list[Case]:
        """Two shapes and numbers of classes for each kind of input, and a task that wants an answer at every step."""
        return [
            case for kind in get_args(InputKind) if kind in self.architecture.inputs for case in self._of_kind(kind)
        ]

    @cached_property
    def main_cases(self) -> list[Case]:
        """The first case of each kind of input."""
        return list({case.info.kind: case for case in reversed(self.cases)}.values())[::-1]

    def _of_kind(self, kind: InputKind) -> list[Case]:
        taken = [shape for shape in SHAPES[kind] if self._refusal(_task(kind, shape, 0)) is None][:2]
        if not taken:
            tried = ", ".join(map(str, SHAPES[kind]))
            reason = self._refusal(_task(kind, SHAPES[kind][-1], 0))
            raise Fault(f"incompatible() refuses every {kind} shape that was tried ({tried}); the last: {reason}")
        cases = [Case(_task(kind, taken[0], 0)), Case(_task(kind, taken[-1], 1))]
        stepwise = _task(kind, taken[0], 1, per_step=True)
        if kind != "image" and self._refusal(stepwise) is None:
            cases.append(Case(stepwise))
        return cases

    def _refusal(self, info: TaskInfo) -> str | None:
        return self.refusal(info, self.options)

    def refusal(self, info: TaskInfo, options: Any) -> str | None:
        """Return why the architecture does not take a task, or None if it takes it."""
        return None if self.architecture.incompatible is None else self.architecture.incompatible(info, options)

    @cached_property
    def build_function(self) -> Callable[..., Any]:
        """The `build` function; changes of global state while it is imported are noted in `import_changes`."""
        with two_threads():
            before = settings() | streams()
            function: Callable[..., Any] = resolve(self.architecture.build)
            complete(function)  # what a one-file plugin puts off until torch is needed
            self.import_changes = changes(before, settings() | streams())
        return function

    def build(self, case: Case | TaskInfo, *, seed: int = 0, options: Any = None) -> nn.Module:
        """Seed the global random streams and return a fresh network; attempts to reach the internet are noted.

        Raises:
            Fault: files that it is built from are missing, or it is no network.
        """
        if lack := describe_lack(self.architecture, self.registered.source.option if self.registered else ""):
            raise Fault(lack)
        build = self.build_function  # imported before the seeding: an import may draw numbers
        seed_everything(seed)
        info = case.info if isinstance(case, Case) else case
        with without_network(self.attempts, "a network is built"):
            network = build(*self.architecture.arguments(info, self.options if options is None else options))
        if not isinstance(network, nn.Module):
            raise Fault(f"build returned an object of type {type(network).__name__}, not a torch.nn.Module")
        return network

    def parameters_of(self, name: str, info: TaskInfo) -> int:
        """Return the number of trainable parameters of a variant, or of the default options, on a task.

        The network is built once; later calls return the kept number.
        """
        if (name, info) not in self._counts:
            options = convert_options(self.architecture, self.architecture.variants.get(name, {}))
            network = self._skeleton(info, options)
            self._counts[name, info] = sum(p.numel() for p in network.parameters() if p.requires_grad)
        return self._counts[name, info]

    def _skeleton(self, info: TaskInfo, options: Any) -> nn.Module:
        """Return a network whose weights take no memory, if its code allows that; some variants are big."""
        try:
            with torch.device("meta"), _WithoutDraws():
                return self.build(info, options=options)
        except Exception:  # a tensor without data cannot answer .item(), for example
            return self.build(info, options=options)


class _WithoutDraws(TorchFunctionMode):
    """A mode in which filling a tensor without data with random numbers does nothing.

    torch spends half the time of a build on draws that have no effect there.
    """

    FILLS = (Tensor.normal_, Tensor.uniform_)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in self.FILLS and args[0].is_meta:
            return args[0]
        return func(*args, **(kwargs or {}))


def _task(kind: InputKind, shape: tuple[int, ...], index: int, *, per_step: bool = False) -> TaskInfo:
    vocabulary = VOCABULARIES[index] if kind == "tokens" else None
    return TaskInfo(kind=kind, input_shape=shape, outputs=CLASSES[index], per_step=per_step, vocabulary=vocabulary)


def logits_of(output: Any) -> Tensor:
    """Return the logits of a network's output, a tensor or `Outputs`."""
    logits = output.logits if isinstance(output, Outputs) else output
    if not isinstance(logits, Tensor):
        raise Fault(describe_no_logits(output))
    return logits


def all_logits(output: Any) -> list[Tensor]:
    """Return the logits, followed by those of the auxiliary classifiers."""
    auxiliary = [logits for logits, _ in output.auxiliary.values()] if isinstance(output, Outputs) else []
    return [logits_of(output), *auxiliary]


def penalties_of(output: Any) -> dict[str, Any]:
    """Return the penalties beside the logits by name, each with its weight."""
    return dict(output.penalties) if isinstance(output, Outputs) else {}


def predict(network: nn.Module, *inputs: Tensor) -> Tensor:
    """Return the logits in evaluation mode. The inputs, and the lengths if there are any, are copied first."""
    network.eval()
    with torch.no_grad():
        return logits_of(network(*(tensor.clone() for tensor in inputs)))


def without_dropout(network: nn.Module) -> nn.Module:
    """Put the network into training mode, set every rate of dropout to 0, and return it."""
    for module in network.train().modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        for name in ("dropout", "attn_drop", "drop_prob"):  # in nn.LSTM, attention layers, timm's DropPath
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return network


@torch.no_grad()
def moved(network: nn.Module) -> nn.Module:
    """Move all weights a little, so that what starts at zero takes part, and return the network in evaluation mode."""
    for parameter in network.parameters():
        parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return network.eval()


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Return a copy of the parameters and buffers of a network."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def check_close(first: Tensor, second: Tensor, what: str, *, tolerance: float = 1e-5) -> None:
    """Raise a fault that begins with `what` if logits differ by more than a share of their size."""
    gap = float((first - second).abs().max())
    if not gap <= tolerance * max(1.0, float(first.abs().max())):
        raise Fault(f"{what} by {gap:.2g}")


def same(first: Tensor, second: Tensor) -> bool:
    """Return whether two tensors are equal in every number; not-a-number equals itself."""
    return first.shape == second.shape and torch.allclose(first, second, rtol=0, atol=0, equal_nan=True)


def different_entries(first: dict[str, Tensor], second: dict[str, Tensor]) -> list[str]:
    """Return the names of the entries in which two state dictionaries differ."""
    names = [*first, *(name for name in second if name not in first)]
    return [n for n in names if n not in first or n not in second or not same(first[n], second[n])]


def first_few(names: list[str]) -> str:
    """Return the first three names, and the number of the others."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
