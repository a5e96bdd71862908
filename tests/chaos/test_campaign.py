"""Small campaigns: each kind of fault strikes a real run once, and a suite that loses something is found out."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from archbench._chaos import KINDS, SWEPT, find_subject
from archbench._chaos._processes import MARKER
from archbench._plugins import load_plugins
from support import Cli


def test_a_wrong_kind_is_refused(cli: Cli, tmp_path: Path) -> None:
    """A kind that is not there ends with exit code 2 and the list of those that are."""
    done = cli("chaos", "--kinds", "driver,meteor", cwd=tmp_path)

    assert done.returncode == 2
    assert "there is no kind of fault 'meteor'" in done.stderr
    assert ",".join([*KINDS, SWEPT]) in done.stderr


@pytest.mark.slow
def test_a_damaged_record_is_survived(cli: Cli, tmp_path: Path) -> None:
    """A campaign of one fault prints its table, keeps nothing, and ends with exit code 0."""
    done = cli("chaos", "--faults", "1", "--kinds", "garbled", "--seed", "3", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[:4] for line in done.stdout.splitlines()[:2]] == [
        ["kind", "tried", "survived", "lost"],
        ["garbled", "1", "1", "0"],
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_kind_is_survived(cli: Cli, tmp_path: Path) -> None:
    """One fault of each kind strikes, or finds its run at an end, and nothing is lost."""
    command = ("chaos", "--faults", str(len(KINDS)), "--kinds", ",".join(KINDS), "--seed", "1", "--json")
    done = cli(*command, cwd=tmp_path, timeout=1100)
    campaign = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert [fault["lost"] for fault in campaign["faults"] if fault["lost"]] == []
    assert {line["kind"] for line in campaign["counts"]} >= {"garbled", "stdout", "clock", "full-disk"}
    assert campaign["trials"] == 9


TORN = """
import archbench._records._store as store
from pathlib import Path

def write(path, data, *, durable=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)

store.write_atomically = write
from archbench._chaos import every_call
every_call.main()
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_store_that_tears_records_is_found_out(tmp_path: Path) -> None:
    """If records are written in place, the sweep over file calls reports a torn record."""
    subject = find_subject(load_plugins())
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", MARKER: secrets.token_hex(8)}
    command = [sys.executable, "-c", TORN, str(tmp_path / "sweep"), subject.task, *subject.architectures]
    (tmp_path / "sweep").mkdir()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        torn = next((line for line in process.stdout if "torn: " in line), "")
        process.kill()

    assert torn
