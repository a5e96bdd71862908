"""Processes that trials leave behind, and the end and the loss of the server that trials are forked from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archbench._execution._descendants import end_below
from support import Cli, ReadRecords

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Linux kernel")
pytestmark = [linux, pytest.mark.usefixtures("heard_signals")]

LEAVES = """
import os, subprocess, sys, time
import archbench
from torch import nn

CHILD = "import os, time; os.setsid(); os.fork() and os._exit(0); os.setsid(); time.sleep(600)"

def build(task, options):
    subprocess.run([sys.executable, "-c", CHILD, {mark!r}])
    if os.fork() == 0:
        os.setsid()
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", {mark!r}])
    {then}
    return nn.Sequential(nn.Flatten(), nn.Linear(64, task.outputs))

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="leaves", build=build, inputs=("image",))
"""


def living(word: str) -> list[int]:
    """The ids of processes whose command line has a word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], object], seconds: float = 250) -> None:
    """Wait until a condition holds; fail after some time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("then", "status"),
    [
        ("pass", "ok"),
        ("os.kill(os.getpid(), 11)", "crashed"),
        pytest.param("time.sleep(600)", "timeout", marks=pytest.mark.slow),
    ],
)
def test_no_descendant_outlives_its_trial(
    then: str, status: str, cli: Cli, records: ReadRecords, tmp_path: Path
) -> None:
    """Processes in sessions of their own end with the trial that started them, however that ends."""
    mark = f"mark-{tmp_path.name}"
    (tmp_path / "leaves.py").write_text(LEAVES.format(mark=mark, then=then))
    cli(
        "run", "leaves", "--task", "digits", "--protocol", "smoke", "--plugin", "leaves.py", "--timeout", "20",
        cwd=tmp_path,
    )  # fmt: skip
    left = living(mark)
    for process in left:
        os.kill(process, signal.SIGKILL)

    assert [record["status"] for record in records(tmp_path / "leaderboard")] == [status]
    assert left == []


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a run of many seeds in the background."""
    command = [sys.executable, "-m", "archbench", "run", "mlp", "--task", "digits", *arguments]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})


def server_of(run: int) -> list[int]:
    """The id of the server that a run has started; none as long as there is none."""
    found = []
    for child in Path(f"/proc/{run}/task/{run}/children").read_text().split():
        if b"forkserver" in Path(f"/proc/{child}/cmdline").read_bytes():
            found.append(int(child))
    return found


def has_ended(process: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_server_dies_with_its_run(tmp_path: Path) -> None:
    """A run that is killed while its server still loads libraries leaves no server after two seconds."""
    with start(tmp_path, "--seeds", "9") as process:
        wait_until(lambda: server_of(process.pid))
        (server,) = server_of(process.pid)
        wait_until(lambda: b"libtorch" in Path(f"/proc/{server}/maps").read_bytes())
        process.send_signal(signal.SIGKILL)
        wait_until(lambda: has_ended(server), 2)


def test_a_stopped_run_removes_its_temporary_files(tmp_path: Path) -> None:
    """Ctrl-C ends a run without the code at its exit; the folder with the socket of its server goes all the same."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # the name of a socket must be short
        with start(tmp_path, "--seeds", "9", TMPDIR=folder) as process:
            wait_until(lambda: [*Path(folder).glob("pymp-*/*")])
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)

        assert process.returncode == 130
        assert [*Path(folder).glob("pymp-*")] == []


AGAIN = """
from archbench._execution._fork_server import ForkedProcess, remove_folder, start_server

first = start_server({}, [])
remove_folder()
assert start_server({}, []) != first
process = ForkedProcess(target=print, args=("forked",))
process.start()
process.join()
"""


def test_a_server_whose_socket_is_gone_is_followed_by_another() -> None:
    """A process that went on after all, such as a test, forks from a new server."""
    done = subprocess.run([sys.executable, "-c", AGAIN], capture_output=True, text=True, timeout=100, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "forked\n", "")


@pytest.mark.slow
def test_a_server_that_is_killed_is_started_again(records: ReadRecords, tmp_path: Path) -> None:
    """What ran while the server was killed is trained once more, and no network is blamed."""
    out = tmp_path / "leaderboard"
    with start(tmp_path, "--protocol", "smoke", "--seeds", "12", "--workers", "1") as process:
        wait_until(lambda: list(out.glob("records/*/[0-9a-f]*.json")))
        (server,) = server_of(process.pid)
        os.kill(server, signal.SIGKILL)
        _, errors = process.communicate(timeout=250)

    assert process.returncode == 0, errors
    assert [record["status"] for record in records(out)] == ["ok"] * 12
    assert "fresh Python" not in errors


@pytest.mark.slow
def test_a_long_folder_for_temporary_files(records: ReadRecords, tmp_path: Path) -> None:
    """A TMPDIR that is too long for a socket changes nothing."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    with start(tmp_path, "--protocol", "smoke", TMPDIR=str(folder)) as process:
        _, errors = process.communicate(timeout=250)

    assert process.returncode == 0, errors
    assert "fresh Python" not in errors
    assert [record["status"] for record in records(tmp_path / "leaderboard")] == ["ok"]


def test_spared_children_go_on() -> None:
    """Of the children of a process, those that are spared live on, and all others end."""
    code = "import time; time.sleep(600)"
    kept, lost = (subprocess.Popen([sys.executable, "-c", code]) for _ in range(2))
    others = {int(name) for name in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    end_below(os.getpid(), others - {lost.pid})

    assert lost.wait(10) == -signal.SIGKILL
    assert kept.poll() is None
    kept.kill()
    kept.wait()
