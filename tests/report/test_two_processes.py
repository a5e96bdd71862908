"""A large leaderboard is written by two processes, and looks as if one had done it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from archbench._records import Record, Store
from support import Cli

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="one process does it all"
)

REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference"

SMALL_IS_LARGE = """
import os, pathlib
import archbench
from archbench._report import _split, _write

_split.MOST_TRIALS = 20
write = _write._write

def logging(path, content, **options):
    with open({log!r}, "a") as log:
        log.write(f"{{os.getpid()}} {{path.name}}\\n")
    write(path, content, **options)

_write._write = logging

@archbench.hookimpl
def archbench_architectures():
    return []
"""
"""A plugin by which twenty trials are many, and each file that is written is logged with its process."""

SHARE = """
import os, sys, threading, time
from archbench._report._two_processes import share

def log(number):
    with open("log", "a") as file:
        file.write(f"{{os.getpid()}} {{number}}\\n")

first = os.getpid()
{code}
share(work, range(40))
"""


class Folder:
    """A folder of records whose leaderboard has several files."""

    def __init__(self, path: Path, records: list[Record]) -> None:
        self.out, self.log, self.plugin = path / "out", path / "log", path / "small.py"
        self.plugin.write_text(SMALL_IS_LARGE.format(log=str(self.log)))
        for record in records:
            Store(self.out).write(record)

    @property
    def options(self) -> list[str]:
        """The command that writes its leaderboard."""
        return ["leaderboard", "--out", str(self.out), "--plugin", str(self.plugin)]

    @property
    def processes(self) -> int:
        """How many processes wrote files."""
        return len({line.split()[0] for line in self.log.read_text().splitlines()})

    def hashes(self) -> dict[str, str]:
        """Return a hash of each file of the leaderboard."""
        files = [path for path in self.out.rglob("*") if path.is_file() and "records" not in path.parts]
        return {str(path.relative_to(self.out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


MakeFolder = Callable[[str], Folder]


@pytest.fixture(scope="module")
def committed() -> list[Record]:
    """The records of one task of the reference."""
    records = Store(REFERENCE).scan()[0].values()
    return [r for r in records if r.trial.task.label == "noisy-digits" and not r.trial.protocol.for_studies]


@pytest.fixture
def make_folder(committed: list[Record], tmp_path: Path) -> MakeFolder:
    """Make a folder of these records."""

    def make(name: str) -> Folder:
        (tmp_path / name).mkdir()
        return Folder(tmp_path / name, committed)

    return make


def on_one_core() -> None:
    """Leave this process one core."""
    os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])


def test_two_processes_write_the_bytes_of_one(make_folder: MakeFolder, cli: Cli) -> None:
    """All files are there, with the bytes of a machine of one core."""
    two, one = make_folder("two"), make_folder("one")
    for folder, options in ((two, {}), (one, {"preexec_fn": on_one_core})):
        done = cli(*folder.options, cwd=folder.out, **options)
        assert (done.returncode, done.stderr) == (0, "")

    assert (two.processes, one.processes) == (2, 1)
    assert len(one.hashes()) > 20
    assert two.hashes() == one.hashes()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["details", "leaderboard.json"])
def test_a_file_that_cannot_be_written(make_folder: MakeFolder, cli: Cli, name: str) -> None:
    """The error and the exit code are those of one process, whichever of two met it."""
    ends = []
    for number, options in enumerate(({}, {"preexec_fn": on_one_core})):
        folder = make_folder(str(number))
        if name == "details":
            (folder.out / name).write_text("a file in the place of the folder")
        else:
            (folder.out / name / "inner").mkdir(parents=True)
        done = cli(*folder.options, cwd=folder.out, **options)
        ends.append((done.returncode, done.stdout, done.stderr.replace(str(folder.out), "OUT")))

    assert ends[0] == ends[1]
    assert ends[0][0] == 2
    assert ends[0][2].startswith("benchmark: cannot write")
    assert ends[0][2].count("\n") == 1


Shared = Callable[[str], tuple["subprocess.CompletedProcess[str]", list[tuple[int, int]]]]


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    """Share forty items in a process of its own; its end, and the process of each item that was done."""

    def run(code: str) -> tuple[subprocess.CompletedProcess[str], list[tuple[int, int]]]:
        command, one_thread = [sys.executable, "-c", SHARE.format(code=code)], {"OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ | one_thread
        )
        lines = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
        return done, [(int(process), int(number)) for process, number in lines]

    return run


def test_each_item_is_taken_once(shared: Shared) -> None:
    """Two processes take part; one that waits for an item leaves the others to the other one."""
    done, log = shared("def work(number):\n    log(number)\n    time.sleep(2 if number == 0 else 0.02)")

    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(number for _, number in log) == list(range(40))
    (waited,) = (process for process, number in log if number == 0)
    assert len({process for process, _ in log}) == 2
    assert sum(process == waited for process, _ in log) < 5


def test_the_first_error_is_raised(shared: Shared) -> None:
    """Of several items that fail, the first tells why, once, and those before it are done."""
    done, log = shared(
        "def work(number):\n    log(number)\n    time.sleep(number == 0 and os.getpid() == first)\n"
        "    assert number < 7, number"  # so that the second process meets it, and the first one another
    )

    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.endswith("AssertionError: 7\n")
    assert {number for _, number in log} >= set(range(8))


@pytest.mark.slow
@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(3)", "sys.exit(3)", "raise MemoryError"])
def test_the_second_process_dies(shared: Shared, end: str) -> None:
    """The first one does all of it, and nobody sees a difference."""
    done, log = shared(f"def work(number):\n    time.sleep(0.02)\n    if os.getpid() != first: {end}\n    log(number)")

    assert (done.returncode, done.stderr) == (0, "")
    assert {number for _, number in log} == set(range(40))


def test_a_process_with_threads_is_not_forked(shared: Shared) -> None:
    """A lock that one of them holds would stay locked in the copy."""
    done, log = shared(
        "threading.Thread(target=time.sleep, args=(2,), daemon=True).start()\n"
        "def work(number):\n    log(number)\n    time.sleep(0.01)"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [number for _, number in log] == list(range(40))
    assert len({process for process, _ in log}) == 1


def test_no_process_can_be_made(shared: Shared) -> None:
    """One process does it where a second is refused, or has no memory."""
    done, log = shared(
        "def refuse(): raise BlockingIOError\nos.fork = refuse\n"
        "def work(number):\n    log(number)\n    time.sleep(0.01)"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [number for _, number in log] == list(range(40))


@pytest.mark.slow
@pytest.mark.usefixtures("heard_signals")
@pytest.mark.parametrize("everyone", [True, False], ids=["Ctrl-C", "kill"])
def test_a_signal_ends_both(make_folder: MakeFolder, everyone: bool) -> None:
    """The command ends as it does with one process: one line, its exit code, no process and no half-written file."""
    folder = make_folder("stopped")
    slow = folder.plugin.read_text().replace("write(path", "import time; time.sleep(0.3)\n    write(path")
    folder.plugin.write_text(slow)
    command = [sys.executable, "-m", "archbench", *folder.options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        wait_for(lambda: folder.log.exists() and folder.processes == 2)
        if everyone:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.terminate()
        _, messages = process.communicate(timeout=60)

    assert (process.returncode, messages) == (130 if everyone else 143, "Stopped.\n")
    wait_for(lambda: not group_lives(process.pid))
    assert not list(folder.out.rglob("*.part"))
    assert len(folder.log.read_text().splitlines()) < 20, "the second process went on to the end"


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so; fail after a minute."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def group_lives(group: int) -> bool:
    """Return whether a group of processes has members."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
