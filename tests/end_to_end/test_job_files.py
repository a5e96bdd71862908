"""`benchmark run --write-jobs`: job files in the place of training, which torchrun trains."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from archbench._planning import Device, Job
from archbench._records import Store
from support import Cli

RUN = ("run", "mlp", "--task", "digits", "--protocol", "smoke", "--device", "cpu")
WRITE = (*RUN, "--write-jobs", "jobs")


def launch(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a printed command, with this interpreter in the place of `python`, and of `torchrun`."""
    program, *arguments = shlex.split(command)
    through = ["-m", "torch.distributed.run"] if program == "torchrun" else []
    code = [sys.executable, *through, *arguments]
    return subprocess.run(code, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ranks_of_torchrun_train_a_job_file(cli: Cli, tmp_path: Path) -> None:
    """The printed command trains on two ranks, the run then takes that as trained, and the rest has scores of one."""
    written = cli(*WRITE, "--seeds", "2", "--devices-per-trial", "2", cwd=tmp_path)
    assert (written.returncode, list(tmp_path.iterdir())) == (0, [tmp_path / "jobs"]), written.stderr
    (command,) = [line.strip() for line in written.stdout.splitlines() if "torchrun" in line]
    trained = launch(command, tmp_path)
    assert trained.returncode == 0, trained.stderr
    ((key, first),) = Store(tmp_path / "leaderboard").scan()[0].items()
    left = json.loads(cli(*WRITE, "--seeds", "2", "--json", cwd=tmp_path).stdout)["jobs"]
    done = cli(*RUN, "--seeds", "2", "--devices-per-trial", "2", "--json", cwd=tmp_path)
    alone = cli(*RUN, "--out", "alone", cwd=tmp_path)
    one = Store(tmp_path / "alone").scan()[0][key]

    assert command == f"torchrun --nproc-per-node 2 -m archbench.worker jobs/{key}.json leaderboard"
    assert first.environment is not None
    assert (first.status, first.environment.devices) == ("ok", 2)
    assert [job["seed"] for job in left] == [1]
    assert (done.returncode, json.loads(done.stdout)["trained"]) == (0, 1), done.stderr
    assert alone.returncode == 0, alone.stderr
    assert one.scores is not None
    assert first.scores is not None
    assert first.scores.test == pytest.approx(one.scores.test, abs=1e-5)
    assert first.pairing == one.pairing


def test_job_files(cli_here: Cli, tmp_path: Path) -> None:
    """There is a file for each trial without a record, which holds its job for the device that was named."""
    done = cli_here(*WRITE, "--seeds", "3", "--keep", "last", "--json", cwd=tmp_path)
    listed = json.loads(done.stdout)["jobs"]
    jobs = [msgspec.json.decode((tmp_path / job["file"]).read_bytes(), type=Job) for job in listed]

    assert done.returncode == 0, done.stderr
    assert [(job["architecture"], job["task"]) for job in listed] == [("mlp", "digits")] * 3
    assert [job["seed"] for job in listed] == [0, 1, 2]
    assert [job.trial.id for job in jobs] == [job["trial"] for job in listed]
    assert [(job.device, job.keep) for job in jobs] == [(Device(kind="cpu"), "last")] * 3
    assert {path.name for path in tmp_path.rglob("*")} == {"jobs", *(f"{job['trial']}.json" for job in listed)}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--device", "auto"), "say on what, such as --device cuda"),
        (("--workers", "2"), "--workers is of no use to job files"),
        (("--timeout", "60"), "--timeout is of no use"),
        (("--extend",), "--extend is of no use"),
        (("--seeds-together",), "--seeds-together is of no use"),
        (("--logger", "csv"), "--logger is of no use"),
        (("--dry-run",), "--dry-run keeps nothing"),
        (("--devices-per-trial", "100"), "which 100 devices cannot share"),
    ],
)
def test_what_job_files_cannot_have(options: tuple[str, ...], words: str, cli_here: Cli, tmp_path: Path) -> None:
    """Options that a worker would not heed are refused with exit code 2, and nothing is written."""
    done = cli_here(*WRITE, *options, cwd=tmp_path)

    assert (done.returncode, list(tmp_path.iterdir())) == (2, []), done.stdout
    assert words in " ".join(done.stderr.split())
