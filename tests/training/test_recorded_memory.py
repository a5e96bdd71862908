"""What a recording of a step needs: memory beside single steps or in their place, and a stream to be recorded on."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import pytest
import torch
from torch import nn

from archbench._training._cuda_graph import CudaRecorder
from archbench._training._recorded import COMPARED, WARM_UP, RecordedSteps, Taken


class Block:
    """Some memory of a device, which is given back when nothing refers to it any more."""


class SmallDevice:
    """A device whose memory is short. Activations and gradients of a step take a unit each.

    Args:
        room: units of memory.
        copy: units that a copy of the state takes.
        refuses: there is no room for a recording after its step, whose memory is given back as a whole.
    """

    def __init__(self, room: int, *, copy: int = 0, refuses: bool = False) -> None:
        self.left, self.copy, self.refuses = room, copy, refuses
        self.pool: Block | None = None

    def allocate(self, units: int) -> Block:
        """Return memory: that of the recording, if a step is recorded or repeated."""
        if self.pool is not None:
            return self.pool
        if units > self.left:
            raise torch.OutOfMemoryError("CUDA out of memory.\nand more")
        self.left -= units
        weakref.finalize(block := Block(), self._give_back, units)
        return block

    def _give_back(self, units: int) -> None:
        self.left += units

    @contextlib.contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Find nothing."""
        yield []

    def record(self, step: Callable[[], None]) -> Callable[[], object]:
        """Return the step, which holds the memory of a step."""
        pool = self.allocate(2)
        if self.refuses:
            self._step_in(pool, step)
            raise torch.OutOfMemoryError("CUDA out of memory.\nand more")
        return lambda: self._step_in(pool, step)

    def _step_in(self, pool: Block, step: Callable[[], None]) -> None:
        self.pool = pool
        step()
        self.pool = None


def take_steps(device: SmallDevice, *, late: bool = False) -> tuple[RecordedSteps, list[float], list[torch.Tensor]]:
    """Take 40 steps, and return them with the loss of each, and the last weights and rate.

    Args:
        device: where.
        late: the bias has no gradient before the steps that are taken in both ways.
    """
    generator = torch.Generator().manual_seed(0)
    inputs, labels = torch.randn(20, 4, generator=generator), torch.arange(20) % 3
    chunks = torch.randint(20, (2, 20, 5), generator=generator)
    network = nn.Linear(4, 3)
    nn.init.ones_(network.weight)
    nn.init.zeros_(network.bias)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0, momentum=0.9)
    taken = 0

    def take(arguments: Sequence[torch.Tensor], targets: torch.Tensor, rate: torch.Tensor) -> Taken:
        nonlocal taken
        taken += 1
        bias = None if late and taken <= WARM_UP else network.bias
        outputs = nn.functional.linear(arguments[0], network.weight, bias)
        outputs.__dict__["block"] = device.allocate(1)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(outputs, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        network.weight.grad.__dict__["block"] = device.allocate(1)
        rate.__dict__["block"] = device.pool
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        return loss.detach(), None

    def fetch(index: torch.Tensor) -> Any:
        return (inputs[index],), labels[index]

    steps = RecordedSteps(take, fetch, device, network=network, optimizer=optimizer)
    losses = [float(loss) for chunk in chunks for loss, _ in steps.run(chunk, torch.linspace(0.1, 0.01, 20).tolist())]
    return steps, losses, [*network.parameters(), *(group["lr"] for group in optimizer.param_groups)]


NO_MEMORY = "a step cannot be recorded: CUDA out of memory."


@pytest.mark.parametrize(
    ("device", "verdict"),
    [
        (SmallDevice(2), "used"),
        (SmallDevice(3, copy=1), "used"),
        (SmallDevice(2, refuses=True), NO_MEMORY),
        (SmallDevice(1 + 2, copy=3), NO_MEMORY),
        (SmallDevice(1 + 2, copy=2), NO_MEMORY),
        (SmallDevice(2 + 2, copy=2), NO_MEMORY),
    ],
    ids=["a recording", "and a copy", "no recording", "no copy", "no step beside a copy", "no second copy"],
)
def test_a_recording_takes_no_memory_from_single_steps(
    device: SmallDevice, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All steps are taken, with the same results, whatever there is room for beside a step or in its place."""
    keep = RecordedSteps._keep

    def keep_on_device(self: RecordedSteps) -> Any:
        block = device.allocate(device.copy)
        kept = keep(self)
        kept.tensors[0].__dict__["block"] = block
        return kept

    monkeypatch.setattr(RecordedSteps, "_keep", keep_on_device)
    steps, losses, weights = take_steps(device)
    monkeypatch.setattr("archbench._training._recorded.WARM_UP", 1_000)
    _, expected, alone = take_steps(SmallDevice(2))

    assert steps.verdict == verdict
    assert steps.repeated == (40 - WARM_UP - COMPARED if verdict == "used" else 0)
    assert losses == expected
    assert all(map(torch.equal, weights, alone))


def test_moments_that_come_late_keep_a_step_from_being_recorded() -> None:
    """A weight that gets its first gradient in a compared step is trained on; the state before has no place for it."""
    steps, losses, _ = take_steps(SmallDevice(2), late=True)

    assert steps.verdict.startswith("a step draws or counts on the host")
    assert len(losses) == 40


def test_a_recording_that_is_broken_off_leaves_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch stays on that stream when it cannot end the recording; what the step held is given back."""
    current, emptied = ["default"], []
    held: list[Callable[[], object]] = []

    class Graph:
        def capture_begin(self, *arguments: Any, **options: Any) -> None:
            held.append(weakref.ref(self))

        def capture_end(self) -> None:
            raise RuntimeError("operation failed due to a previous error during capture")

    def step() -> None:
        held.append(weakref.ref(block := Block()))
        raise RuntimeError(f"operation not permitted when stream is capturing: {block}")

    @contextlib.contextmanager
    def on(stream: str) -> Iterator[None]:
        current.append(stream)
        yield
        current.pop()

    generator = mock.Mock()
    for name, value in {
        "default_generators": (generator,),
        "CUDAGraph": Graph,
        "graph_pool_handle": lambda: (0, 1),
        "Stream": lambda *arguments: "side",
        "stream": on,
        "current_stream": lambda *arguments: current[-1],
        "set_stream": current.append,
        "synchronize": lambda *arguments: None,
        "empty_cache": lambda: emptied.append([reference() for reference in held]),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(torch.cuda.graph, "default_capture_stream", None)
    with pytest.raises(RuntimeError, match="previous error during capture"):
        CudaRecorder(torch.device("cuda", 0)).record(step)

    assert current[-1] == "default"
    assert emptied[-1] == [None, None]
    generator.graphsafe_set_state.assert_called_once_with(generator.clone_state())
