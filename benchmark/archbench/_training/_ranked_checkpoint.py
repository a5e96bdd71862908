"""The state of a trial that several ranks train together: one file, which is whole or absent.

Rank 0 writes its state whole, and what differs on the other ranks beside it: the streams of random numbers, which ranks
use up at different rates where their stretches of a batch differ in length, and whatever else a network lets differ. Of
sharded weights that is all of their parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import torch
from safetensors.torch import load, save
from torch import Tensor, distributed
from torchmetrics.utilities.distributed import gather_all_tensors

from archbench._planning import Job, Rank
from archbench._training._checkpoint import Checkpoint, Progress, State
from archbench._training._joining import exchanged_on
from archbench._training._module import TrialModule
from archbench._training._probes import Prober

Tensors = Mapping[str, Tensor]

PIECE = 2**25
"""Bytes that each rank sends at a time."""


class RankedCheckpoint(Checkpoint):
    """The file that keeps the state of a trial on several devices. All ranks call its methods at the same places.

    Args:
        path: of the file, which every rank must see to take it up.
        job: of this rank.
        rank: this one.
    """

    def __init__(self, path: Path, job: Job, rank: Rank) -> None:
        super().__init__(path, job)
        self.rank = rank

    def load(self) -> State | None:
        """Return the state of this rank; None if not all ranks find the same one."""
        found = super().load()
        state = None if found is None else _state_of(self.rank, found)
        mine = torch.tensor(-1 if state is None else state.step, device=exchanged_on())
        steps = {int(step) for step in gather_all_tensors(mine)}
        return state if len(steps) == 1 else None

    def is_due(self) -> bool:
        """Return whether the last state is old enough for another one, by the clock of rank 0."""
        due = torch.tensor(super().is_due(), dtype=torch.uint8, device=exchanged_on())
        distributed.broadcast(due, 0)
        return bool(due)

    def save(self, module: TrialModule, prober: Prober | None = None) -> bool:
        """Keep the states of all ranks between two chunks, and return whether this rank wrote the file."""
        state = self.capture(module, prober)
        whole, *_ = _gather(b"".join(_digests(state.tensors)) if state is not None else b"")
        part = _own_part(state, whole) if state is not None and not self.rank.leads else b""
        parts = _gather(part, keep=self.rank.leads)
        if state is None or not self.rank.leads or not all(parts[1:]):
            return False
        others = {
            f"rank.{number}.{name}": tensor
            for number, part in enumerate(parts[1:], start=1)
            for name, tensor in load(part).items()
        }
        return self.write(State(state.progress, {**state.tensors, **others}))


def make_checkpoint(path: Path, job: Job) -> Checkpoint:
    """Return the file that keeps the state of a trial, on one device or as one rank of several."""
    return Checkpoint(path, job) if job.rank is None else RankedCheckpoint(path, job, job.rank)


def _state_of(rank: Rank, state: State) -> State | None:
    """Return the state of a rank, among those that a file holds; None if its part cannot be read."""
    begin = f"rank.{rank.number}."
    whole = {name: value for name, value in state.tensors.items() if not name.startswith("rank.")}
    own = {name.removeprefix(begin): value for name, value in state.tensors.items() if name.startswith(begin)}
    if rank.leads:
        return State(state.progress, whole)
    try:
        progress = msgspec.json.decode(own.pop("progress").numpy().tobytes(), type=Progress)
    except (KeyError, msgspec.DecodeError):
        return None
    return State(progress, {**whole, **own})


def _own_part(state: State, whole: bytes) -> bytes:
    """Return what differs from rank 0, as tensors in the format of safetensors; empty if the names of tensors differ.

    Args:
        state: of this rank.
        whole: the digests of rank 0.
    """
    size = hashlib.sha256().digest_size
    known = {whole[at : at + size] for at in range(0, len(whole), size)}
    of_names, *digests = _digests(state.tensors)
    if of_names not in known:
        return b""
    own = {
        name: state.tensors[name]
        for name, digest in zip(sorted(state.tensors), digests, strict=True)
        if digest not in known
    }
    return bytes(save({**own, "progress": _as_tensor(msgspec.json.encode(state.progress))}))


def _digests(tensors: Tensors) -> list[bytes]:
    """Return a hash of all names, then one of each tensor with its name, in the order of the names."""
    names = sorted(tensors)
    return [hashlib.sha256(repr(names).encode()).digest(), *(_digest(name, tensors[name]) for name in names)]


def _digest(name: str, tensor: Tensor) -> bytes:
    kind = f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode()
    return hashlib.sha256(kind + tensor.flatten().view(torch.uint8).numpy().tobytes()).digest()


def _as_tensor(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)


def _gather(data: bytes, *, keep: bool = True) -> list[bytes]:
    """Return what each rank gives, rank 0 first; nothing to a rank that does not keep it.

    It goes in pieces, since every device has that of all ranks at once.
    """
    lengths = [int(each) for each in gather_all_tensors(torch.tensor(len(data), device=exchanged_on()))]
    found = [bytearray() for _ in lengths]
    for start in range(0, max(lengths), PIECE):
        piece = _as_tensor(data[start : start + PIECE]).to(exchanged_on())
        for whole, part in zip(found, gather_all_tensors(piece), strict=True):
            if keep:
                whole += part.cpu().numpy().tobytes()
    return [bytes(whole) for whole in found]
