"""Several files of one trial, and files that change while a run has the folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from archbench._records import Record, Store, encode_record
from support import MakeRecord


def put(record: Record, path: Path) -> Path:
    """Write the file of a record anywhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_record(record))
    return path


def scored(record: Record, test: float) -> Record:
    """Return a record with another test score."""
    assert record.scores is not None
    return msgspec.structs.replace(record, scores=msgspec.structs.replace(record.scores, test=test))


@pytest.mark.parametrize("name", ["there/ab/{id}.json", "ab/{id} (copy).json", "{id}.json"])
def test_contradictory_files_of_one_trial(name: str, make_record: MakeRecord, tmp_path: Path) -> None:
    """Two scores of one trial are both set aside with both numbers, wherever the second file lies; others count."""
    store, record, other = Store(tmp_path), make_record(0), make_record(1)
    store.write(record)
    store.write(other)
    put(scored(record, 0.5), store.records / name.format(id=record.id))
    records, set_aside = store.load()

    assert records == {other.id: other}
    reason = "records of one trial contradict each other: accuracy 0.5 on cpu and accuracy 0.75 on cpu; "
    assert [item.reason for item in set_aside] == [f"{reason}none of them counts"] * 2
    assert len(list((tmp_path / "set-aside").glob(f"{record.id}*.json"))) == 2


def test_diverged_contradicts_a_score(make_record: MakeRecord, tmp_path: Path) -> None:
    """To diverge is a result of the trial itself, which a score contradicts."""
    store, record = Store(tmp_path), make_record()
    store.write(record)
    put(make_record(status="diverged", scores=None, curves=None), store.records / "there" / f"{record.id}.json")

    assert store.load()[0] == {}


def test_files_that_agree_count_once(make_record: MakeRecord, tmp_path: Path) -> None:
    """A repetition with the same result on another machine is no contradiction, nor is a crash there."""
    store, record = Store(tmp_path), make_record(started="2026-01-02")
    assert record.environment is not None
    elsewhere = msgspec.structs.replace(record.environment, processor="Another")
    again = make_record(started="2026-01-01", environment=elsewhere)
    crash = make_record(started="2026-01-03", status="crashed", scores=None, curves=None, training=None)
    store.write(record)
    for place, copy in (("a", again), ("b", crash)):
        put(copy, store.records / place / f"{record.id}.json")

    assert store.load() == ({record.id: record}, [])


def test_scores_under_an_earlier_tuned_recipe(make_record: MakeRecord, tmp_path: Path) -> None:
    """The recipe that tuning chose is not part of a trial's id; the newest one counts."""
    store, record = Store(tmp_path), make_record(started="2026-01-02")
    recipe = msgspec.structs.replace(record.trial.settings, learning_rate=0.5)
    assert record.training is not None
    old = msgspec.structs.replace(
        scored(record, 0.5),
        started="2026-01-01",
        trial=msgspec.structs.replace(record.trial, recipe=recipe),
        training=msgspec.structs.replace(record.training, recipe=recipe),
    )
    store.write(record)
    put(old, store.records / "there" / f"{record.id}.json")

    assert old.id == old.trial.id
    assert store.load() == ({record.id: record}, [])


def test_restoring_what_a_network_changed(make_record: MakeRecord, tmp_path: Path) -> None:
    """Records that were changed, added or deleted behind the store's back are put right, and each is named."""
    store, kept, written, gone = Store(tmp_path), make_record(0), make_record(1), make_record(2)
    store.write(kept)
    store.write(gone)
    records, _ = store.load()
    records[written.id] = store.write(written)
    added = scored(make_record(3), 1.0)
    for forged in (scored(kept, 1.0), scored(written, 0.0), added):
        put(forged, store.path(forged.id))
    store.path(gone.id).unlink()
    lines = store.restore(records)

    assert store.scan() == (records, [])
    ends = ("was changed during the run by something else; it was moved to set-aside/",) * 2
    expected = {f"{kept.id}.json {ends[0]}", f"{written.id}.json {ends[0]}"}
    expected |= {f"{added.id}.json was added during the run by something else; it was moved to set-aside/"}
    expected |= {f"{record.id}.json was lost during the run; it was written again" for record in (kept, written, gone)}
    assert set(lines) == expected
    assert (tmp_path / "set-aside" / f"{added.id}.json").read_bytes() == encode_record(added)


def test_nothing_to_restore(make_record: MakeRecord, tmp_path: Path) -> None:
    """Records that the store read or wrote, also twice, are as they should be."""
    store = Store(tmp_path)
    store.write(make_record(0))
    shutil.copytree(store.records, store.records / "there")
    records, _ = store.load()
    for score in (0.5, 0.25):
        records[make_record(1).id] = store.write(scored(make_record(1), score))

    assert store.restore(records) == []
