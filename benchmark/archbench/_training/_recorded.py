"""Training steps that a GPU repeats from a recording of one: a CUDA graph.

To start the many short kernels of a small network takes the host longer than the GPU needs to run them; a graph starts
them all at once. So that steps differ in nothing but numbers in the memory of the GPU, each reads there which examples
and which learning rate are next, and moves that place on. A network whose steps differ in more, such as one that draws
on the host, takes its steps one by one, with the very kernels that a recording has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from archbench._training._backends import random_state, set_random_state
from archbench._training._streaming import Batch
from archbench._training._streams import host_states

LEAST_STEPS = 50
"""Steps of a training that is worth a recording, which takes as long as some ten steps."""
WARM_UP = 3
"""Steps before a recording, in which libraries choose their kernels and the optimiser makes its state."""
COMPARED = 2
"""Steps that are taken in both ways, and must lead to the same weights."""
TOLERANCE = 1e-4
"""Largest difference of a tensor after those steps, relative to its largest number; most kernels give equal bits."""
ON_THE_HOST = "a step draws or counts on the host, or puts tensors in the place of others"

Taken = tuple[Tensor, Tensor | None]
"""The loss of a step, and its penalty if it has one."""


class Recorder(Protocol):
    """Records what a device does."""

    def watching(self) -> AbstractContextManager[list[str]]:
        """Return a context with a list that gets the reasons why what is done meanwhile cannot be recorded."""

    def record(self, step: Callable[[], None]) -> Callable[[], object]:
        """Record a step without carrying it out, and return a function that carries it out."""


@dataclass
class _Kept:
    """A copy of what steps change: all tensors, the rate of each group, and the random streams of the device."""

    tensors: list[Tensor]
    rates: list[Any]
    streams: dict[str, Tensor]


class RecordedSteps:
    """The steps of a training: a few one by one, the rest from a recording if that leads to the same weights.

    Args:
        take: takes a step given the arguments of the network, the targets and the learning rate, ().
        fetch: returns the batch with these indices, which are on the device.
        recorder: of the device.
        network, optimizer: what a step changes.
        others: returns further tensors that a step changes.

    Attributes:
        repeated: number of steps that were repeated from a recording.
        reason: why steps are taken one by one; empty if they are not, or it is not known yet.
    """

    def __init__(
        self,
        take: Callable[[Sequence[Tensor], Tensor, Tensor], Taken],
        fetch: Callable[[Tensor], Batch],
        recorder: Recorder,
        *,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        others: Callable[[], Sequence[Tensor]] = tuple,
    ) -> None:
        self.take, self.fetch, self.recorder = take, fetch, recorder
        self.network, self.optimizer, self.others = network, optimizer, others
        self.repeated, self.reason = 0, ""
        self._forget()

    def _forget(self) -> None:
        self._replay: Callable[[], object] | None = None
        self._recorded_at: list[int] = []
        self._warm = 0
        self._rows: Tensor | None = None

    def _moved(self) -> bool:
        """Return whether a tensor lies elsewhere than when it was recorded."""
        return self._replay is not None and self._addresses() != self._recorded_at

    @property
    def verdict(self) -> str:
        """`used` if steps were repeated, else why not."""
        return "used" if self.repeated else self.reason or "chunks of steps are too short"

    def run(self, chunk: Tensor, rates: Sequence[float]) -> Iterator[Taken]:
        """Take the steps of a chunk, and yield what each gave, which holds until the next chunk.

        Args:
            chunk: the indices of the examples of each step, (steps, ..., batch), on the device.
            rates: the learning rate of each step.
        """
        self._load(chunk, rates)
        done = 0
        while done < len(chunk):
            before, done = done, done + self._advance(len(chunk) - done)
            for number in range(before, done):
                yield self._losses[number], self._penalties[number] if self._penalised else None

    def _load(self, chunk: Tensor, rates: Sequence[float]) -> None:
        if self._rows is None or len(chunk) > len(self._rows) or self._moved():
            self._forget()
            self._rows = chunk.new_zeros(len(chunk) + 1, *chunk.shape[1:])  # chunks differ by one step
            self._rates = torch.zeros(len(self._rows), device=chunk.device)
            self._numbers = torch.arange(len(self._rows), device=chunk.device)
            self._place = torch.zeros(1, dtype=torch.int64, device=chunk.device)
            self._losses = self._penalties = torch.empty(0)
            self._penalised = False
        self._rows[: len(chunk)] = chunk
        self._rates[: len(chunk)] = torch.tensor(rates)
        self._place.zero_()

    def _advance(self, left: int) -> int:
        """Take one step or more, and return how many."""
        if self._replay is not None:
            self._replay()
            self.repeated += 1
            return 1
        if self.reason:
            self._step()
            return 1
        if self._warm < WARM_UP:
            self._take_watched()
            return 1
        if left < COMPARED:
            self._step()
            return 1
        self._record()
        return COMPARED

    def _step(self) -> None:
        """Take the step at the place, note what it gave, and move the place on."""
        assert self._rows is not None
        index = self._rows.index_select(0, self._place)[0]
        loss, penalty = self.take(*self.fetch(index), self._rates.index_select(0, self._place)[0])
        if not self._losses.numel():  # only a step tells the shape
            self._losses = loss.new_zeros(len(self._rows), *loss.shape)
            self._penalties = self._losses.clone()
        here = self._numbers == self._place
        self._losses.copy_(torch.where(_in_front(here, loss), loss.detach(), self._losses))
        if penalty is not None:
            self._penalised = True
            self._penalties.copy_(torch.where(_in_front(here, penalty), penalty.detach(), self._penalties))
        self._place += 1

    def _take_watched(self) -> None:
        """Take a step, and see whether it does more than a recording can."""
        before = self._on_the_host()
        with self.recorder.watching() as found:
            self._step()
        self._warm += 1
        if found:
            self.reason = found[0]
        elif self._warm > 1 and self._on_the_host() != before:  # the first step makes the state of the optimiser
            self.reason = ON_THE_HOST

    def _record(self) -> None:
        """Take the next steps, and keep a recording of one if its repetitions lead where those steps led.

        A recording holds as much memory as a step, so the steps are taken before there is one.
        """
        end = self._take_compared()
        if end is None:
            return
        try:
            self.optimizer.zero_grad()  # gradients of the steps take room
            replay = self.recorder.record(self._step)
            for _ in range(COMPARED):
                replay()
            if not all(map(_alike, self._state(), end.tensors)):
                self.reason = "steps from a recording lead to other weights"
        except RuntimeError as error:  # lack of memory too
            self.reason = _refusal(error)
        finally:
            self._put_back(end)
        if self.reason:
            self.optimizer.zero_grad()  # gradients in the memory of the recording would keep it
        else:
            self._replay, self._recorded_at = replay, self._addresses()

    def _take_compared(self) -> _Kept | None:
        """Take the next steps one by one, return where they led, and go back to where they began.

        Where that cannot be returned, `reason` says why, and the steps are just taken.
        """
        host, begin, end = self._on_the_host(), None, None
        try:
            begin = self._keep()
            self._take_singly()
            end = self._keep()
        except RuntimeError as error:  # there may be no room for a step beside the state before it
            self.reason = _refusal(error)
        if end is None:
            if begin is not None:
                self._put_back(begin)
            begin = None
            self._take_singly()
        elif self._on_the_host() != host:
            self.reason, end = ON_THE_HOST, None
        else:
            assert begin is not None
            self._put_back(begin)
        return end

    def _take_singly(self) -> None:
        for _ in range(COMPARED):
            self._step()

    def _keep(self) -> _Kept:
        """Return a copy of what a step changes."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        return _Kept([tensor.clone() for tensor in self._state()], rates, random_state(self._place.device))

    def _put_back(self, kept: _Kept) -> None:
        """Let everything be as in a copy; a rate in the memory of a recording would keep it."""
        for tensor, value in zip(self._state(), kept.tensors, strict=True):
            tensor.copy_(value)
        for group, rate in zip(self.optimizer.param_groups, kept.rates, strict=True):
            group["lr"] = rate
        for state in kept.streams.values():
            set_random_state(self._place.device, state)

    def _state(self) -> list[Tensor]:
        """Return all tensors that a step changes."""
        moments = chain.from_iterable(values.values() for values in self.optimizer.state.values())
        tensors = chain(self.network.parameters(), self.network.buffers(), moments, self.others())
        mine = self._losses, self._penalties, self._place
        return [tensor.detach() for tensor in chain(tensors, mine) if isinstance(tensor, Tensor)]

    def _addresses(self) -> list[int]:
        return [tensor.data_ptr() for tensor in self._state()]

    def _on_the_host(self) -> tuple[Any, ...]:
        """Return what a step must leave as it is, since a recording does not do it again."""
        kept = [(key, _plain(value)) for module in self.network.modules() for key, value in vars(module).items()]
        return kept, host_states(), self._addresses()


def _plain(value: object) -> Any:
    """Return a number or a text, and of a collection its size and the numbers and texts in it; None for all else."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        # One level only: a mapping may lead back to itself.
        return len(value), [len(item) if isinstance(item, Mapping) else _plain(item) for item in value.values()]
    if isinstance(value, list | tuple | set | deque):
        return len(value), [item for item in value if isinstance(item, bool | int | float | str)]
    return None


def find_obstacle(steps: int, resident: bool, optimizer: torch.optim.Optimizer) -> str:
    """Return why steps cannot be repeated from a recording, or are not worth one; empty if one can be tried.

    Args:
        steps: of the training; 0 for a budget in seconds, whose rates depend on the clock.
        resident: the examples lie on the device, and each step takes them as they are.
        optimizer: only fused kernels read the learning rate in the memory of the device.
    """
    if not steps:
        return "the budget is a time"
    if steps < LEAST_STEPS:
        return f"there are fewer than {LEAST_STEPS} steps"
    if not resident:
        return "examples are augmented or read from files"
    kinds = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)
    fused = type(optimizer) in kinds and all(group.get("fused") for group in optimizer.param_groups)
    return "" if fused else "the optimiser has no fused kernel"


def _in_front(here: Tensor, value: Tensor) -> Tensor:
    """Return (N,) as (N, 1, ...), with an axis for each of those of a value."""
    return here.view(-1, *[1] * value.ndim)


def _refusal(error: RuntimeError) -> str:
    return "a step cannot be recorded: " + str(error).partition("\n")[0]


def _alike(one: Tensor, other: Tensor) -> bool:
    if not one.is_floating_point():
        return torch.equal(one, other)
    finite = other[torch.isfinite(other)]
    most = float(finite.abs().max()) if finite.numel() else 0.0
    return torch.allclose(one, other, rtol=0.0, atol=TOLERANCE * most, equal_nan=True)
