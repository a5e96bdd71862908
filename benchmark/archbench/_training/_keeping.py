"""Keeping a trained network: its weights as safetensors, with a sidecar that says how to rebuild it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec
import safetensors.torch
from torch import Tensor

from archbench._declarations import Fitted, convert_options, resolve
from archbench._planning import Job
from archbench._records import AT_A_STEP, FORMAT, KeptNetwork, Reading, Record, Weights, drop_steps, write_network
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
    selected = job.keep == "selected"
    step, state = module.selected if selected else (module.steps[-1], module.network.state_dict())
    reason = _try_to_write(job, module, job.keep, step, state, folder)
    return msgspec.structs.replace(record, detail=f"the network was not kept: {reason}") if reason else record


def keep_steps(
    job: Job, record: Record, module: TrialModule, taken: Mapping[int, Mapping[str, Tensor]], folder: Path | None
) -> Record:
    """Write the weights that a probe took at its moments, and return the record.

    Those of an earlier training of the trial are removed. Where weights cannot be written, their reading says why.

    Args:
        job: the trial; of several ranks the leading one writes.
        record: of the trial, whatever its status.
        module: its training.
        taken: by the step after which the network had them.
        folder: for networks; None if there is none.
    """
    probes = job.trial.protocol.probes
    if probes is None or "weights" not in probes.measure or not (job.rank is None or job.rank.leads):
        return record
    if folder is None:
        failed = dict.fromkeys(taken, "there is no folder for it")
    else:
        tried = {step: _try_to_write(job, module, AT_A_STEP, step, state, folder) for step, state in taken.items()}
        failed = {step: reason for step, reason in tried.items() if reason}
        drop_steps(folder, job.trial.id, but=taken.keys() - failed.keys())
    readings = [
        Reading(probe="weights", step=reading.step, note=f"the network was not kept: {failed[reading.step]}")
        if reading.probe == "weights" and reading.step in failed
        else reading
        for reading in record.readings
    ]
    return msgspec.structs.replace(record, readings=readings)


def _try_to_write(
    job: Job,
    module: TrialModule,
    weights: Weights | Literal["step"],
    step: int,
    state: Mapping[str, Tensor],
    folder: Path,
) -> str:
    """Write a network; return why that failed, empty if it did not."""
    try:
        # Tied weights are written as often as they have names; loading writes equal numbers into one place.
        whole = {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}
        data = safetensors.torch.save(whole)
        network = KeptNetwork(
            format=FORMAT,
            trial=job.trial,
            weights=weights,
            step=step,
            info=module.info,
            loss=module.task.loss if isinstance(module.task.loss, str) else module.task.loss.name,
            targets=module.task.targets,
            takes_lengths=load_architecture(job).takes_lengths,
            sha256=hashlib.sha256(data).hexdigest(),
            versions={name: version(name) for name in ("archbench", "torch", "safetensors")},
            fitted=_fitted(job),
        )
        write_network(folder, network, data)
    except Exception as error:  # a network of other people may hold what cannot be written
        return f"{type(error).__name__}: {error}"
    return ""


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
