"""Runs that are forked from a process that has loaded torch: they are processes of their own, as fresh ones are."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archbench._chaos._preloading import Preloaded, Started
from archbench._chaos._processes import marked, orphans, server_of
from archbench._records import Store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def preloaded() -> Iterator[Preloaded]:
    """A process that has loaded torch."""
    process = Preloaded(["sklearn.datasets", "sklearn.model_selection"])
    yield process
    process.close()
    assert marked(process.mark) == []


@pytest.fixture
def start(preloaded: Preloaded, tmp_path: Path) -> Callable[..., Started]:
    """A function that starts a command with its streams in two files."""
    return lambda *arguments: preloaded.start(arguments, tmp_path / "stdout", tmp_path / "stderr")


def test_a_run_has_its_streams_and_its_exit_code(start: Callable[..., Started], tmp_path: Path) -> None:
    """A command prints into its files, in a session of its own, and its exit code comes back."""
    run = start("run", "nobody", "--out", str(tmp_path / "out"))
    assert os.getsid(run.pid) == run.pid
    code = run.wait(60)

    assert (code, run.poll(), run.wait()) == (2, 2, 2)
    assert "nobody" in (tmp_path / "stderr").read_text()
    assert (tmp_path / "stdout").read_text() == ""


def test_a_killed_run_takes_its_processes_along_and_frees_its_folder(
    preloaded: Preloaded, start: Callable[..., Started], tmp_path: Path
) -> None:
    """The server is a child of the run and ends with it; the same command goes on at once, and keeps no checkpoint."""
    out = tmp_path / "out"
    command = ("run", "mlp", "--task", "digits", "--protocol", "smoke", "--seeds", "3", "--out", str(out))
    run, deadline = start(*command), time.monotonic() + 60
    while not server_of(run.pid, preloaded.mark):
        assert run.poll() is None
        assert time.monotonic() < deadline
    os.kill(run.pid, signal.SIGKILL)

    assert run.wait(60) == -signal.SIGKILL
    assert orphans(preloaded.mark, (preloaded.pid,)) == []
    assert start(*command).wait(120) == 0
    assert [record.status for record in Store(out).scan()[0].values()] == ["ok"] * 3
    assert not (out / "checkpoints").exists()


def test_a_server_inherits_nothing_of_its_run(
    preloaded: Preloaded, start: Callable[..., Started], tmp_path: Path
) -> None:
    """A file that the run holds open, such as its lock, is not open in the server of its trials."""
    out = tmp_path / "out"
    run, deadline = start("run", "mlp", "--task", "digits", "--out", str(out)), time.monotonic() + 60
    while not (server := server_of(run.pid, preloaded.mark)):
        assert time.monotonic() < deadline
    run_holds, server_holds = (
        {os.readlink(entry) for entry in Path(f"/proc/{process}/fd").iterdir()} for process in (run.pid, *server)
    )
    os.kill(run.pid, signal.SIGKILL)
    run.wait(60)

    assert str(out / ".lock") in run_holds
    assert str(out / ".lock") not in server_holds
