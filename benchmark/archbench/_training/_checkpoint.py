"""Checkpoints: the whole state of a long training between two chunks of steps, so that a killed one goes on from there.

A training that went on ends in the same numbers as one that was never stopped, bit for bit on one machine: weights,
moments of the optimiser, all streams of random numbers, the place in the order of the examples, curves and selected
weights are kept. A file holds tensors and JSON only, so reading it runs no code.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from archbench._errors import StoreError
from archbench._planning import Job
from archbench._records import Reading, write_atomically
from archbench._training._backends import random_state, set_random_state
from archbench._training._foreign_optimizer import PackingError, pack, unpack
from archbench._training._measure import describe_environment
from archbench._training._module import TrialModule
from archbench._training._probes import Prober
from archbench._training._shards import as_shard, local

EVERY = 60.0
"""Seconds of training from which on a state is worth a file, and between two of them."""

PARTS = "parts of "
"""Beginning of the names of complex tensors, which a file holds as pairs of real and imaginary parts."""
NOT_KEPT = "the state of the training could not be kept"


class Progress(msgspec.Struct):
    """The part of a state that is no tensor; the lists have one entry for each chunk, as in `TrialModule`."""

    identity: str
    steps: list[int]
    seconds: list[float]
    validations: list[float]
    reached: int | None
    selected_step: int
    first_step_seconds: float | None
    resumed_at: list[int]
    python: list[Any]
    numpy: tuple[int, int, float]  # position, whether a Gaussian number is left over, and that number
    moments: list[dict[str, float | bool | None]]
    readings: list[Reading]  # of the probes, and the step of the last ones
    measured_at: int
    foreign: Any = None  # the state of an optimiser of a plugin, in the place of the moments


class Checkpoint:
    """The file that keeps the state of one trial while it trains.

    Args:
        path: of the file.
        job: the trial and its plugins; a state of other versions, or of another kind of machine, is not taken up.
        of: what trials share that may take up the state, as a hash; None for this trial alone.
    """

    def __init__(self, path: Path, job: Job, of: str | None = None) -> None:
        self.path = path
        parts = [of or job.trial.id, describe_environment(job.device), job.architecture_origin, job.task_origin]
        self.identity = msgspec.json.encode(parts, order="deterministic").decode()
        self.saved = time.monotonic()
        self.resumed_at: list[int] = []

    def take_up(self, prober: Prober | None) -> State | None:
        """Return the state that an earlier process kept, for the training to begin with; None if there is none.

        Args:
            prober: gets what it had measured.
        """
        state = self.load()
        if state is None:
            return None
        if prober is not None:
            prober.readings, prober.reached = state.progress.readings, state.progress.measured_at
            prober.weights = state.kept_weights()
        return state

    def load(self) -> State | None:
        """Return the state that was kept; None if there is none, or none that fits."""
        try:
            with safe_open(self.path, framework="pt") as file:
                progress = msgspec.json.decode(file.metadata()["progress"], type=Progress)
                names = file.keys()
                tensors = dict(_from_parts(name, file.get_tensor(name)) for name in names)
        except (OSError, SafetensorError, KeyError, TypeError, msgspec.DecodeError):
            return None
        return State(progress, tensors) if progress.identity == self.identity else None

    def save_when_due(self, module: TrialModule, prober: Prober | None) -> None:
        """Keep the state of a training between two chunks, if the last one is old enough."""
        if not self.is_due():
            return
        self.save(module, prober)
        self.saved = time.monotonic()

    def is_due(self) -> bool:
        """Return whether the last state is old enough for another one."""
        return time.monotonic() - self.saved >= EVERY

    def save(self, module: TrialModule, prober: Prober | None = None) -> bool:
        """Keep the state of a training between two chunks, and return whether that worked."""
        state = self.capture(module, prober)
        return state is not None and self.write(state)

    def capture(self, module: TrialModule, prober: Prober | None) -> State | None:
        """Return the state of a training between two chunks; None if a file cannot hold it."""
        if not can_be_kept(module):
            return None
        try:
            return _capture(module, self.identity, self.resumed_at, prober)
        except PackingError as error:
            sys.stderr.write(f"{NOT_KEPT}: {error}\n")
            return None

    def write(self, state: State) -> bool:
        """Write a state into the file, and return whether that worked."""
        try:
            write_atomically(self.path, state.encode())
        except StoreError as error:  # a full disk costs the state, not the trial
            sys.stderr.write(f"{NOT_KEPT}: {error}\n")
            return False
        return True


class State:
    """The state of a training between two chunks, with tensors in host memory."""

    def __init__(self, progress: Progress, tensors: Mapping[str, Tensor]) -> None:
        self.progress, self.tensors = progress, tensors

    def encode(self) -> bytes:
        """Return the content of a file that holds the state."""
        tensors = dict(_in_parts(name, value) for name, value in self.tensors.items())
        return bytes(save(tensors, metadata={"progress": msgspec.json.encode(self.progress).decode()}))

    @property
    def chunks(self) -> int:
        """Number of chunks that are done."""
        return len(self.progress.steps)

    @property
    def step(self) -> int:
        """Number of optimiser steps that are done."""
        return self.progress.steps[-1]

    def kept_weights(self) -> dict[int, dict[str, Tensor]]:
        """Return the weights that a probe took before, by step and name."""
        found: dict[int, dict[str, Tensor]] = {}
        for name, value in self.tensors.items():
            if name.startswith("kept."):
                _, step, mine = name.split(".", 2)
                found.setdefault(int(step), {})[mine] = value
        return found

    def restore(self, module: TrialModule) -> None:
        """Put everything back; called when the optimiser is there, before the next chunk."""
        found, tensors = self.progress, self.tensors
        with torch.no_grad():
            for name, value in _state(module.network).items():
                local(value).copy_(tensors[f"network.{name}"])
        if found.foreign is None:
            _restore_moments(_optimizer(module), found.moments, tensors)
        else:
            _optimizer(module).load_state_dict(unpack(found.foreign, tensors))
        if module.average is not None:
            module.average.restore(tensors)
        device = module.splits["train"].targets.device
        selected = {n.removeprefix("selected."): v.to(device) for n, v in tensors.items() if n.startswith("selected.")}
        module.selected = (found.selected_step, selected)
        sizes = [end - start for start, end in zip([0, *found.steps], found.steps, strict=False)]
        module.losses = list(torch.split(tensors["losses"], sizes))
        module.penalties.restore(tensors.get("penalties"), sizes)
        module.steps, module.seconds, module.validations = found.steps, found.seconds, found.validations
        module.reached, module.first_step_seconds = found.reached, found.first_step_seconds
        module.clock.before = sum(found.seconds)
        _restore_streams(module, found, tensors)


def _in_parts(name: str, value: Tensor) -> tuple[str, Tensor]:
    """Return a tensor as a file holds it, with its name: not every version of safetensors knows complex numbers."""
    return (PARTS + name, torch.view_as_real(value.resolve_conj())) if value.is_complex() else (name, value)


def _from_parts(name: str, value: Tensor) -> tuple[str, Tensor]:
    return (name.removeprefix(PARTS), torch.view_as_complex(value)) if name.startswith(PARTS) else (name, value)


def can_be_kept(module: TrialModule) -> bool:
    """Return whether all that the network calls its state is tensors, so that a file can hold it."""
    return all(isinstance(value, Tensor) for value in module.network.state_dict().values())


def _capture(module: TrialModule, identity: str, resumed_at: list[int], prober: Prober | None) -> State:
    optimizer = _optimizer(module)
    version, python, gauss = random.getstate()
    keys, position, has_gauss, left_over = _numpy_state()
    tensors: dict[str, Tensor] = {}
    foreign = module.published is not None and module.published.optimizer is not None
    progress = Progress(
        identity=identity,
        steps=module.steps,
        seconds=module.seconds,
        validations=module.validations,
        reached=module.reached,
        selected_step=module.selected[0],
        first_step_seconds=module.first_step_seconds,
        resumed_at=resumed_at,
        python=[version, list(python), gauss],
        numpy=(int(position), int(has_gauss), float(left_over)),
        moments=[] if foreign else [_numbers(optimizer.state.get(each, {})) for each in _parameters(optimizer)],
        readings=[] if prober is None else prober.readings,
        measured_at=-1 if prober is None else prober.reached,
        foreign=pack(optimizer.state_dict(), "optimizer", tensors) if foreign else None,
    )
    tensors |= {f"network.{name}": local(value) for name, value in _state(module.network).items()}
    tensors |= {f"selected.{name}": value for name, value in module.selected[1].items()}
    for number, parameter in enumerate([] if foreign else _parameters(optimizer)):
        kept = {name: value for name, value in optimizer.state.get(parameter, {}).items() if isinstance(value, Tensor)}
        tensors |= {f"moment.{number}.{name}": local(value) for name, value in kept.items()}
    tensors |= module.average.state() if module.average is not None else {}
    tensors |= {"losses": torch.cat(module.losses), "numpy": torch.from_numpy(keys.astype(np.int64))}
    tensors |= module.penalties.state()
    taken = {} if prober is None else prober.weights
    tensors |= {f"kept.{step}.{name}": value for step, state in taken.items() for name, value in state.items()}
    tensors |= _streams(module)
    # Cloned, because safetensors refuses tensors that share memory, as tied weights do.
    return State(progress, {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()})


def _numpy_state() -> tuple[np.ndarray[Any, np.dtype[np.uint32]], int, int, float]:
    state: Any = np.random.get_state(legacy=False)
    return state["state"]["key"], state["state"]["pos"], state["has_gauss"], state["gauss"]


def _state(network: nn.Module) -> dict[str, Tensor]:
    """Return all weights and buffers of a network by name, those included that it does not count as its state."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers()), **network.state_dict(keep_vars=True)}


def _optimizer(module: TrialModule) -> torch.optim.Optimizer:
    optimizer: Any = module.optimizers(use_pl_optimizer=False)
    assert isinstance(optimizer, torch.optim.Optimizer)
    return optimizer


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _numbers(state: Mapping[str, Any]) -> dict[str, float | bool | None]:
    return {name: value for name, value in state.items() if not isinstance(value, Tensor)}


def _restore_moments(
    optimizer: torch.optim.Optimizer, numbers: list[dict[str, Any]], tensors: Mapping[str, Tensor]
) -> None:
    fused = {id(p) for group in optimizer.param_groups if group.get("fused") for p in group["params"]}
    for number, (parameter, known) in enumerate(zip(_parameters(optimizer), numbers, strict=True)):
        begin, own = f"moment.{number}.", local(parameter).detach()
        state: dict[str, Any] = dict(known)
        for name, value in tensors.items():
            if name.startswith(begin):
                # Fused kernels walk through memory, so a moment must lie in memory as its weight does, channels last
                # for convolutions. They read the count of steps on the device of the weight, others on the host.
                of_weight = value.shape == own.shape
                like = own if of_weight else value
                device = own.device if of_weight or id(parameter) in fused else value.device
                put = torch.empty_like(like, dtype=value.dtype, device=device).copy_(value)
                state[name.removeprefix(begin)] = as_shard(put, parameter) if of_weight else put
        if state:
            optimizer.state[parameter] = state


def _streams(module: TrialModule) -> dict[str, Tensor]:
    """Return the states of all generators of torch that a training draws from."""
    found = {"torch": torch.get_rng_state(), **random_state(module.device)}
    if (generator := getattr(module.train_split, "generator", None)) is not None:
        found["augmentation"] = generator.get_state()
    return {f"stream.{name}": state for name, state in found.items()}


def _restore_streams(module: TrialModule, found: Progress, tensors: Mapping[str, Tensor]) -> None:
    torch.set_rng_state(tensors["stream.torch"])
    for name in random_state(module.device):
        set_random_state(module.device, tensors[f"stream.{name}"])
    if (generator := getattr(module.train_split, "generator", None)) is not None:
        generator.set_state(tensors["stream.augmentation"])
    version, python, gauss = found.python
    random.setstate((version, tuple(python), gauss))
    position, has_gauss, left_over = found.numpy
    keys = tensors["numpy"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, position, has_gauss, left_over))
