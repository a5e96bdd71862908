"""Trained networks that are kept: the weights of a trial, and a sidecar that says how to rebuild the network.

```
OUT/networks/ab12....safetensors    the weights
OUT/networks/ab12....json           the sidecar; without it, or where it does not fit them, the weights do not count
OUT/networks/ab12....step-50.*      those after step 50, which the probe `weights` kept
```
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
from collections.abc import Container
from pathlib import Path
from typing import Literal, get_args

import msgspec

from archbench._declarations import LOSSES, Fitted, Targets, TaskInfo
from archbench._errors import RecordError
from archbench._records._files import write_atomically
from archbench._records._record import Record
from archbench._records._trial import Trial

FORMAT = 1
"""Version of the sidecar; those of a higher one are refused."""

Weights = Literal["selected", "last"]
"""Which weights of a trial are kept: those that validation selected, by which it is scored, or those of its end."""
KEEP: tuple[str, ...] = (*get_args(Weights), "none")

AT_A_STEP: Literal["step"] = "step"
"""The weights that a probe kept, in a sidecar."""
_STEP = ".step-"

ExportFormat = Literal["safetensors", "torchscript", "onnx"]
"""Formats that a network can be exported to."""


class KeptNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """A sidecar: how to rebuild a network, and what to do with new inputs.

    Args:
        format: version of the sidecar.
        trial: what was trained: the architecture with revision, options and fingerprint, the task and the protocol.
        weights: which weights these are; `step` for those that a probe kept.
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
    weights: Weights | Literal["step"]
    step: int
    info: TaskInfo
    loss: str
    takes_lengths: bool
    sha256: str
    versions: dict[str, str]
    fitted: Fitted | None = None
    targets: Targets | None = None

    @property
    def name(self) -> str:
        """The name of both files, without their endings."""
        return name_network(self.trial.id, self.step if self.weights == AT_A_STEP else None)

    @property
    def asks(self) -> Targets:
        """The kind of answers that outputs stand for: classes, numbers or labels."""
        return self.targets or LOSSES[self.loss]

    def belongs_to(self, record: Record) -> bool:
        """Return whether it was trained under the recipe of a record of its trial; tuning may choose another later."""
        return self.trial.recipe == record.trial.recipe


def name_network(trial_id: str, step: int | None = None) -> str:
    """Return the name of the files of a network, without their endings.

    Args:
        trial_id: of its trial.
        step: the step after which a probe kept it; None for the network of the trial.
    """
    return trial_id if step is None else f"{trial_id}{_STEP}{step}"


def read_name(name: str) -> tuple[str, int | None]:
    """Return the id and the step that `name_network` made a name of."""
    trial_id, mark, step = name.partition(_STEP)
    return (trial_id, int(step)) if mark and step.isdecimal() else (name, None)


def weights_file(folder: Path, name: str) -> Path:
    """Return the path of the weights of a network in a folder of networks."""
    return folder / f"{name}.safetensors"


def kept_steps(folder: Path, trial_id: str) -> list[int]:
    """Return the steps after which a probe kept the weights of a trial, in rising order, as far as they are there."""
    found = (read_name(path.stem)[1] for path in folder.glob(f"{glob.escape(trial_id)}{_STEP}*.safetensors"))
    return sorted(step for step in found if step is not None)


def lacks_steps(folder: Path, record: Record) -> bool:
    """Return whether weights that a probe kept, as a record says, are not there."""
    kept = [reading.step for reading in record.readings if reading.probe == "weights" and not reading.note]
    return not all(has_network(folder, record, AT_A_STEP, step) for step in kept)


def drop_steps(folder: Path, trial_id: str, *, but: Container[int]) -> None:
    """Remove the weights that a probe of an earlier training of a trial kept.

    Args:
        folder: of networks.
        trial_id: of the trial.
        but: the steps of which they stay.
    """
    for step in kept_steps(folder, trial_id):
        if step not in but:
            name = name_network(trial_id, step)
            for path in (_sidecar(folder, name), weights_file(folder, name)):
                with contextlib.suppress(OSError):
                    path.unlink()


def write_network(folder: Path, network: KeptNetwork, weights: bytes) -> None:
    """Write weights and then their sidecar; a crash at any moment leaves the network whole, absent, or noticeably none.

    Raises:
        StoreError: the folder cannot be written.
    """
    write_atomically(weights_file(folder, network.name), weights)
    write_atomically(_sidecar(folder, network.name), msgspec.json.encode(network, order="deterministic") + b"\n")


def has_network(folder: Path, record: Record, weights: str, step: int | None = None) -> bool:
    """Return whether a network of a record is there; that it is whole is checked when it is read.

    Args:
        folder: of networks.
        record: of its trial; a network that was trained under another recipe does not count.
        weights: which weights are wanted.
        step: the step after which a probe kept them; None for the network of the trial.
    """
    name = name_network(record.id, step)
    try:
        network = read_sidecar(folder, name)
    except RecordError:
        return False
    return weights_file(folder, name).exists() and network.weights == weights and network.belongs_to(record)


def read_sidecar(folder: Path, name: str) -> KeptNetwork:
    """Return how to rebuild a network.

    Args:
        folder: of networks.
        name: the id of a trial, or what `name_network` returns.

    Raises:
        RecordError: no such network is kept, or the sidecar is damaged or of a newer version.
    """
    path = _sidecar(folder, name)
    try:
        network = msgspec.json.decode(path.read_bytes(), type=KeptNetwork)
    except FileNotFoundError:
        raise RecordError(_describe_lack(folder, *read_name(name))) from None
    except (OSError, msgspec.DecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}; {_ADVICE}") from None
    if network.format > FORMAT:
        raise RecordError(f"{path} was written by a newer archbench (format {network.format}); upgrade archbench")
    if network.name != name:
        raise RecordError(f"{path} is the sidecar of trial {network.name}; give each file the name of its own")
    return network


def read_weights(folder: Path, network: KeptNetwork) -> bytes:
    """Return the bytes of the weights of a network.

    Raises:
        RecordError: they are missing, cut short, or others than the sidecar says.
    """
    path = weights_file(folder, network.name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"the weights {path} cannot be read: {error.strerror or error}; {_ADVICE}") from None
    if hashlib.sha256(data).hexdigest() != network.sha256:
        raise RecordError(f"the weights {path} are damaged: their checksum is not that of the sidecar; {_ADVICE}")
    return data


def _sidecar(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _describe_lack(folder: Path, trial_id: str, step: int | None) -> str:
    if step is None:
        return (
            f"no network of trial {trial_id} is kept in {folder}; train with --keep selected, into another "
            "folder if it has a record already"
        )
    there = ", ".join(map(str, kept_steps(folder, trial_id)))
    said = f"there are those after {there}" if there else "a study whose probes measure weights keeps them"
    return f"no weights of trial {trial_id} after step {step} are kept in {folder}; {said}"


_ADVICE = "copy both files again, or train again with --keep into another folder"
