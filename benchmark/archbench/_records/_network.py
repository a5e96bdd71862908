"""Trained networks that are kept: the weights of a trial, and a sidecar that says how to rebuild the network.

```
OUT/networks/ab12....safetensors    the weights
OUT/networks/ab12....json           the sidecar; without it, or where it does not fit them, the weights do not count
```
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal, get_args

import msgspec

from archbench._declarations import LOSSES, Fitted, Targets, TaskInfo
from archbench._errors import RecordError
from archbench._records._files import write_atomically
from archbench._records._trial import Trial

FORMAT = 1
"""Version of the sidecar; those of a higher one are refused."""

Weights = Literal["selected", "last"]
"""Which weights of a trial are kept: those that validation selected, by which it is scored, or those of its end."""
KEEP: tuple[str, ...] = (*get_args(Weights), "none")

ExportFormat = Literal["safetensors", "torchscript", "onnx"]
"""Formats that a network can be exported to."""


class KeptNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """A sidecar: how to rebuild a network, and what to do with new inputs.

    Args:
        format: version of the sidecar.
        trial: what was trained: the architecture with revision, options and fingerprint, the task and the protocol.
        weights: which weights these are.
        step: the optimiser step after which the network had them.
        info: shapes and kinds of the data.
        loss: of the training, by name.
        targets: what outputs stand for; None in sidecars that are older than this field.
        takes_lengths: the network is called with lengths on a task of variable length; else padding goes in front.
        sha256: of the file of the weights.
        versions: of the libraries that trained it.
        fitted: what prepares new files as those of the trial were; None where the task has no such reader.
    """

    format: int
    trial: Trial
    weights: Weights
    step: int
    info: TaskInfo
    loss: str
    takes_lengths: bool
    sha256: str
    versions: dict[str, str]
    fitted: Fitted | None = None
    targets: Targets | None = None

    @property
    def asks(self) -> Targets:
        """The kind of answers that outputs stand for: classes, numbers or labels."""
        return self.targets or LOSSES[self.loss]


def weights_file(folder: Path, trial_id: str) -> Path:
    """Return the path of the weights of a trial in a folder of networks."""
    return folder / f"{trial_id}.safetensors"


def write_network(folder: Path, network: KeptNetwork, weights: bytes) -> None:
    """Write weights and then their sidecar; a crash at any moment leaves the network whole, absent, or noticeably none.

    Raises:
        StoreError: the folder cannot be written.
    """
    write_atomically(weights_file(folder, network.trial.id), weights)
    write_atomically(_sidecar(folder, network.trial.id), msgspec.json.encode(network, order="deterministic") + b"\n")


def has_network(folder: Path, trial_id: str, weights: str) -> bool:
    """Return whether these weights of a trial are there; that they are whole is checked when they are read."""
    try:
        return weights_file(folder, trial_id).exists() and read_sidecar(folder, trial_id).weights == weights
    except RecordError:
        return False


def read_sidecar(folder: Path, trial_id: str) -> KeptNetwork:
    """Return how to rebuild the network of a trial.

    Raises:
        RecordError: no network of this trial is kept, or the sidecar is damaged or of a newer version.
    """
    path = _sidecar(folder, trial_id)
    try:
        network = msgspec.json.decode(path.read_bytes(), type=KeptNetwork)
    except FileNotFoundError:
        raise RecordError(
            f"no network of trial {trial_id} is kept in {folder}; train with --keep selected, into another "
            "folder if it has a record already"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}; {_ADVICE}") from None
    if network.format > FORMAT:
        raise RecordError(f"{path} was written by a newer archbench (format {network.format}); upgrade archbench")
    if network.trial.id != trial_id:
        raise RecordError(f"{path} is the sidecar of trial {network.trial.id}; give each file the name of its own")
    return network


def read_weights(folder: Path, network: KeptNetwork) -> bytes:
    """Return the bytes of the weights of a network.

    Raises:
        RecordError: they are missing, cut short, or others than the sidecar says.
    """
    path = weights_file(folder, network.trial.id)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"the weights {path} cannot be read: {error.strerror or error}; {_ADVICE}") from None
    if hashlib.sha256(data).hexdigest() != network.sha256:
        raise RecordError(f"the weights {path} are damaged: their checksum is not that of the sidecar; {_ADVICE}")
    return data


def _sidecar(folder: Path, trial_id: str) -> Path:
    return folder / f"{trial_id}.json"


_ADVICE = "copy both files again, or train again with --keep into another folder"
