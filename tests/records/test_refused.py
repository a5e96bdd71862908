"""Combinations that cannot exist: kept beside the records, once for each, and never counted as trials."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

import archbench
from archbench._errors import StoreError
from archbench._records import Record, Store
from support import MakeRecord


@pytest.fixture
def refused(make_record: MakeRecord) -> Any:
    """`refused(name, reason)` returns the record of an architecture that does not take the task."""

    def make(name: str, reason: str = "too small", seed: int = 0) -> Record:
        trial = make_record(seed).trial
        trial = msgspec.structs.replace(trial, architecture=msgspec.structs.replace(trial.architecture, name=name))
        nothing: dict[str, Any] = dict.fromkeys(("scores", "curves", "training", "pairing", "environment"))
        return make_record(id=trial.id, trial=trial, status="skipped", message=reason, **nothing)

    return make


def named(store: Store) -> dict[str, str]:
    """Return the reason of each architecture that the folder has refused."""
    store.scan()
    return {record.trial.architecture.name: record.message for record in store.refused}


def test_one_file_for_all(refused: Any, make_record: MakeRecord, tmp_path: Path) -> None:
    """Refusals of several runs lie in one file; they change with the reason and go when the combination can exist."""
    store = Store(tmp_path)
    store.write_refused([refused("a"), refused("b")], set())
    before = (store.records / "refused.json").read_bytes()
    again = Store(tmp_path)
    again.scan()
    again.write_refused([refused("a", "too large"), refused("c")], {refused("b").trial.cell})
    store.write(make_record())

    assert len(json.loads(before)["refused"]) == 2
    assert named(Store(tmp_path)) == {"a": "too large", "c": "too small"}
    assert sorted(path.name for path in store.records.iterdir() if path.is_file()) == ["refused.json"]
    assert list(store.scan()[0]) == [make_record().id]
    store.write_refused([], {refused(name).trial.cell for name in "ac"})
    assert not (store.records / "refused.json").exists()


def test_the_file_follows_every_change(refused: Any, tmp_path: Path) -> None:
    """Reasons that come earlier or later in the alphabet replace others; without a change the file is left alone."""
    store = Store(tmp_path)
    for reason in ("m", "z", "a"):
        store.write_refused([refused("n", reason)], set())
        assert named(Store(tmp_path)) == {"n": reason}
    before = (store.records / "refused.json").stat().st_ino
    store.write_refused([refused("n", "a")], set())

    assert (store.records / "refused.json").stat().st_ino == before


def test_folders_of_older_versions(refused: Any, make_record: MakeRecord, tmp_path: Path) -> None:
    """Skipped records, which older versions wrote for each seed, are read as one refusal and are no trials."""
    store = Store(tmp_path)
    for record in (make_record(), refused("a", seed=0), refused("a", seed=1)):
        store.write(record)
    read = archbench.read(tmp_path)

    assert [record.id for record in read.records] == [make_record().id]
    assert [record.trial.architecture.name for record in read.refused] == ["a"]
    assert (read.leaderboard.trials, read.leaderboard.counts) == (1, {"ok": 1})
    assert [entry.reason for entry in read.boards[0].incompatible] == ["too small"]


def test_merged_folders_and_damage(refused: Any, tmp_path: Path) -> None:
    """Refusals of a folder that was copied below are read too; a damaged file is named with what to do."""
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    here.write_refused([refused("a")], set())
    there.write_refused([refused("b")], set())
    shutil.copytree(there.records, here.records / "there")
    assert named(Store(here.root)) == {"a": "too small", "b": "too small"}
    (here.records / "refused.json").write_text("[")

    with pytest.raises(StoreError, match=r"refused.json is damaged \(.*\); delete it"):
        here.scan()


def test_what_is_read_is_what_was_written(refused: Any, tmp_path: Path) -> None:
    """The records come back whole, and what they share, such as the protocol, is written once."""
    store = Store(tmp_path)
    written = [refused(name, reason=name * 3) for name in "abc"]
    store.write_refused(written, set())
    store.scan()
    table = json.loads((store.records / "refused.json").read_text())

    assert store.refused == sorted(written, key=lambda record: record.id)
    assert [len(table[name]) for name in ("protocols", "architectures", "tasks", "refused")] == [1, 3, 1, 3]
