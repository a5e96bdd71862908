"""`run_trial`: from a job to a record, in this process.

It writes nothing but the network that is kept, and splits that the trials of a run share, which a process of their own
makes once per task and seed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException

from archbench._planning import Job
from archbench._records import Record, misfit
from archbench._training._extending import Extension
from archbench._training._keeping import keep_network, keep_steps
from archbench._training._module import DivergedError
from archbench._training._ranked_checkpoint import make_checkpoint
from archbench._training._record_fields import one_line, text_of, traceback_of
from archbench._training._trial_run import Report, TrialRun

NO_MEMORY = (
    "DefaultCPUAllocator",  # torch's allocator of host memory
    "CUDA error: out of memory",  # the driver, where there is not even room for a context
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",  # up to cuDNN 8
    "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",  # since cuDNN 9
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
)
"""Parts of the messages of plain RuntimeErrors that mean a lack of memory."""


def run_trial(
    job: Job,
    shared: Path | None = None,
    report: Report = lambda progress: None,
    checkpoint: Path | None = None,
    *,
    networks: Path | None = None,
    states: Path | None = None,
) -> Record:
    """Train once and return the record.

    Every ending that leaves this process alive becomes a record: `ok`, `diverged`, `oom` or `failed`. Call it
    once per process: it sets the threads and the global random state.

    Args:
        job: the trial, its plugins and its device.
        shared: the folder in which the trials of a run share their splits; None to make them for this trial only.
        report: called after each validation, and when SIGTERM asks a running training to end.
        checkpoint: the file that keeps the state of a long training, from which a later call goes on; None for none.
        networks: the folder for the networks that the job and its probes keep; None to write none.
        states: the folder of the states at the end of trials, if the job extends one.
    """
    run = TrialRun(job, shared, report)
    run.checkpoint = make_checkpoint(checkpoint, job) if checkpoint is not None else None
    run.extension = Extension(states, job) if states is not None and job.extend else None
    record = record_of(run, run.prepare, run.train)
    if run.module is None:
        return record
    if run.prober is not None:
        record = keep_steps(job, record, run.module, run.prober.weights, networks)
    return record if networks is None else keep_network(job, record, run.module, networks)


def record_of(run: TrialRun, *parts: Callable[[], None]) -> Record:
    """Carry out parts of a trial, and return the record of how it ended; one that does not fit becomes a failure."""
    try:
        for part in parts:
            part()
        status, message, detail = run.verdict()
    except DivergedError as error:
        status, message, detail = "diverged", str(error), ""
    except (torch.OutOfMemoryError, MemoryError) as error:
        status, message, detail = "oom", one_line(error), traceback_of(error)
    except SIGTERMException:
        status, message, detail = "failed", "the process was asked to end (SIGTERM)", ""
    except (Exception, SystemExit) as error:
        oom = any(sign in text_of(error) for sign in NO_MEMORY)
        status, message, detail = "oom" if oom else "failed", one_line(error), traceback_of(error)
    record = run.record(status, message, detail)
    if reason := misfit(record):  # no later command would read it, and the next run would train again
        message = f"what it measured does not fit its protocol, and counts for nothing: {reason}"
        return run.job.record("failed", message, detail=detail, started=run.started)
    return record
