"""Targets of `benchmark reproduce`: folders, files, ids, and whatever else people type; and samples."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench import ArchbenchError, RecordError, SelectionError, StoreError
from archbench._records import Record, Store, encode_record
from archbench._suite._source import draw, open_source
from support import MakeRecord


@pytest.fixture
def store(make_record: MakeRecord, tmp_path: Path) -> Store:
    """A folder with the records of five seeds."""
    store = Store(tmp_path / "there")
    for seed in range(5):
        store.write(make_record(seed))
    return store


def test_a_folder(store: Store) -> None:
    """All its records are meant; a file that is none is named and does not stop the others."""
    (store.records / "torn.json").write_text('{"schema": 2, "sha')
    found = open_source(str(store.root))

    assert (len(found.wanted), len(found.beside), found.root) == (5, 5, store.root)
    assert [file.name for file in found.invalid] == ["torn.json"]
    assert (store.records / "torn.json").exists()


def test_a_record_of_a_newer_version_is_named(store: Store) -> None:
    """It is among the files that are not reproduced, and an error where it alone is meant."""
    path = store.records / "ab" / f"{'ab' * 16}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"schema": 99, "sha256": "", "record": {}}')
    (found,) = open_source(str(store.root)).invalid

    assert found.name == path.name
    assert found.reason.startswith("it was written by a newer archbench (")
    with pytest.raises(RecordError, match=f"{path.name} was written by a newer archbench"):
        open_source(f"{store.root}/abab")


def test_one_record(store: Store, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of its file and the first digits of its id mean one record, with the others of its folder beside it."""
    record = make_record(2)
    (store.root / "leaderboard").symlink_to(store.root, target_is_directory=True)
    monkeypatch.chdir(store.root)
    for target in (str(store.path(record.id)), f"{store.root}/{record.id}", f"../there/{record.id[:9]}", record.id[:9]):
        found = open_source(target)

        assert found.wanted == (record,)
        assert len(found.beside) == 5
        assert found.root.resolve() == store.root


def test_a_file_that_lies_in_no_folder_of_records(store: Store, make_record: MakeRecord, tmp_path: Path) -> None:
    """It is a record like any other, and has no other seeds beside it."""
    path = tmp_path / "mail.json"
    path.write_bytes(encode_record(make_record()))

    assert (open_source(str(path)).beside, open_source(str(path)).root) == ((), None)


def with_steps(record: Record, steps: int) -> Record:
    """Return a record with another number of steps."""
    return msgspec.structs.replace(record, training=msgspec.structs.replace(record.training, steps=steps))


HOSTILE: list[tuple[str, Any, type[ArchbenchError], str]] = [
    ("nowhere", None, SelectionError, "there is no record or folder"),
    ("there/nowhere", None, SelectionError, "there is no record or folder"),
    ("there/" + "f" * 32, None, SelectionError, "no id of a record in"),
    ("there/" + "f" * 33, None, SelectionError, "there is no record or folder"),
    ("x" * 5000, None, SelectionError, "there is no record or folder"),
    ("a\0b", None, SelectionError, "there is no record or folder"),
    ("", None, StoreError, "holds no folder records/"),
    ("there/records", None, StoreError, "give there"),
    ("there/records/00", "folder", StoreError, "give there"),
    ("empty", "folder", StoreError, "holds no folder records/"),
    ("void/records/../", "folder", StoreError, "holds no record of a trial; run `benchmark run` first"),
    ("a.json", b"{", RecordError, "is no record that can be read"),
    ("a.json", b"", RecordError, "is no record that can be read"),
    ("a.json", b"\xff\xfe\x00", RecordError, "is no record that can be read"),
    ("a.json", b'{"schema": 99, "sha256": "", "record": {}}', RecordError, "newer archbench"),
    ("a.json", "edited", RecordError, "its checksum does not match its content"),
    ("a.json", "steps", RecordError, "does not fit its protocol"),
    ("a.json", "skipped", RecordError, "there is nothing to train again"),
]


@pytest.mark.parametrize(("target", "content", "error", "words"), HOSTILE)
def test_what_cannot_be_reproduced(
    store: Store,
    make_record: MakeRecord,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    content: Any,
    error: type[ArchbenchError],
    words: str,
) -> None:
    """A missing name, a folder without records and a file that is no whole record end in one line that says so."""
    monkeypatch.chdir(store.root.parent)
    skipped = make_record(status="skipped", scores=None, curves=None, training=None, message="takes image")
    contents = {
        "edited": encode_record(make_record()).replace(b"0.75", b"0.95"),
        "steps": encode_record(with_steps(make_record(), 7)),
        "skipped": encode_record(skipped),
    }
    if content == "folder":
        Path(target).mkdir(parents=True, exist_ok=True)
    elif content is not None:
        Path(target).write_bytes(contents.get(content, content))
    with pytest.raises(error, match=words.replace("(", r"\(")):
        open_source(target)


def test_a_folder_of_broken_files_only(tmp_path: Path) -> None:
    """The error names the first of them."""
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "a.json").write_text("{}")
    with pytest.raises(StoreError, match="the first of 1 files that are none: Object missing required field"):
        open_source(str(tmp_path))


def test_digits_that_fit_several_records(make_record: MakeRecord, tmp_path: Path) -> None:
    """Of two ids that begin alike both are shown."""
    store, records = Store(tmp_path), [make_record(seed) for seed in range(17)]
    for record in records:
        store.write(record)
    digit, count = Counter(record.id[0] for record in records).most_common(1)[0]
    with pytest.raises(
        SelectionError, match=f"the id of {count} records in .* begins with '{digit}'; give more digits"
    ):
        open_source(f"{tmp_path}/{digit}")


def in_cells(make_record: MakeRecord, cells: int, seeds: int) -> list[Record]:
    """Return records of several cells."""
    found = []
    for cell in range(cells):
        for seed in range(seeds):
            record = make_record(seed)
            component = msgspec.structs.replace(record.trial.architecture, name=f"toy-{cell}")
            trial = msgspec.structs.replace(record.trial, architecture=component)
            found.append(msgspec.structs.replace(record, trial=trial, id=trial.id))
    return found


@pytest.mark.parametrize(("count", "each"), [(3, {1, 0}), (4, {1}), (6, {1, 2}), (8, {2}), (12, {3}), (99, {3})])
def test_a_sample_is_spread_over_cells(make_record: MakeRecord, count: int, each: set[int]) -> None:
    """No cell has two records more than another, none is drawn twice, and no more than there are."""
    records = in_cells(make_record, 4, 3)
    drawn = draw(records, count, seed=0)
    per_cell = Counter(record.trial.cell for record in drawn)

    assert len(drawn) == len({record.id for record in drawn}) == min(count, 12)
    assert {per_cell[record.trial.cell] for record in records} == each


def test_a_sample_depends_on_the_seed_alone(make_record: MakeRecord) -> None:
    """The same seed draws the same records in whatever order they come, another seed draws others."""
    records = in_cells(make_record, 6, 4)
    first = [record.id for record in draw(records, 5, seed=1)]

    assert [record.id for record in draw(records[::-1], 5, seed=1)] == first
    assert [record.id for record in draw(records, 5, seed=2)] != first


def test_samples_are_fair(make_record: MakeRecord) -> None:
    """Over many seeds every record of every cell is drawn equally often: 400 draws of one out of 8, within 5 s.d."""
    records = in_cells(make_record, 4, 2)
    drawn = Counter(draw(records, 1, seed=seed)[0].id for seed in range(400))

    assert all(abs(drawn[record.id] - 50) < 5 * (400 * 1 / 8 * 7 / 8) ** 0.5 for record in records)


@pytest.mark.parametrize("count", [0, -3])
def test_an_empty_sample(make_record: MakeRecord, count: int) -> None:
    """A sample of nothing is refused."""
    with pytest.raises(SelectionError, match=f"`sample` is {count}; at least 1 is needed"):
        draw([make_record()], count, seed=0)
