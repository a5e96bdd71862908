"""Where a store puts its files, and what it leaves behind: nothing but results, and no file twice."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from archbench._errors import StoreError
from archbench._records import Store
from support import MakeRecord


def test_each_file_of_a_trial_has_its_place(tmp_path: Path) -> None:
    """Records lie in folders of the first two letters of their ids, so that no folder has all of them."""
    store = Store(tmp_path)

    assert store.path("ab12cd") == tmp_path / "records" / "ab" / "ab12cd.json"
    assert store.log("ab12cd") == tmp_path / "logs" / "ab12cd.log"
    assert store.checkpoint("ab12cd") == tmp_path / "checkpoints" / "ab12cd.safetensors"


def test_a_new_store_knows_nothing(tmp_path: Path) -> None:
    """Before anything is read or written there are no reasons, no checksums and no combinations that cannot be."""
    store = Store(tmp_path)

    assert (store.refused, store.newer, store.checksums(), store.read_reasons(())) == ([], {}, [], [])
    assert store.restore({}) == []
    assert list(tmp_path.iterdir()) == []


def test_a_state_that_is_done_with_goes(tmp_path: Path) -> None:
    """Its folder goes with the last of them, and a state that was never kept is not missed."""
    store = Store(tmp_path)
    for name in ("ab", "cd"):
        store.checkpoint(name).parent.mkdir(exist_ok=True)
        store.checkpoint(name).write_text("state")
    store.drop_checkpoint("ab")

    assert [path.name for path in tmp_path.rglob("*.safetensors")] == ["cd.safetensors"]
    store.drop_checkpoint("cd")
    store.drop_checkpoint("cd")
    assert list(tmp_path.iterdir()) == []


def test_states_that_a_killed_run_left_go(tmp_path: Path) -> None:
    """A run that is killed between a record and the end of its state leaves the state; others are still needed."""
    store = Store(tmp_path)
    store.drop_checkpoints(["ab"])
    for name in ("ab", "cd"):
        store.checkpoint(name).parent.mkdir(exist_ok=True)
        store.checkpoint(name).write_text("state")
    store.drop_checkpoints(iter(["ab", "ef"]))

    assert [path.name for path in tmp_path.rglob("*.*")] == ["cd.safetensors"]


def test_no_problems_need_no_file(tmp_path: Path) -> None:
    """A run without problems after another one without leaves the folder as it is."""
    Store(tmp_path).write_problems([])

    assert list(tmp_path.iterdir()) == []


def test_the_checksum_is_that_of_what_was_written_last(make_record: MakeRecord, tmp_path: Path) -> None:
    """A record that was read and then replaced is known by its new bytes."""
    Store(tmp_path).write(make_record())
    store = Store(tmp_path)
    store.load()
    store.write(make_record(status="failed", message="no", scores=None))
    path = store.path(make_record().id)

    assert store.checksums() == [(str(path), hashlib.sha256(path.read_bytes()).hexdigest())]
    assert store.restore({}) == []


def test_a_changed_file_that_is_no_result_is_forgotten(make_record: MakeRecord, tmp_path: Path) -> None:
    """It is set aside, and nobody counts it among the files of records any more."""
    store = Store(tmp_path)
    paths = sorted(store.path(store.write(make_record(seed)).id) for seed in range(4))
    for path in paths[1:3]:
        path.write_text("forged")
    lines = store.restore({})

    assert lines == [
        f"{path.name} was changed during the run by something else; it was moved to set-aside/" for path in paths[1:3]
    ]
    assert [name for name, _ in store.checksums()] == [str(paths[0]), str(paths[3])]
    assert {path.name for path in (tmp_path / "set-aside").iterdir()} == {path.name for path in paths[1:3]}


def test_a_file_that_cannot_be_set_aside_is_named(
    make_record: MakeRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the words of the system, without its number."""
    store = Store(tmp_path)
    path = store.path(store.write(make_record()).id)
    path.write_text("torn")

    def fail(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(StoreError, match=f"^cannot move the unreadable record {path}: Read-only file system$"):
        store.load()


@pytest.mark.parametrize("depth", [0, 1])
def test_a_folder_that_cannot_be_listed_is_not_taken_for_empty(
    depth: int, make_record: MakeRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails while records are listed ends the reading, else finished trials would be trained again."""
    store = Store(tmp_path)
    path = store.path(store.write(make_record()).id)
    failing, list_ = [store.records, path.parent][depth], os.scandir

    def fail(folder: str) -> Any:
        if Path(folder) == failing:
            raise OSError(errno.EIO, "Input/output error", folder)
        return list_(folder)

    monkeypatch.setattr("os.scandir", fail)
    with pytest.raises(StoreError, match=f"^cannot read {failing}: Input/output error; make it readable, or give"):
        store.load()


def test_a_lost_record_is_written_again(make_record: MakeRecord, tmp_path: Path) -> None:
    """Only one that the run has; that of a newer version cannot be written here, and is not."""
    store = Store(tmp_path)
    mine, theirs, gone = (store.write(make_record(seed)) for seed in range(3))
    shutil.rmtree(tmp_path / "records")
    store.newer[theirs.id] = "a newer archbench wrote it"
    lines = store.restore({mine.id: mine, theirs.id: theirs})

    assert lines == [f"{mine.id}.json was lost during the run; it was written again"]
    assert Store(tmp_path).load() == ({mine.id: mine}, [])
    assert not store.path(gone.id).exists()


def test_what_trials_share_is_private_and_goes(tmp_path: Path) -> None:
    """Nobody else may read or write it, and its end is no error if a trial has removed it."""
    store = Store(tmp_path)
    with store.sharing():
        assert stat.S_IMODE(store.shared.stat().st_mode) == 0o700
        (store.shared / "data").write_text("of a task")
    assert not store.shared.exists()
    with store.sharing():
        store.shared.rmdir()


def test_a_folder_that_is_called_like_a_record_is_set_aside_whole(make_record: MakeRecord, tmp_path: Path) -> None:
    """What lies in it is moved with it, and is no record of its own."""
    store = Store(tmp_path)
    record, inside = store.write(make_record(0)), store.write(make_record(1))
    folder = tmp_path / "records" / "odd.json"
    folder.mkdir()
    store.path(inside.id).rename(folder / f"{inside.id}.json")
    records, aside = store.load()

    assert records == {record.id: record}
    assert [item.name for item in aside] == ["odd.json"]
    assert (tmp_path / "set-aside" / "odd.json" / f"{inside.id}.json").exists()


@pytest.mark.parametrize("content", ["[1", "3", '{"a": 1}'])
def test_damaged_reasons_give_none(content: str, tmp_path: Path) -> None:
    """The reasons are for people only; a file of them that cannot be read stops nothing."""
    (tmp_path / "set-aside.json").write_text(content)

    assert Store(tmp_path).read_reasons(()) == []


def test_files_are_read_in_the_order_of_their_parts(make_record: MakeRecord, tmp_path: Path) -> None:
    """The records of the folder `a` come before those of `a-b`, though `-` comes before the `/` of a path."""
    ids = []
    for seed, folder in enumerate(("a", "a-b")):
        record = Store(tmp_path / "other").write(make_record(seed=seed))
        path = tmp_path / "records" / folder / f"{record.id}.json"
        path.parent.mkdir(parents=True)
        shutil.copy(Store(tmp_path / "other").path(record.id), path)
        ids.append(record.id)

    assert list(Store(tmp_path).scan()[0]) == ids
