"""What counts as lost: records that are torn, gone or changed, other scores, and processes that stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from archbench._chaos import Fault, _processes
from archbench._chaos._campaign import count
from archbench._chaos._processes import MARKER, marked, orphans, ranks_of
from archbench._chaos._round import damage, records_of
from archbench._chaos._subject import numbers
from archbench._records import Record, Store
from support import MakeRecord


@pytest.fixture
def records(make_record: MakeRecord) -> list[Record]:
    """Three records of one cell."""
    return [make_record(seed) for seed in range(3)]


@pytest.fixture
def out(records: list[Record], tmp_path: Path) -> Path:
    """A folder with the three records."""
    for record in records:
        Store(tmp_path).write(record)
    return tmp_path


def test_an_undamaged_folder_lost_nothing(out: Path, records: list[Record]) -> None:
    """A folder as it was left gives no line."""
    expected = {record.id: numbers(record) for record in records}

    assert len(records_of(out)) == 3
    assert damage(out, records_of(out), expected, set()) == []


def test_every_damage_has_its_line(out: Path, records: list[Record]) -> None:
    """A record that is gone, one that is torn, and one with another score are named, each for what it is."""
    before, expected = records_of(out), {record.id: numbers(record) for record in records}
    gone, torn, other = records
    Store(out).path(gone.id).unlink()
    path = Store(out).path(torn.id)
    path.write_bytes(path.read_bytes()[:-20])
    scores = msgspec.structs.replace(other.scores, test=other.scores.test / 2)
    Store(out).write(msgspec.structs.replace(other, scores=scores))
    lines = sorted(line.partition(" (")[0] for line in damage(out, before, expected, set()))

    assert lines == sorted(
        [
            f"lost: {gone.id}.json",
            f"changed: {torn.id}.json",
            f"torn: {torn.id}.json",
            f"changed: {other.id}.json",
            f"other scores: {other.trial}",
        ]
    )


def test_what_was_garbled_on_purpose_is_no_loss(out: Path, records: list[Record]) -> None:
    """A file that the campaign itself damaged is not called torn."""
    path = Store(out).path(records[0].id)
    before = records_of(out)
    del before[path]
    path.write_bytes(b"")

    assert damage(out, before, {record.id: numbers(record) for record in records}, {path}) == []


def test_processes_are_found_by_their_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """A marked process, and what it starts in another session, are orphans after two seconds, named and ended."""
    monkeypatch.setattr(_processes, "ORPHAN_SECONDS", 0.2)
    script = "import subprocess, sys; subprocess.Popen(['sleep', '60'], start_new_session=True); sys.stdin.read()"
    environment = {**os.environ, MARKER: "of-this-test"}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while len(marked("of-this-test")) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = orphans("of-this-test")

    assert [line.partition(" ")[2] for line in found] == ["(sleep 60)"]
    assert marked("of-this-test") == []
    assert orphans("of-this-test") == []


def test_a_rank_is_one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that runs alone, such as a probe of the machine, is not taken for a rank."""
    monkeypatch.setattr(_processes, "workers_of", lambda driver, mark: [11])
    alone = ranks_of(1, "mark")
    monkeypatch.setattr(_processes, "workers_of", lambda driver, mark: [11, 12])

    assert (alone, ranks_of(1, "mark")) == ([], [11, 12])


def test_counts_of_a_campaign() -> None:
    """Tried, survived and lost add up by kind, and a kind that was not tried has no line."""
    faults = [
        Fault(kind="driver", detail="", lost=[]),
        Fault(kind="driver", detail="", lost=["lost: a.json", "torn: b.json"]),
        Fault(kind="clock", detail="", lost=[]),
    ]
    found = {line.kind: (line.tried, line.survived, line.lost, line.missed) for line in count(faults, ["driver"])}

    assert found == {"driver": (2, 1, 1, 1), "clock": (1, 1, 0, 0)}
