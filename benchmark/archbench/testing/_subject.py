"""The architecture under test: its networks, and the small tasks they are tried on."""

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
from archbench._plugins import Registered
from archbench._selection import make_label
from archbench.testing._check import Fault
from archbench.testing._isolation import changes, seed_everything, settings, streams, two_threads

SHAPES: dict[InputKind, tuple[tuple[int, ...], ...]] = {
    # From small to what pretrained designs insist on; the first two that the architecture takes are used. The second
    # is not square, so that a network that mixes up rows and columns is seen.
    "image": ((1, 8, 8), (3, 16, 12), (3, 32, 32), (1, 28, 28), (3, 64, 64), (3, 224, 224)),
    "sequence": ((12, 3), (20, 1), (64, 2), (100, 1)),
    "tokens": ((12,), (20,), (64,), (128,)),
}
CLASSES = (2, 7)
VOCABULARIES = (11, 29)


@dataclass(frozen=True, slots=True)
class Case:
    """A task to try a network on; its examples are noise."""

    info: TaskInfo

    def inputs(self, batch: int, seed: int = 0) -> Tensor:
        """(batch, *input_shape): normal numbers, or tokens."""
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, *self.info.input_shape)
        if self.info.vocabulary is not None:
            return torch.randint(self.info.vocabulary, shape, generator=generator)
        return torch.randn(shape, generator=generator)

    def targets(self, batch: int) -> Tensor:
        """Class labels: (batch,), or (batch, steps) per step; each class in turn."""
        labels = torch.arange(batch) % self.info.outputs
        return labels[:, None].expand(batch, self.info.input_shape[0]).contiguous() if self.info.per_step else labels

    def output_shape(self, batch: int) -> tuple[int, ...]:
        """The shape of the logits."""
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
        registered: where the declaration came from; None if it was not loaded as a plugin.
        fingerprints: the file of kept fingerprints; None if none are kept.
        known_codes: of all checks of architectures.
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
        self._counts: dict[tuple[str, TaskInfo], int] = {}

    @property
    def key(self) -> str:
        """What a kept fingerprint of it is called."""
        provider = f"{self.registered.origin.distribution}/" if self.registered else ""
        return provider + make_label(self.architecture, self.options)

    @cached_property
    def cases(self) -> list[Case]:
        """For every kind of input: two shapes with two numbers of classes, and one that asks for an answer per step."""
        return [
            case for kind in get_args(InputKind) if kind in self.architecture.inputs for case in self._of_kind(kind)
        ]

    @cached_property
    def main_cases(self) -> list[Case]:
        """The first case of every kind."""
        return list({case.info.kind: case for case in reversed(self.cases)}.values())[::-1]

    def _of_kind(self, kind: InputKind) -> list[Case]:
        taken = [shape for shape in SHAPES[kind] if self._refusal(_info(kind, shape, 0)) is None][:2]
        if not taken:
            tried = ", ".join(map(str, SHAPES[kind]))
            reason = self._refusal(_info(kind, SHAPES[kind][-1], 0))
            raise Fault(f"incompatible() refuses every {kind} shape that was tried ({tried}); the last: {reason}")
        cases = [Case(_info(kind, taken[0], 0)), Case(_info(kind, taken[-1], 1))]
        stepwise = _info(kind, taken[0], 1, per_step=True)
        if kind != "image" and self._refusal(stepwise) is None:
            cases.append(Case(stepwise))
        return cases

    def _refusal(self, info: TaskInfo) -> str | None:
        return self.refusal(info, self.options)

    def refusal(self, info: TaskInfo, options: Any) -> str | None:
        """What the architecture says against this task."""
        return None if self.architecture.incompatible is None else self.architecture.incompatible(info, options)

    @cached_property
    def build_function(self) -> Callable[[TaskInfo, Any], Any]:
        """The `build` function; importing it may not change what all share."""
        build = self.architecture.build
        if callable(build):
            return build
        with two_threads():
            before = settings() | streams()
            function: Callable[[TaskInfo, Any], Any] = resolve(build)
            self.import_changes = changes(before, settings() | streams())
        return function

    def build(self, case: Case | TaskInfo, *, seed: int = 0, options: Any = None) -> nn.Module:
        """A fresh network; the global streams are seeded first."""
        build = self.build_function  # imported before the seeding: an import may draw numbers
        seed_everything(seed)
        info = case.info if isinstance(case, Case) else case
        network = build(info, self.options if options is None else options)
        if not isinstance(network, nn.Module):
            raise Fault(f"build returned an object of type {type(network).__name__}, not a torch.nn.Module")
        return network

    def parameters_of(self, name: str, info: TaskInfo) -> int:
        """Trainable parameters of a variant, or of the default options, on a task; built once, for all checks."""
        if (name, info) not in self._counts:
            options = convert_options(self.architecture, self.architecture.variants.get(name, {}))
            network = self._skeleton(info, options)
            self._counts[name, info] = sum(p.numel() for p in network.parameters() if p.requires_grad)
        return self._counts[name, info]

    def _skeleton(self, info: TaskInfo, options: Any) -> nn.Module:
        """A network whose weights need no memory, where its code allows that; for the big variants."""
        try:
            with torch.device("meta"), _WithoutDraws():
                return self.build(info, options=options)
        except Exception:  # such as .item() while building, which a tensor without data cannot answer
            return self.build(info, options=options)


class _WithoutDraws(TorchFunctionMode):
    """Random numbers for a tensor without data are not drawn: torch takes half of the time of a build to do nothing."""

    FILLS = (Tensor.normal_, Tensor.uniform_)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in self.FILLS and args[0].is_meta:
            return args[0]
        return func(*args, **(kwargs or {}))


def _info(kind: InputKind, shape: tuple[int, ...], index: int, *, per_step: bool = False) -> TaskInfo:
    vocabulary = VOCABULARIES[index] if kind == "tokens" else None
    return TaskInfo(kind=kind, input_shape=shape, outputs=CLASSES[index], per_step=per_step, vocabulary=vocabulary)


def logits_of(output: Any) -> Tensor:
    """The logits of a tensor or of `Outputs`."""
    logits = output.logits if isinstance(output, Outputs) else output
    if not isinstance(logits, Tensor):
        raise Fault(f"the network returned {type(output).__name__}; return a tensor of logits, or archbench.Outputs")
    return logits


def all_logits(output: Any) -> list[Tensor]:
    """The logits, and those of the auxiliary classifiers."""
    auxiliary = [logits for logits, _ in output.auxiliary.values()] if isinstance(output, Outputs) else []
    return [logits_of(output), *auxiliary]


def predict(network: nn.Module, *inputs: Tensor) -> Tensor:
    """Logits in evaluation mode; the network gets its own copy of the inputs, and of the lengths if there are any."""
    network.eval()
    with torch.no_grad():
        return logits_of(network(*(tensor.clone() for tensor in inputs)))


def without_dropout(network: nn.Module) -> nn.Module:
    """The same network in training mode with every rate of dropout at 0."""
    for module in network.train().modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        for name in ("dropout", "attn_drop", "drop_prob"):  # as nn.LSTM, attention layers and timm's DropPath call it
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return network


def same(first: Tensor, second: Tensor) -> bool:
    """Bit for bit, where not-a-number equals itself."""
    return first.shape == second.shape and torch.allclose(first, second, rtol=0, atol=0, equal_nan=True)


def different_entries(first: dict[str, Tensor], second: dict[str, Tensor]) -> list[str]:
    """Names of the entries of two state dictionaries that differ."""
    names = [*first, *(name for name in second if name not in first)]
    return [n for n in names if n not in first or n not in second or not same(first[n], second[n])]


def some(names: list[str]) -> str:
    """A few of these names."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
