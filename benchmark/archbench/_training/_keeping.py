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
    try:
        state = module.whole(state)
    except Exception as error:  # the host may lack the memory for it
        return msgspec.structs.replace(record, detail=_reason(error))
    if job.rank is not None and not job.rank.leads:
        return record
    failed = _write_all(job, module, job.keep, {step: state}, folder)
    return msgspec.structs.replace(record, detail=failed[step]) if failed else record


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
        failed = dict.fromkeys(taken, "the network was not kept: there is no folder for it")
    else:
        failed = _write_all(job, module, AT_A_STEP, taken, folder)
        drop_steps(folder, job.trial.id, but=taken.keys() - failed.keys())
    readings = [
        Reading(probe="weights", step=reading.step, note=failed[reading.step])
        if reading.probe == "weights" and reading.step in failed
        else reading
        for reading in record.readings
    ]
    return msgspec.structs.replace(record, readings=readings)


def _write_all(
    job: Job,
    module: TrialModule,
    weights: Weights | Literal["step"],
    states: Mapping[int, Mapping[str, Tensor]],
    folder: Path,
) -> dict[int, str]:
    """Write networks, given by their step; return why that failed by the step, if it did."""
    try:
        described = _describe(job, module)
    except Exception as error:  # a network of other people, or a reader
        return dict.fromkeys(states, _reason(error))
    failed = {}
    for step, state in states.items():
        try:
            # Tied weights are written as often as they have names; loading writes equal numbers into one place.
            whole = {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}
            data = safetensors.torch.save(whole)
            digest = hashlib.sha256(data).hexdigest()
            write_network(folder, msgspec.structs.replace(described, weights=weights, step=step, sha256=digest), data)
        except Exception as error:  # it may hold what cannot be written
            failed[step] = _reason(error)
    return failed


def _reason(error: Exception) -> str:
    return f"the network was not kept: {type(error).__name__}: {error}"


def _describe(job: Job, module: TrialModule) -> KeptNetwork:
    """Return the sidecar of a trial, in which only what differs from file to file is missing."""
    return KeptNetwork(
        format=FORMAT,
        trial=job.trial,
        weights="last",
        step=0,
        info=module.info,
        loss=module.task.loss if isinstance(module.task.loss, str) else module.task.loss.name,
        targets=module.task.targets,
        takes_lengths=load_architecture(job).takes_lengths,
        sha256="",
        versions={name: version(name) for name in ("archbench", "torch", "safetensors")},
        fitted=_fitted(job),
    )


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
