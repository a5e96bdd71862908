"""Folders of records with files that nobody should have put there: each is set aside with its reason."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import archbench
from archbench._errors import StoreError
from archbench._records import SCHEMA, Store, read_plain_file
from support import Cli, Count, MakeRecord

pytestmark = pytest.mark.timeout(60)  # a pipe or a device that is opened blocks for ever


def long_integer(path: Path, record: archbench.Record) -> None:
    """Write a record with an integer of 400 digits."""
    body = re.sub(rb'"examples":[0-9]+', b'"examples":1' + b"0" * 400, msgspec.json.encode(record))
    write_body(path, body)


def behind_a_fraction(path: Path, record: archbench.Record) -> None:
    """Write a record with an integer of 65 bits, behind a number of which as many digits are a fraction."""
    body = msgspec.json.encode(record).replace(b'"seconds":[0.1,', b'"seconds":[0.00001234567890123456,')
    body = re.sub(rb'"examples":[0-9]+', b'"examples":18446744073709551616', body)
    write_body(path, body)


def write_body(path: Path, body: bytes) -> None:
    """Write a file of a record with the right checksum."""
    digest = hashlib.sha256(body).hexdigest()
    path.write_bytes(b'{"schema":%d,"sha256":"%s","record":%s}' % (SCHEMA, digest.encode(), body))


def long_curve(path: Path, record: archbench.Record) -> None:
    """Write a record with a curve that is longer than the others."""
    curves = msgspec.structs.replace(record.curves, seconds=[0.1, 0.2, 0.3])
    write_body(path, msgspec.json.encode(msgspec.structs.replace(record, curves=curves)))


def deep(path: Path, record: archbench.Record) -> None:
    """Write a record whose options are nested ten thousand times."""
    nested = b"[" * 10_000 + b"]" * 10_000
    write_body(path, msgspec.json.encode(record).replace(b'"options":{', b'"options":{"x":' + nested + b",", 1))


STRANGE: dict[str, tuple[Callable[[Path, archbench.Record], Any], str]] = {
    "deep": (deep, "nested too deeply"),
    "deeper": (lambda path, _: path.write_bytes(b'{"x":' + b"[" * 1_000_000), "nested too deeply"),
    "curve": (long_curve, "its curves have different lengths"),
    "integer": (long_integer, "of more than 64 bits"),
    "integer behind a fraction": (behind_a_fraction, "of more than 64 bits"),
    "pipe": (lambda path, _: os.mkfifo(path), "it is a pipe or a socket, not a file"),
    "device": (lambda path, _: path.symlink_to("/dev/zero"), "it is a link to a device, not a file"),
    "folder": (lambda path, _: (path / "below.json").mkdir(parents=True), "it is a folder, not a file"),
    "dangling": (lambda path, _: path.symlink_to("nowhere"), "it is a link to nothing"),
    "loop": (lambda path, _: path.symlink_to(path.name), "it is a link to itself"),
}


@pytest.mark.parametrize("name", sorted(STRANGE))
def test_each_is_set_aside_with_its_reason(name: str, make_record: MakeRecord, tmp_path: Path, count: Count) -> None:
    """A strange file of the name of a record is moved with its reason; the other records count."""
    count(1, "strange files in the place of records")
    make, reason = STRANGE[name]
    store = Store(tmp_path)
    kept = store.write(make_record(1))
    path = store.path(make_record().id)
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path, make_record())
    records, aside = store.load()

    assert records == {kept.id: kept}
    assert [item.name for item in aside] == [path.name]
    assert reason in aside[0].reason
    assert os.path.lexists(tmp_path / "set-aside" / path.name)
    assert store.load() == ({kept.id: kept}, [])
    assert any(reason in line for line in store.read_reasons(records))


@pytest.mark.parametrize("name", ["records", "logs", "set-aside", ".lock", ".archbench-tmp-shared"])
def test_nothing_is_written_through_a_link(name: str, tmp_path: Path) -> None:
    """A link in the place of a file or folder that a run writes is refused, and what it points to stays as it is."""
    target = tmp_path / "precious"
    target.write_text("precious") if name == ".lock" else target.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / name).symlink_to(target)

    with pytest.raises(StoreError, match=f"{re.escape(name)} is a link, through which nothing is written"):
        Store(out).locked().__enter__()
    assert target.read_text() == "precious" if name == ".lock" else not list(target.iterdir())


def test_a_planted_temporary_file_is_not_followed(make_record: MakeRecord, tmp_path: Path) -> None:
    """A link of the name of the temporary file of a record is replaced, and its target stays as it is."""
    target = tmp_path / "precious"
    target.write_text("precious")
    store, record = Store(tmp_path / "out"), make_record()
    path = store.path(record.id)
    path.parent.mkdir(parents=True)
    (path.parent / f".archbench-tmp-{os.getpid()}-{path.name}.part").symlink_to(target)

    assert store.write(record) == record
    assert target.read_text() == "precious"


def plant_newer(path: Path) -> Path:
    """Write a record of a newer version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.dumps({"schema": SCHEMA + 1, "sha256": "", "record": {}}).encode())
    return path


def test_newer_records_are_named_by_all_that_read_a_folder(
    cli_here: Cli, make_record: MakeRecord, tmp_path: Path
) -> None:
    """`status`, `leaderboard` and `archbench.read` name each of them with what to do, also as data."""
    store = Store(tmp_path / "out")
    name = plant_newer(store.path(store.write(make_record()).id)).stem
    plant_newer(store.records / "zz" / os.fsdecode(b"\xff.json"))
    said = {verb: cli_here(verb, "--out", "out", cwd=tmp_path) for verb in ("status", "leaderboard")}
    data = {verb: json.loads(cli_here(verb, "--out", "out", "--json", cwd=tmp_path).stdout) for verb in said}
    told = f"{name}.json was written by a newer archbench ("

    assert f"\nNot read (2 in all): {told}" in said["status"].stdout
    assert f"warning: {told}" in said["leaderboard"].stderr
    found = {**{verb: printed["newer"] for verb, printed in data.items()}, "read": archbench.read(store.root).newer}
    assert {verb: list(newer) for verb, newer in found.items()} == {key: [name, r"\udcff"] for key in found}
    assert all("Upgrade archbench" in newer[name] for newer in found.values())


def plant_two(folder: Path, make_record: MakeRecord) -> str:
    """Put a record of a newer version, whose id is returned, and a torn file into a folder."""
    store = Store(folder)
    name = plant_newer(store.path(store.write(make_record()).id)).stem
    (store.records / "torn.json").write_text('{"schema": 2, "sha')
    return name


@pytest.mark.parametrize("verb", [("claims",), ("study", "show", "depth")])
def test_verdicts_name_the_files_that_they_leave_out(
    cli_here: Cli, make_record: MakeRecord, tmp_path: Path, verb: tuple[str, ...]
) -> None:
    """`claims` and `study show` name each record of a newer version, and each file that is no record; JSON has both."""
    name = plant_two(tmp_path / "out", make_record)
    said = cli_here(*verb, "--out", "out", cwd=tmp_path).stderr
    newer, torn = json.loads(cli_here(*verb, "--out", "out", "--json", cwd=tmp_path).stdout)["left_out"]

    assert f"warning: {newer}\n" in said
    assert f"warning: {torn}\n" in said
    assert newer.startswith(f"{name}.json was written by a newer archbench (")
    assert torn.startswith("torn.json is not a valid record (")


def test_verdicts_from_python_warn_of_the_files_that_they_leave_out(make_record: MakeRecord, tmp_path: Path) -> None:
    """`archbench.claims` and `archbench.study` warn of the same files, at the line of the caller."""
    plant_two(tmp_path, make_record)
    both = "was written by a newer archbench|is not a valid record"
    with pytest.warns(UserWarning, match=both) as of_claims:
        archbench.claims(tmp_path)
    with pytest.warns(UserWarning, match=both) as of_study:
        archbench.study("depth", tmp_path)

    assert [len(of_claims), len(of_study)] == [2, 2]
    assert {warning.filename for warning in (*of_claims, *of_study)} == {__file__}


def test_a_newer_record_blocks_its_own_row(cli_here: Cli, make_record: MakeRecord, tmp_path: Path) -> None:
    """The page is written without the record of a newer version, and names it."""
    store = Store(tmp_path / "out")
    store.write(make_record(1))
    path = plant_newer(store.path(make_record().id))
    done = cli_here("leaderboard", "--out", "out", "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert f"{path.name} does not count: was written by a newer archbench" in (
        tmp_path / "out" / "leaderboard.json"
    ).read_text().replace(chr(10), " ")
    assert path.exists()


def test_a_file_that_cannot_be_named(cli_here: Cli, make_record: MakeRecord, tmp_path: Path) -> None:
    """A file whose name is no UTF-8 is named with escapes, and set aside under a name that can be read."""
    path = Store(tmp_path / "out").path(make_record().id).parent / os.fsdecode(b"\xff.json")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    status = cli_here("status", "--out", "out", "--json", cwd=tmp_path)
    found = archbench.read(tmp_path / "out")
    done = cli_here("leaderboard", "--out", "out", "--json", cwd=tmp_path)

    assert [name.rpartition("/")[2] for name in json.loads(status.stdout)["broken"]] == [r"\udcff.json"]
    assert [item.name for item in found.set_aside] == [r"\udcff.json"]
    assert done.returncode == 0, done.stderr
    assert r"\udcff.json is not a valid record" in done.stderr
    assert (tmp_path / "out" / "set-aside" / "_udcff.json").read_text() == "{"


def test_a_folder_that_cannot_be_named(cli: Cli, tmp_path: Path) -> None:
    """A name that is no UTF-8 is refused in one line, also as JSON."""
    done = cli("leaderboard", "--out", os.fsdecode(b"out-\xff"), "--json", cwd=tmp_path)

    assert done.returncode == 2
    assert "no valid UTF-8" in json.loads(done.stdout)["error"]
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("redirection", "code", "words"),
    [
        (">/dev/full", 2, "cannot write to standard output: No space left on device"),
        (">&-", 2, "standard output is closed"),
        ("2>/dev/full", 0, ""),
        ("2>&-", 0, ""),
    ],
)
@pytest.mark.parametrize("more", ["", "--json"])
def test_streams_that_take_nothing(redirection: str, code: int, words: str, more: str, tmp_path: Path) -> None:
    """Standard streams that are full, closed or gone cost one clear line at most, and give the right exit code."""
    command = f"{sys.executable} -m archbench list {more} {redirection}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == code
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == bool(words)


def test_a_reader_that_has_gone(tmp_path: Path) -> None:
    """A command whose output nobody reads any more ends in silence, with the exit code that shells give it."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "archbench", "list"], cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (141, b"")


def test_a_file_that_is_larger_than_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a file is read whose size was another one a moment ago, or that has none, as files of the kernel."""
    path = tmp_path / "grows"
    path.write_bytes(content := bytes(range(256)) * 10)
    before = os.stat(path)
    for size in (0, 1, len(content) - 1, len(content), len(content) + 9):
        then = os.stat_result((*before[:6], size, *before[7:]))
        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", lambda _, found=then: found)
            found = read_plain_file(path)
        assert found == content
