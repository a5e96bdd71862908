"""The time and memory of each module of a network, in the forward and in the backward pass.

In the forward pass, the `forward` of every module is replaced by one that notes when it begins and ends; that costs a
call less than torch's hooks, which would be counted for the module around. In the backward pass, the operations that
autograd recorded run in the reverse order of their numbers; the numbers at the beginning and end of each call say which
module recorded which. So a hook on the first operation of each module suffices, and no tensor is wrapped: networks that
change tensors in place work, and so does every form of output.
"""

from __future__ import annotations

import contextlib
import functools
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from archbench._declarations import Outputs
from archbench._training._profiled_steps import PhaseClock, ProfiledSteps

# Not public. Without it the backward pass of layers is not measured, and nothing else is lost.
read_number: Callable[[], int] | None = getattr(torch._C._autograd, "_get_sequence_nr", None)


@dataclass(slots=True)
class LayerTimes:
    """The cost of one module in one step, without the modules inside it; seconds and bytes."""

    forward: float = 0.0
    backward: float | None = None
    calls: int = 0
    output_bytes: int = 0


@dataclass(slots=True)
class LayerStep:
    """One step, timed by modules.

    Args:
        layers: the modules that ran, by name, in the order in which they were first called.
        forward, backward: seconds of the phases, without the time that watching took.
        loss: seconds of the loss, of clearing the gradients, and of the backward pass of the loss; None where the
            backward pass cannot be told apart.
    """

    layers: dict[str, LayerTimes] = field(default_factory=dict)
    forward: float = 0.0
    backward: float = 0.0
    loss: float | None = None


@dataclass(slots=True)
class _Call:
    name: str
    entered: float
    began: float = 0.0
    inside: float = 0.0  # seconds of the modules that it called, with what watching them took


Forward = Callable[..., Any]


@contextlib.contextmanager
def replaced_forwards(network: nn.Module, replace: Callable[[str, Forward], Forward]) -> Iterator[None]:
    """Replace the `forward` of every module by what `replace` makes of its name and its `forward`, for a while."""
    kept = []
    for name, module in network.named_modules():
        kept.append((module, vars(module).get("forward")))
        module.forward = replace(name, module.forward)
    try:
        yield
    finally:
        for module, own in kept:
            if own is None:
                del module.forward
            else:
                module.forward = own


class LayerClock(PhaseClock):
    """A watcher that times the modules of a network.

    Args:
        network: the network.
        now: reads a clock, in seconds.

    Attributes:
        layer_steps: one entry per step.
    """

    def __init__(self, network: nn.Module, now: Callable[[], float]) -> None:
        super().__init__(now)
        self.network = network
        self.layer_steps: list[LayerStep] = []

    def time_step(self, steps: ProfiledSteps) -> None:
        """Take a step and keep the times of its modules."""
        self.step = LayerStep()
        self.calls: list[_Call] = []
        self.numbers: list[int] = []  # the first operation from which on `owners` holds
        self.owners: list[str | None] = []
        self.watching = {"forward": 0.0, "backward": 0.0}
        with replaced_forwards(self.network, self._make_timed):
            super().time_step(steps)
        self.step.forward = self.times["forward"] - self.watching["forward"]
        self.step.backward = self.times["backward"] - self.watching["backward"]
        self.layer_steps.append(self.step)

    def _make_timed(self, name: str, forward: Forward) -> Forward:
        @functools.wraps(forward)
        def timed(*arguments: Any, **named: Any) -> Any:
            if self.phase != "forward":  # a module that is checkpointed is called again within the backward pass
                return forward(*arguments, **named)
            call = self._begin(name)
            outputs = forward(*arguments, **named)
            self._end(call, self.now(), (arguments, named), outputs)
            return outputs

        return timed

    def _begin(self, name: str) -> _Call:
        call = _Call(name, self.now())
        self.calls.append(call)
        self.step.layers.setdefault(name, LayerTimes())
        self._own_from_here(name)
        call.began = self.now()
        return call

    def _end(self, call: _Call, ended: float, arguments: Any, outputs: Any) -> None:
        self.calls.pop()
        caller = self.calls[-1] if self.calls else None
        times = self.step.layers[call.name]
        times.forward += ended - call.began - call.inside
        times.calls += 1
        times.output_bytes += _new_bytes(arguments, outputs)
        self._own_from_here(None if caller is None else caller.name)
        left = self.now()
        self.watching["forward"] += call.began - call.entered + left - ended
        if caller is not None:
            caller.inside += left - call.entered

    def _own_from_here(self, name: str | None) -> None:
        if read_number is not None:
            self.numbers.append(read_number())
            self.owners.append(name)

    def before_backward(self, loss: Tensor) -> None:
        """Put a hook on each operation at which the backward pass comes to another module."""
        if read_number is None:
            return
        began = self.now()
        self.step.loss = began - self.since
        owner: str | None = None  # of the loss
        self.owner = owner
        for number, operation in _recorded(loss, end=read_number()):
            new = self.owners[bisect_right(self.numbers, number) - 1]
            if new != owner:
                operation.register_prehook(self._make_arrive(new))
            owner = new
        self.arrived = self.now()
        self.watching["backward"] += self.arrived - began

    def _make_arrive(self, owner: str | None) -> Callable[[Any], None]:
        def arrive(gradients: Any) -> None:
            began = self.now()
            self._leave_owner(began)
            self.owner, self.arrived = owner, self.now()
            self.watching["backward"] += self.arrived - began

        return arrive

    def after_backward(self) -> None:
        """End the module that the backward pass came to last."""
        if read_number is not None:
            self._leave_owner(self.now())

    def _leave_owner(self, now: float) -> None:
        seconds = now - self.arrived
        if self.owner is None:
            self.step.loss = (self.step.loss or 0.0) + seconds
        else:
            times = self.step.layers[self.owner]
            times.backward = (times.backward or 0.0) + seconds


def _recorded(loss: Tensor, *, end: int) -> list[tuple[int, Any]]:
    """Return the numbered operations that lead to a loss, in the order in which the backward pass runs them.

    Args:
        loss: the loss.
        end: a number above theirs; sums of gradients have one above that, and run as soon as they can.
    """
    seen: set[Any] = {loss.grad_fn}
    waiting: list[Any] = [loss.grad_fn]
    while waiting:
        for below, _ in waiting.pop().next_functions:
            if below is not None and below not in seen:
                seen.add(below)
                waiting.append(below)
    numbered = [(operation._sequence_nr(), operation) for operation in seen]
    return sorted((pair for pair in numbered if pair[0] < end), key=lambda pair: pair[0], reverse=True)


def _new_bytes(arguments: Any, outputs: Any) -> int:
    """Return the memory of the outputs of a module, without what they share with its arguments or each other."""
    old = {tensor.untyped_storage().data_ptr() for tensor in _tensors_in(arguments)}
    new = {tensor.untyped_storage().data_ptr(): tensor.nbytes for tensor in _tensors_in(outputs)}
    return sum(size for place, size in new.items() if place not in old)


def _tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        if value.layout == torch.strided:
            yield value
    elif isinstance(value, Outputs):
        yield from _tensors_in([value.logits, *value.auxiliary.values(), *value.penalties.values()])
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors_in(item)
