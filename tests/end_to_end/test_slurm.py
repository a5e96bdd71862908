"""A real SLURM of one node: many trials in each allocation, and an allocation that is cancelled in mid-run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import Cli, ReadRecords
from support.slurm import missing_programs, one_node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("heard_signals")]

PLAN = ("run", "mlp", "highway", "--task", "digits", "--protocol", "smoke", "--seeds", "4", "--device", "cpu")
SLURM = ("--executor", "slurm", "--slurm", "cpus-per-task=1", "--slurm", "time=10")


@pytest.fixture(scope="module")
def slurm() -> Iterator[dict[str, str]]:
    """The environment of a SLURM of one node, with a short path for its sockets."""
    if missing := missing_programs():
        pytest.skip(f"SLURM is not installed ({', '.join(missing)}); apt-get install slurm-wlm munge")
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder, one_node(Path(folder)) as environment:
        yield environment


@pytest.fixture(scope="module")
def local(cli: Cli, records: ReadRecords, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The scores of a local run, with one thread for each trial."""
    folder = tmp_path_factory.mktemp("local")
    done = cli(*PLAN, "--workers", str(os.cpu_count()), cwd=folder)
    assert done.returncode == 0, done.stderr
    return scores(records(folder / "leaderboard"))


def scores(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Scores and the hashes of the data, by trial."""
    return {record["id"]: (record["scores"], record["pairing"]) for record in found}


def queued(environment: dict[str, str]) -> list[str]:
    """The jobs that wait or run."""
    command = ["squeue", "--noheader", "--format", "%i %T"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_two_allocations(
    slurm: dict[str, str], cli: Cli, local: dict[str, Any], records: ReadRecords, tmp_path: Path
) -> None:
    """Eight trials in two allocations have the scores of a local run, and nothing but records is left of them."""
    done = cli(*PLAN, *SLURM, "--nodes", "2", "--json", cwd=tmp_path, env=slurm)

    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["trials"]) == 8
    assert "at a time on cpu, 1 thread each." in done.stderr
    assert scores(records(tmp_path / "leaderboard")) == local
    assert not (tmp_path / "leaderboard" / "allocations").exists()
    assert queued(slurm) == []


def test_an_allocation_that_is_cancelled(
    slurm: dict[str, str], local: dict[str, Any], records: ReadRecords, tmp_path: Path
) -> None:
    """After scancel in mid-run, finished trials are kept, no failure is recorded, and another allocation goes on."""
    run = subprocess.Popen(
        [sys.executable, "-m", "archbench", *PLAN, *SLURM],
        cwd=tmp_path, env=slurm, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = []
    for line in run.stderr:
        said.append(line)
        if line.startswith("[2/"):
            break
    (job,) = queued(slurm)
    subprocess.run(["scancel", job.split()[0]], env=slurm, check=True)
    _, rest = run.communicate(timeout=600)

    assert run.returncode == 0, "".join(said) + rest
    assert "trials left; another one takes them up" in rest
    assert scores(records(tmp_path / "leaderboard")) == local


def test_ctrl_c_cancels_the_jobs(slurm: dict[str, str], records: ReadRecords, tmp_path: Path) -> None:
    """Ctrl-C takes the jobs out of the queue and keeps what is finished."""
    run = subprocess.Popen(
        [sys.executable, "-m", "archbench", *PLAN, *SLURM],
        cwd=tmp_path, env=slurm, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in run.stderr:
        if line.startswith("[1/"):
            break
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    deadline = time.monotonic() + 60
    while queued(slurm) and time.monotonic() < deadline:
        time.sleep(0.5)

    assert run.returncode == 130
    assert "trials are finished and kept" in said
    assert queued(slurm) == []
    assert len(records(tmp_path / "leaderboard")) >= 1


def test_options_that_slurm_refuses(slurm: dict[str, str], cli: Cli, tmp_path: Path) -> None:
    """A partition that does not exist is one line and exit code 2."""
    done = cli(*PLAN, *SLURM, "--slurm", "partition=moon", "--json", cwd=tmp_path, env=slurm)

    assert done.returncode == 2
    assert "SLURM takes no job" in json.loads(done.stdout)["error"]
