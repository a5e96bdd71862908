"""Faults of plugins, kill signals and Ctrl-C: each costs its own trials and nothing else."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from support import Cli, Count, ReadRecords

pytestmark = pytest.mark.usefixtures("heard_signals")


SITE = Path(__file__).parent / "site"
FAULTS = ("raises", "exits", "segfaults", "not-a-number", "not-a-network", "wrong-shape")


def with_faulty_plugins() -> dict[str, str]:
    """Return an environment in which the distribution `faulty` is installed."""
    return {**os.environ, "PYTHONPATH": str(SITE)}


def test_each_fault_costs_its_own_rows(cli: Cli, records: ReadRecords, tmp_path: Path) -> None:
    """Each of six faults leaves a record with status and message, all other trials end ok, and the exit code is 1."""
    done = cli(
        "run", *FAULTS, "mlp", "highway", "resnet", "--task", "digits", "--protocol", "smoke",
        cwd=tmp_path, env=with_faulty_plugins(),
    )  # fmt: skip
    out = tmp_path / "leaderboard"
    found = {r["trial"]["architecture"]["name"]: (r["status"], r["message"]) for r in records(out)}
    bad = {name: found.pop(name) for name in list(found) if found[name][0] not in ("ok", "skipped")}

    assert done.returncode == 1
    assert {name: status for name, (status, _) in bad.items()} == {
        "raises": "failed",
        "exits": "crashed",
        "segfaults": "crashed",
        "not-a-number": "diverged",
        "not-a-network": "failed",
        "wrong-shape": "failed",
    }
    assert {name for name, (status, _) in found.items() if status == "ok"} == {"mlp", "highway", "resnet"}
    assert "no such network" in bad["raises"][1]
    assert "exit code 7" in bad["exits"][1]
    assert "SIGSEGV" in bad["segfaults"][1]
    assert "step 1" in bad["not-a-number"][1]
    page = (out / "index.html").read_text()
    ending = done.stderr.splitlines()[-10:]
    for name, (status, _) in bad.items():
        assert any(line.startswith(f"{status}: {name} on digits, seed 0:") for line in ending)
        assert name in page
    assert "this plugin is broken on purpose" in page
    assert any("this plugin is broken on purpose" in line for line in ending)
    wait_until_gone(tmp_path)


@pytest.mark.slow
def test_trials_that_take_too_long(cli: Cli, records: ReadRecords, tmp_path: Path) -> None:
    """A trial that hangs and a trial that trains too long have the status `timeout`, and no process is left."""
    done = cli(
        "run", "sleeps", "plain-110", "--task", "digits", "--seeds", "1", "--timeout", "3",
        cwd=tmp_path, env=with_faulty_plugins(),
    )  # fmt: skip
    found = records(tmp_path / "leaderboard")

    assert done.returncode == 1
    assert {r["trial"]["architecture"]["label"] for r in found} == {"sleeps", "plain-110"}
    for record in found:
        assert record["status"] == "timeout"
        assert "3 s" in record["message"]
    ending = done.stderr.splitlines()[-5:]
    assert any(line.startswith("timeout: sleeps on digits, seed 0:") for line in ending)
    wait_until_gone(tmp_path)


@pytest.mark.slow
def test_retry_repeats_only_what_failed(cli: Cli, tmp_path: Path) -> None:
    """A failed trial runs again only with --retry; a dry run says so; the exit code stays 1."""
    command = ["run", "raises", "mlp", "--task", "digits", "--protocol", "smoke", "--json"]
    first, second = (cli(*command, cwd=tmp_path, env=with_faulty_plugins()) for _ in range(2))
    third = cli(*command, "--retry", cwd=tmp_path, env=with_faulty_plugins())

    dry = [cli(*command, *more, "--dry-run", cwd=tmp_path, env=with_faulty_plugins()) for more in ((), ("--retry",))]

    cells = [json.loads(run.stdout)["cells"] for run in dry]
    assert [sum(cell["to_train"] for cell in matrix) for matrix in cells] == [0, 1]
    assert [cell["reason"] for cell in cells[0]] == ["1 did not end ok; --retry repeats them", ""]
    assert [run.returncode for run in (first, second, third)] == [1, 1, 1]
    assert [json.loads(run.stdout)["trained"] for run in (first, second, third)] == [2, 0, 1]


@pytest.mark.slow
def test_blocked_plugin_is_not_imported(cli: Cli, tmp_path: Path) -> None:
    """A distribution that --no-plugin blocks is not imported, and the run ends with exit code 0."""
    done = cli(
        "run", "mlp", "--task", "digits", "--protocol", "smoke", "--no-plugin", "faulty",
        cwd=tmp_path, env=with_faulty_plugins(),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "on purpose" not in done.stderr


def start(
    folder: Path, *arguments: str, before: Sequence[str] = (), start_new_session: bool = False
) -> subprocess.Popen[str]:
    """Start `benchmark run` in the background, perhaps through another command such as nohup, or in a new session."""
    command = [*before, sys.executable, "-m", "archbench", "run", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=start_new_session,
    )


def wait_for_records(out: Path, count: int) -> None:
    """Wait until this many trials have a record with the status `ok`."""
    deadline = time.monotonic() + 120
    while sum('"status":"ok"' in p.read_text() for p in out.glob("records/*/[0-9a-f]*.json")) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_file(path: Path) -> None:
    """Wait until a file is there."""
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def running_in(folder: Path) -> list[int]:
    """Return the ids of processes whose command line or working folder names the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes().decode(errors="replace") + os.readlink(process / "cwd")
        except OSError:
            continue
        if str(folder) in text and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


def command_line(process_id: int) -> bytes:
    """Return the arguments of a process, each with a null byte behind it; empty if it has ended."""
    try:
        return Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return b""


def has_mapped(process_id: int, library: bytes) -> bool:
    """Return whether a process has begun to load a library."""
    try:
        return library in Path(f"/proc/{process_id}/maps").read_bytes()
    except OSError:
        return False


def wait_until_gone(folder: Path) -> None:
    """Wait until no process works in the folder any more."""
    deadline = time.monotonic() + 60
    while running_in(folder):
        assert time.monotonic() < deadline, running_in(folder)
        time.sleep(0.05)


ARGUMENTS = (
    *("mlp", "highway", "plain", "resnet", "rnn", "lstm", "--task", "digits", "--task", "adding"),
    *("--protocol", "smoke", "--workers", "2"),
)


@pytest.mark.slow
def test_sigkill_keeps_what_is_finished(cli: Cli, records: ReadRecords, tmp_path: Path) -> None:
    """A killed run leaves no process and no torn file, and the same command trains only the rest."""
    out = tmp_path / "leaderboard"
    arguments = (*ARGUMENTS, "--seeds", "2")
    with start(tmp_path, *arguments) as process:
        wait_for_records(out, 3)
        process.send_signal(signal.SIGKILL)
    wait_until_gone(tmp_path)
    kept = {p: p.read_bytes() for p in out.glob("records/*/[0-9a-f]*.json")}
    done = cli("run", *arguments, "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["set_aside"] == []
    finished = sum('"status":"ok"' in data.decode() for data in kept.values())
    assert summary["trained"] == sum(trial["status"] == "ok" for trial in summary["trials"]) - finished
    assert all(path.read_bytes() == data for path, data in kept.items())
    assert not list(out.rglob(".archbench-tmp-*"))


@pytest.mark.slow
def test_sigkill_at_any_moment(cli: Cli, tmp_path: Path, count: Count) -> None:
    """A run that is killed many times at random moments, from start-up to the page, still ends whole."""
    out = tmp_path / "leaderboard"
    arguments = (*ARGUMENTS, "--seeds", "2")
    moments = random.Random(0)
    count(5, "kills at random moments")
    for _ in range(5):
        with start(tmp_path, *arguments) as process:
            time.sleep(moments.uniform(0.2, 9))
            process.send_signal(signal.SIGKILL)
        wait_until_gone(tmp_path)
    done = cli("run", *arguments, "--json", cwd=tmp_path)
    again = cli("run", *arguments, "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["set_aside"] == []
    assert json.loads(again.stdout)["trained"] == 0
    assert not list(out.rglob(".archbench-tmp-*"))


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow)],
)
def test_stop_signals_end_the_run(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """Ctrl-C and other stop signals end the run, keep finished trials and say how to go on."""
    out = tmp_path / "leaderboard"
    with start(tmp_path, "mlp", "resnet", "--task", "digits", "--seeds", "9", "--workers", "2") as process:
        wait_for_records(out, 1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)

    assert process.returncode == code
    assert "Traceback" not in errors
    assert "the same command goes on" in errors
    wait_until_gone(tmp_path)


def test_ctrl_c_while_torch_is_loaded(tmp_path: Path) -> None:
    """Ctrl-C ends the process that loads torch as well, and the only output is how to go on."""
    command = ("mlp", "--task", "digits", "--protocol", "smoke")
    with start(tmp_path, *command, start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not any(has_mapped(process_id, b"libtorch") for process_id in running_in(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)  # until the last process of the run has closed its end

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "the same command goes on" in errors.splitlines()[-1]


@pytest.mark.parametrize("seconds", [0.0, 0.04, 0.08, 0.12])
def test_ctrl_c_while_the_server_starts(seconds: float, tmp_path: Path) -> None:
    """Ctrl-C in the first moments of the process that loads torch leaves no traceback of that process either."""
    with start(tmp_path, "mlp", "--task", "digits", "--protocol", "smoke", start_new_session=True) as process:
        deadline = time.monotonic() + 60
        while not any(b"multiprocessing.forkserver" in command_line(number) for number in running_in(tmp_path)):
            assert time.monotonic() < deadline
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "the same command goes on" in errors.splitlines()[-1]


def test_ctrl_c_before_a_verb_begins() -> None:
    """Ctrl-C while the command line is imported ends the process by that signal and prints nothing."""
    code = (
        "import signal, sys; sys.argv = ['benchmark', 'run', 'mlp']\n"
        "import archbench.cli._kept as kept; kept.print_kept_answer = lambda: signal.raise_signal(signal.SIGINT)\n"
        "from archbench.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


DROPPING = """
import signal, sys
from archbench.cli import main

class Dropping:
    def find_spec(self, name, *_):
        if name == "archbench._report":
            try:
                signal.raise_signal(signal.SIGINT)
            except BaseException:
                pass

sys.meta_path.insert(0, Dropping())
sys.argv = ["benchmark", "run", "mlp", "--task", "digits", "--protocol", "smoke"]
main()
"""


def test_ctrl_c_that_is_dropped(tmp_path: Path, records: ReadRecords) -> None:
    """Ctrl-C ends the run even if code that is imported drops the exception that it raises, as numpy's does."""
    done = subprocess.run([sys.executable, "-c", DROPPING], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == 130
    assert "Stopped. 0 of 1 trials are finished" in done.stderr
    assert not records(tmp_path / "leaderboard")


SLOW_PLUGIN = """
import pathlib, time
import archbench

def wait():
    pathlib.Path("waiting").touch()
    time.sleep(60)

@archbench.hookimpl
def archbench_architectures():
    if WHEN == "planning":
        wait()
    return []

@archbench.hookimpl
def archbench_leaderboard_sections(records):
    wait()
    return []
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("when", "words"), [("planning", "Stopped."), ("page", "1 of 1 trials are finished and kept in leaderboard")]
)
def test_stop_signals_outside_training(when: str, words: str, tmp_path: Path) -> None:
    """Ctrl-C while plugins are loaded or the page is written ends the run without a traceback or a loss."""
    (tmp_path / "slow.py").write_text(SLOW_PLUGIN.replace("WHEN", repr(when)))
    with start(tmp_path, "mlp", "--task", "digits", "--protocol", "smoke", "--plugin", "slow.py") as process:
        wait_for_file(tmp_path / "waiting")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)

    assert process.returncode == 130
    assert words in errors
    assert "Traceback" not in errors
    assert not list(tmp_path.rglob(".archbench-tmp-*"))


@pytest.mark.slow
def test_nohup_is_respected(tmp_path: Path) -> None:
    """A run under nohup goes on when its terminal is closed."""
    with start(tmp_path, "mlp", "--task", "digits", "--protocol", "smoke", "--seeds", "3", before=["nohup"]) as process:
        wait_for_records(tmp_path / "leaderboard", 1)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=120)

    assert process.returncode == 0
    assert (tmp_path / "leaderboard" / "index.html").exists()


def test_task_whose_info_raises(cli: Cli, tmp_path: Path) -> None:
    """A task whose info raises excludes its plugin and makes the exit code 1; all other trials run."""
    plugin = (
        "import archbench\n"
        "def info(options):\n    raise OSError('no such disk')\n"
        "@archbench.hookimpl\ndef archbench_tasks():\n"
        "    yield archbench.Task(name='lost', info=info, load='lost:load', loss='cross_entropy', metric='accuracy',\n"
        "                         chance=0.5, oracle=1.0)\n"
    )
    site = tmp_path / "site"
    (site / "lost-1.0.dist-info").mkdir(parents=True)
    (site / "lost.py").write_text(plugin)
    (site / "lost-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: lost\nVersion: 1.0\n")
    (site / "lost-1.0.dist-info" / "entry_points.txt").write_text("[archbench]\nlost = lost\n")
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = cli("run", "mlp", "--task", "digits", "--protocol", "smoke", "--json", cwd=tmp_path, env=environment)
    shown = cli("show", "digits", cwd=tmp_path, env=environment)

    assert done.returncode == 1
    assert [trial["status"] for trial in json.loads(done.stdout)["trials"]] == ["ok"]
    assert "info of task 'lost' raised OSError: no such disk" in done.stderr
    assert shown.returncode == 0
