"""Records on disk: complete or absent, never edited, never deleted."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._errors import RecordError, StoreError
from archbench._records import SCHEMA, Store
from archbench._records._files import decode_record, encode_record
from support import MakeRecord


def test_round_trip(make_record: MakeRecord) -> None:
    """A record is read as it was written, and equal records have equal bytes."""
    record = make_record()

    assert decode_record(encode_record(record)) == record
    assert encode_record(decode_record(encode_record(record))) == encode_record(record)


def test_a_record_is_the_same_before_and_after_the_disk(make_record: MakeRecord, tmp_path: Path) -> None:
    """`write` returns the record that a later run reads, with lists for tuples, so that both write the same page."""
    record = make_record()
    architecture = msgspec.structs.replace(record.trial.architecture, options={"widths": (1, 2)})
    trial = msgspec.structs.replace(record.trial, architecture=architecture)
    store = Store(tmp_path)
    kept = store.write(msgspec.structs.replace(record, id=trial.id, trial=trial))

    assert kept.trial.architecture.options == {"widths": [1, 2]}
    assert store.load() == ({kept.id: kept}, [])


def test_problems_of_the_last_run_are_kept(tmp_path: Path) -> None:
    """The lines that were written are read; a run without problems leaves no file of them."""
    store = Store(tmp_path)
    store.write_problems(["one", "two"])

    assert Store(tmp_path).read_problems() == ["one", "two"]
    store.write_problems([])
    assert (store.read_problems(), list(tmp_path.iterdir())) == ([], [])


def test_every_flipped_byte_is_seen(make_record: MakeRecord) -> None:
    """Reading a record file fails if any byte is damaged; it never gives another record."""
    data = encode_record(make_record())
    for position in range(0, len(data) - 1, 3):
        damaged = bytearray(data)
        damaged[position] ^= 1
        with pytest.raises((ValueError, RecordError)):
            decode_record(bytes(damaged))


def test_every_truncation_is_seen(make_record: MakeRecord) -> None:
    """A truncated file is not a record."""
    data = encode_record(make_record()).rstrip()
    for length in range(0, len(data), 7):
        with pytest.raises(ValueError, match=r"."):
            decode_record(data[:length])


def test_unreadable_record_is_set_aside(make_record: MakeRecord, tmp_path: Path) -> None:
    """A torn record is moved to set-aside/ with a message; the others are read, and nothing is deleted."""
    store = Store(tmp_path)
    good, bad = make_record(0), make_record(1)
    store.write(good)
    store.write(bad)
    torn = encode_record(bad)[:100]
    store.path(bad.id).write_bytes(torn)

    records, set_aside = store.load()

    assert records == {good.id: good}
    assert [item.name for item in set_aside] == [f"{bad.id}.json"]
    assert (tmp_path / "set-aside" / f"{bad.id}.json").read_bytes() == torn
    store.path(bad.id).write_bytes(torn)
    store.load()
    assert len(list((tmp_path / "set-aside").iterdir())) == 2


def test_files_of_one_name_are_all_kept_aside(make_record: MakeRecord, tmp_path: Path) -> None:
    """The second and third broken file of a trial get a number, and none replaces another."""
    store, record = Store(tmp_path), make_record()
    for content in ("one", "two", "three"):
        store.write(record)
        store.path(record.id).write_text(content)
        store.load()
    kept = {path.name: path.read_text() for path in (tmp_path / "set-aside").iterdir()}

    assert kept == {f"{record.id}.json": "one", f"{record.id}-1.json": "two", f"{record.id}-2.json": "three"}


def test_record_from_a_newer_schema_is_left_alone(make_record: MakeRecord, tmp_path: Path) -> None:
    """A record of a newer version does not count and is named with advice, and the file is not touched."""
    store = Store(tmp_path)
    record = make_record()
    store.write(record)
    raw: dict[str, Any] = msgspec.json.decode(store.path(record.id).read_bytes())
    raw["schema"] = SCHEMA + 1
    newer = msgspec.json.encode(raw)
    store.path(record.id).write_bytes(newer)

    other = store.write(make_record(1))

    assert store.load() == ({other.id: other}, [])
    assert re.search(r"newer archbench .*--out", store.newer[record.id])
    assert store.path(record.id).read_bytes() == newer


def test_record_from_an_older_schema_is_set_aside(make_record: MakeRecord, tmp_path: Path) -> None:
    """A record of an older version is set aside, since its trial was defined differently."""
    store = Store(tmp_path)
    record = make_record(schema=SCHEMA - 1)
    store.path(record.id).parent.mkdir(parents=True)
    store.path(record.id).write_bytes(encode_record(record))

    records, set_aside = store.load()

    assert records == {}
    assert "an older archbench wrote it" in set_aside[0].reason
    assert (tmp_path / "set-aside" / f"{record.id}.json").exists()


def test_a_record_without_the_newest_fields(make_record: MakeRecord) -> None:
    """A record that was written before these fields existed is read, and says nothing of them."""
    fields = msgspec.json.decode(encode_record(make_record()))["record"]
    for name in ("confusion", "wrong"):
        del fields[name]
    for name in ("test_examples", "classes", "example"):
        del fields["task_facts"][name]
    body = msgspec.json.encode(fields)
    digest = hashlib.sha256(body).hexdigest()
    old = decode_record(msgspec.json.encode({"schema": SCHEMA, "sha256": digest, "record": msgspec.Raw(body)}))

    assert old == make_record()
    assert (old.confusion, old.wrong, old.task_facts.classes) == (None, [], [])


def test_renamed_record_is_set_aside(make_record: MakeRecord, tmp_path: Path) -> None:
    """A record under the name of another trial is set aside."""
    store = Store(tmp_path)
    record = make_record()
    store.write(record)
    store.path(record.id).rename(store.path(record.id).with_name("0" * 32 + ".json"))

    records, set_aside = store.load()

    assert records == {}
    assert "name" in set_aside[0].reason


def test_killed_writer_leaves_old_or_new(make_record: MakeRecord, tmp_path: Path) -> None:
    """A process that is killed while it rewrites a record over and over leaves a whole record."""
    store = Store(tmp_path)
    record = make_record()
    store.write(record)
    code = (
        "import sys; from pathlib import Path; from archbench._records import Store, decode_record\n"
        "s = Store(Path(sys.argv[1])); r = decode_record(Path(sys.argv[2]).read_bytes()); print('ready', flush=True)\n"
        "while True: s.write(r)"
    )
    for _ in range(5):
        command = [sys.executable, "-c", code, str(tmp_path), str(store.path(record.id))]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            writer.kill()
        assert store.load() == ({record.id: record}, [])
    with store.locked():
        assert not list(tmp_path.rglob(".archbench-tmp-*"))


def test_killed_before_the_rename(make_record: MakeRecord, tmp_path: Path) -> None:
    """A writer that dies before the rename leaves a file that does not look like a record."""
    record = make_record()
    (tmp_path / "source").write_bytes(encode_record(record))
    code = (
        "import os, sys; from pathlib import Path; from archbench._records import Store, decode_record\n"
        "os.replace = lambda *names: os._exit(9)\n"
        "Store(Path(sys.argv[1])).write(decode_record((Path(sys.argv[1]) / 'source').read_bytes()))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)

    assert done.returncode == 9
    assert len(list(tmp_path.rglob(".archbench-tmp-*"))) == 1
    assert not list(tmp_path.rglob("*.json"))
    with Store(tmp_path).locked():
        assert not list(tmp_path.rglob(".archbench-tmp-*"))


def test_a_page_that_is_being_written_is_no_leftover(tmp_path: Path) -> None:
    """A run that starts leaves the half-written file of a process that lives, and deletes those of all others."""
    with subprocess.Popen(["true"]) as ended:
        pass
    for number in (os.getppid(), os.getpid(), ended.pid, "9" * 30, "word"):
        (tmp_path / f".archbench-tmp-{number}-index.html.part").touch()
    with Store(tmp_path).locked():
        left = [path.name for path in tmp_path.glob(".archbench-tmp-*")]

    assert left == [f".archbench-tmp-{os.getppid()}-index.html.part"]


def test_empty_folder_of_logs_goes(tmp_path: Path) -> None:
    """The folder of the logs is removed where it is empty; a log that a trial left stays."""
    store = Store(tmp_path)
    store.drop_empty_logs()  # there is none
    log = store.log("ab12")
    log.parent.mkdir()
    log.write_text("it crashed")
    store.drop_empty_logs()

    assert log.read_text() == "it crashed"

    log.unlink()
    store.drop_empty_logs()

    assert not log.parent.exists()


def test_second_run_is_refused(tmp_path: Path) -> None:
    """A second run on a folder is refused while the first is running; a killed run holds nothing."""
    code = (
        "import sys; from pathlib import Path; from archbench._records import Store\n"
        "with Store(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StoreError, match="another run"), Store(tmp_path).locked():
            pass
        holder.kill()
    with Store(tmp_path).locked():
        pass


def test_second_run_in_this_process_is_refused(tmp_path: Path) -> None:
    """Two runs in one process, such as a notebook, refuse each other too."""
    for _ in range(2):
        refused = pytest.raises(StoreError, match=f"another run is writing to {tmp_path}")
        with Store(tmp_path).locked(), refused, Store(tmp_path).locked():
            pass


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_frees_the_folder(error: type[BaseException], tmp_path: Path) -> None:
    """A run that ends with any exception, Ctrl-C included, lets the next run in."""
    with pytest.raises(error), Store(tmp_path).locked():
        raise error
    with Store(tmp_path).locked():
        pass


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_file_system_without_locks(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be locked is refused with one line of advice."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", fail)
    message = f"cannot lock {tmp_path}: its file system has no locks ({os.strerror(number)}); choose another folder"
    with pytest.raises(StoreError, match=re.escape(message)), Store(tmp_path).locked():
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder(tmp_path: Path) -> None:
    """A read-only folder is refused with advice."""
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="--out"), Store(tmp_path / "out").locked():
        pass


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    """A file at the place of the folder is refused with advice."""
    target = tmp_path / "out"
    target.write_text("mine")

    with pytest.raises(StoreError, match="--out"), Store(target).locked():
        pass
    with pytest.raises(StoreError, match="give a folder"):
        Store(target).load()
    assert target.read_text() == "mine"


def test_a_record_is_on_the_disk_before_its_name_is(
    make_record: MakeRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content reaches the disk before the rename, and the folder after it, so that a power cut tears nothing."""
    happened: list[str] = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        happened.append("folder" if Path(name).is_dir() else f"file of {Path(name).stat().st_size} bytes")
        real_sync(descriptor)

    def replace(old: Any, new: Any) -> None:
        happened.append("rename")
        real_replace(old, new)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", replace)
    record = make_record()
    Store(tmp_path).write(record)

    assert happened == [f"file of {len(encode_record(record))} bytes", "rename", "folder"]


def test_damaged_problems_are_named(tmp_path: Path) -> None:
    """The message names the file and what to do with it."""
    (tmp_path / "problems.json").write_text("[1")

    with pytest.raises(StoreError, match=r"problems\.json is damaged .*; delete it"):
        Store(tmp_path).read_problems()
