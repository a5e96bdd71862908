"""How far a run has got, as another process sees it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from archbench._errors import StoreError
from archbench._planning import Device
from archbench._records import Store, is_held
from archbench._records._holding import LOCK
from archbench._suite._pace import Pace
from archbench._suite._status import NAME, RunStatus, StatusFile, read_folder_status
from archbench.cli._app import VERBS, make_app
from support import MakeRecord


class Clock:
    """A clock that goes on when it is told."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def started(root: Path, total: int = 4) -> StatusFile:
    """The status of a run that has started on two workers."""
    root.mkdir(exist_ok=True)
    status = StatusFile(root)
    status.pace.clock = Clock()
    status.training_started(total, 3)
    status.workers_ready([Device(kind="cpu"), Device(kind="cpu")], "")
    return status


def change(root: Path, **changes: object) -> None:
    """Change the status of a folder."""
    status = msgspec.json.decode((root / NAME).read_bytes(), type=RunStatus)
    (root / NAME).write_bytes(msgspec.json.encode(msgspec.structs.replace(status, **changes)))


def test_the_time_left(make_record: MakeRecord) -> None:
    """Four trials on two workers, of which the first took 10 s and the second runs for 4 s, need 13 s more."""
    clock, records = Clock(), [make_record(seed) for seed in range(4)]
    pace = Pace(clock)
    pace.workers = 2
    pace.expect(4)
    pace.start(records[0].trial)
    assert pace.seconds_left() is None
    clock.now = 10.0
    assert pace.finish(records[0].trial) == 10.0
    pace.start(records[1].trial)
    clock.now = 14.0

    assert pace.running_for() == [(records[1].trial, 4.0)]
    assert pace.seconds_left() == ((10.0 - 4.0) + 10.0 + 10.0) / 2


def test_a_running_folder(make_record: MakeRecord, tmp_path: Path) -> None:
    """What runs, what is done, and what failed is there for another process; at the end the file goes."""
    status, (good, bad, third) = started(tmp_path), (make_record(seed) for seed in range(3))
    for record in (good, bad, third):
        status.trial_started(record.trial)
    status.trial_finished(Store(tmp_path).write(good))
    status.trial_finished(msgspec.structs.replace(bad, status="crashed", message="the process was ended"))
    found = read_folder_status(tmp_path)

    assert (found.state, found.records) == ("running", {"ok": 1})
    assert found.run is not None
    assert (found.run.total, found.run.done, found.run.kept, found.run.workers) == (4, 2, 3, 2)
    assert found.run.statuses == {"crashed": 1, "ok": 1}
    assert [running.trial for running in found.run.running] == [str(third.trial)]
    assert [(f.trial, f.status, f.message) for f in found.run.failures] == [
        (str(bad.trial), "crashed", "the process was ended")
    ]
    status.training_ended()
    assert read_folder_status(tmp_path).state == "idle"


def test_a_killed_run_is_told_from_a_running_one(tmp_path: Path) -> None:
    """A run that trains holds the folder, whatever the number of its process says here, and a killed one does not."""
    started(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with Store(tmp_path).locked():
        change(tmp_path, pid=gone.pid)
        assert read_folder_status(tmp_path).state == "running"
        change(tmp_path, host="elsewhere", updated="2026-01-01T00:00:00+00:00")
        assert read_folder_status(tmp_path).state == "running"
    change(tmp_path, host=platform.node(), pid=os.getpid())
    assert read_folder_status(tmp_path).state == "killed"


@pytest.mark.parametrize("hidden", ["another machine", "no locks", "no lock"])
def test_where_the_lock_cannot_be_seen(hidden: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the age of the status tells whether a run goes on; a process of its number tells nothing."""
    with Store(tmp_path).locked():
        started(tmp_path)
    if hidden == "another machine":
        change(tmp_path, host="elsewhere")
    elif hidden == "no lock":
        (tmp_path / LOCK).unlink()
    else:
        monkeypatch.setattr("fcntl.flock", fail_without_locks)
    assert read_folder_status(tmp_path).state == "running"
    change(tmp_path, updated="2026-01-01T00:00:00+00:00", pid=os.getpid())
    assert read_folder_status(tmp_path).state == "killed"


def fail_without_locks(*_: object) -> None:
    """Fail as on a file system without locks."""
    raise OSError(errno.ENOLCK, "No locks available")


def test_a_run_that_ends_while_it_is_looked_at_was_not_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that takes its status away and frees the folder between two looks has ended."""
    status = started(tmp_path)

    def end(root: Path) -> bool:
        status.training_ended()
        return is_held(root) is True

    monkeypatch.setattr("archbench._suite._status.is_held", end)
    assert read_folder_status(tmp_path).state == "idle"


def test_looking_does_not_keep_a_run_from_starting(tmp_path: Path) -> None:
    """The lock is asked for in a way that leaves no file behind, and a run that starts meanwhile asks again."""
    assert is_held(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    with Store(tmp_path).locked():
        assert is_held(tmp_path) is True
    assert is_held(tmp_path) is False
    with open(tmp_path / LOCK) as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        freed = threading.Timer(0.1, fcntl.flock, (looking, fcntl.LOCK_UN))
        freed.start()
        with Store(tmp_path).locked():
            freed.join()
            assert is_held(tmp_path) is True


def test_a_status_that_cannot_be_written_stops_nothing(make_record: MakeRecord, tmp_path: Path) -> None:
    """A folder in place of the file, or a garbled file, costs the status and nothing else."""
    (tmp_path / NAME).mkdir()
    status = started(tmp_path)
    status.trial_finished(make_record())
    status.training_ended()
    assert read_folder_status(tmp_path).state == "idle"
    (tmp_path / NAME).rmdir()
    (tmp_path / NAME).write_text("{")
    assert read_folder_status(tmp_path).run is None


def test_the_status_is_written_again_while_nothing_happens(tmp_path: Path) -> None:
    """The file does not grow old: it is written again every ten seconds, and not more often."""
    status, file = started(tmp_path), tmp_path / NAME
    file.unlink()
    status.pace.clock.now = 9.0  # type: ignore[attr-defined]
    status.waiting()
    assert not file.exists()
    status.pace.clock.now = 11.0  # type: ignore[attr-defined]
    status.waiting()
    assert file.exists()


def test_the_command(make_record: MakeRecord, tmp_path: Path) -> None:
    """The command says it in words and in JSON, and refuses a folder that is not there."""
    record, run = make_record(), CliRunner()
    started(tmp_path).trial_started(record.trial)
    said = run.invoke(make_app(VERBS), ["status", "--out", str(tmp_path)]).output.splitlines()
    assert said[0].endswith(": 0 of 4 trials, 3 were there before; time left: unknown.")
    assert said[1:3] == ["2 at a time on cpu:", f"  {record.trial}  0 s"]
    found = json.loads(run.invoke(make_app(VERBS), ["status", "--out", str(tmp_path), "--json"]).output)
    assert (found["state"], found["run"]["total"]) == ("running", 4)
    (tmp_path / "records" / "ab").mkdir(parents=True)
    (tmp_path / "records" / "ab" / "abcd.json").write_text("{")
    said = run.invoke(make_app(VERBS), ["status", "--out", str(tmp_path)]).output.splitlines()
    assert said[-2].startswith("Not a valid record: records/ab/abcd.json (")
    assert said[-1].endswith("moves what is not valid to set-aside/.")
    found = json.loads(run.invoke(make_app(VERBS), ["status", "--out", str(tmp_path), "--json"]).output)
    assert list(found["broken"]) == ["records/ab/abcd.json"]
    with pytest.raises(StoreError, match="there is no folder"):
        run.invoke(make_app(VERBS), ["status", "--out", str(tmp_path / "no")], catch_exceptions=False)


def test_a_run_that_starts(tmp_path: Path) -> None:
    """As long as the devices are not known, there is no number of workers, in words or in JSON."""
    StatusFile(tmp_path).training_started(4, 3)
    said = CliRunner().invoke(make_app(VERBS), ["status", "--out", str(tmp_path)]).output.splitlines()
    assert said[1] == "It is starting, and looks for its devices."
    assert said[2].startswith("See `benchmark leaderboard")
    found = json.loads(CliRunner().invoke(make_app(VERBS), ["status", "--out", str(tmp_path), "--json"]).output)
    assert (found["run"]["device"], found["run"]["workers"]) == ("", None)
