"""`benchmark run --write-jobs`: write job files in the place of training, and say how to train them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from archbench._errors import SelectionError
from archbench._plugins import Plugins
from archbench._suite import RunSettings
from archbench.cli._output import print_json

if TYPE_CHECKING:
    from archbench._suite._job_files import JobFile
    from archbench._suite._request import Request


def write_job_files(
    plugins: Plugins, wanted: Request, settings: RunSettings, *, folder: Path, dry_run: bool, json: bool
) -> None:
    """Write a job file for each trial that a run would train now, and print how to train them.

    Raises:
        SelectionError: a dry run is asked for, too.
    """
    from archbench._suite._job_files import write
    from archbench._suite._progress import make_progress
    from archbench._suite._studies import make_plan

    if dry_run:
        raise SelectionError("--dry-run keeps nothing; leave it out, or --write-jobs")
    files = write(make_plan(plugins, wanted, make_progress()).plan, settings, folder)
    if json:
        print_json({"jobs": [_describe(file) for file in files]})
    elif files:
        print(f"{len(files)} job files in {folder}, one for each trial. Each is trained by a command such as\n")
        print(f"    {_command(files[0], settings)}\n")
        print("Then the same command without --write-jobs trains what is left and writes the leaderboard.")
    else:
        print("There is nothing to train, so no job file was written.")


def _describe(file: JobFile) -> dict[str, object]:
    trial = file.planned.trial
    names = {"architecture": trial.architecture.label, "task": trial.task.label, "seed": trial.seed}
    return {"trial": file.planned.id, **names, "file": str(file.path)}


def _command(file: JobFile, settings: RunSettings) -> str:
    """Return the command that trains a job file: that of `torchrun`, where several devices train a trial."""
    ranks = settings.devices_per_trial
    launcher = ["python"] if ranks == 1 else ["torchrun", "--nproc-per-node", str(ranks)]
    return shlex.join([*launcher, "-m", "archbench.worker", str(file.path), str(settings.out)])
