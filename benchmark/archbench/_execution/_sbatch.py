"""Jobs of SLURM: how they are submitted, whether one still waits or runs, and what it said."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from archbench._errors import ClusterError

MINUTES = 60
"""Time limit of a job in minutes, unless `time` is among the options."""


def require_slurm() -> None:
    """Raise if submitit is not installed.

    Raises:
        ClusterError: it says how to install it.
    """
    if importlib.util.find_spec("submitit") is None:
        raise ClusterError(
            "--executor slurm needs submitit, which is not installed; run pip install 'archbench[slurm]'"
        )


def open_submitter(folder: Path, wanted: Mapping[str, str], cluster: str) -> Any:
    """Return what submits jobs.

    Args:
        folder: for the scripts and the output of jobs; every node must see it.
        wanted: options of sbatch.
        cluster: `slurm`, or `local` for processes of this machine in place of jobs.

    Raises:
        ClusterError: there is no SLURM here.
    """
    import submitit

    if cluster == "slurm" and shutil.which("sbatch") is None:
        raise ClusterError("there is no sbatch here; run the command where jobs of SLURM can be submitted")
    if cluster == "local":
        local = submitit.LocalExecutor(folder)
        local.update_parameters(timeout_min=MINUTES)
        return local
    executor = submitit.SlurmExecutor(folder)
    options = {name.replace("-", "_"): value for name, value in wanted.items()}
    known, more = _split_options(options, executor)
    executor.update_parameters(**{"time": MINUTES, "job_name": "archbench", **known}, additional_parameters=more)
    return executor


def cancel(job_id: str) -> None:
    """End a job, if it is there."""
    subprocess.run(["scancel", job_id], check=False, capture_output=True)  # noqa: S603, S607 - a number


def is_queued(job_id: str) -> bool:
    """Return whether a job waits or runs; submitit would ask the accounting, which not every SLURM has."""
    command = ["squeue", "--noheader", "--format", "%T", "--jobs", job_id]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a number
    if done.returncode != 0 and "Invalid job id" not in done.stderr:
        return True  # SLURM does not answer; it will again
    return done.stdout.strip() not in ("", "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "PREEMPTED", "NODE_FAIL")


def _split_options(options: Mapping[str, str], executor: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the options that submitit knows, numbers as numbers, and the others, which sbatch gets as they are."""
    known = executor._valid_parameters() - {"additional_parameters", "setup", "teardown", "srun_args", "use_srun"}
    mine = {name: int(value) if value.isdigit() else value for name, value in options.items() if name in known}
    return mine, {name: value for name, value in options.items() if name not in known}


def error_of(job: Any) -> str:
    """Return what a job wrote to standard error; empty if that cannot be read."""
    try:
        return str(job.stderr() or "")
    except OSError:
        return ""


def last_line(text: str) -> str:
    """Return the last line of a text that is not empty; `nothing` if there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"
