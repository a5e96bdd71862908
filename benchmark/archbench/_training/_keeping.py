"""Keeping a trained network: its weights as safetensors, with a sidecar that says how to rebuild it."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path

import msgspec
import safetensors.torch

from archbench._declarations import Fitted, convert_options, resolve
from archbench._planning import Job
from archbench._records import FORMAT, KeptNetwork, Record, write_network
from archbench._training._loading import load_architecture, load_reader
from archbench._training._module import TrialModule


def keep_network(job: Job, record: Record, module: TrialModule, folder: Path) -> Record:
    """Write the network of a trial that ended ok, if its job keeps one, and return the record.

    Scores do not depend on it: where the network cannot be written, the record stays ok and its `detail` says why.

    Args:
        job: says which weights to keep.
        record: of the trial.
        module: after training and scoring.
        folder: for networks.
    """
    if job.keep is None or record.status != "ok" or job.trial.tuning:
        return record
    try:
        weights = _weights(job, module)
        network = KeptNetwork(
            format=FORMAT,
            trial=job.trial,
            weights=job.keep,
            step=module.selected[0] if job.keep == "selected" else module.steps[-1],
            info=module.info,
            loss=module.task.loss if isinstance(module.task.loss, str) else module.task.loss.name,
            targets=module.task.targets,
            takes_lengths=load_architecture(job).takes_lengths,
            sha256=hashlib.sha256(weights).hexdigest(),
            versions={name: version(name) for name in ("archbench", "torch", "safetensors")},
            fitted=_fitted(job),
        )
        write_network(folder, network, weights)
    except Exception as error:  # a network of other people may hold what cannot be written
        reason = f"the network was not kept: {type(error).__name__}: {error}"
        return msgspec.structs.replace(record, detail=reason)
    return record


def _weights(job: Job, module: TrialModule) -> bytes:
    state = module.selected[1] if job.keep == "selected" else module.network.state_dict()
    # Tied weights are written as often as they have names; loading writes equal numbers into one place.
    return safetensors.torch.save({name: tensor.detach().cpu().clone().contiguous() for name, tensor in state.items()})


def _fitted(job: Job) -> Fitted | None:
    if job.own_data is None:
        return None
    reader = load_reader(job, job.own_data)
    if reader.fit is None:
        return None
    options = convert_options(reader, job.trial.task.options)
    fitted = resolve(reader.fit)(Path(job.own_data.path), options, job.own_data.found.content)
    if not isinstance(fitted, Fitted):
        raise TypeError(f"fit of the reader {reader.scheme}: returned {type(fitted).__name__}, not archbench.Fitted")
    return fitted
