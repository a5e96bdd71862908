"""Merging the folders of several machines."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from archbench._declarations import TaskInfo
from archbench._errors import StoreError
from archbench._records import Record, Store, encode_record, merge
from archbench._records._network import KeptNetwork, read_sidecar, read_weights, write_network
from support import MakeRecord, house_recipe


def folder(path: Path, *records: Record) -> Path:
    """A folder with these records."""
    for record in records:
        Store(path).write(record)
    return path


def scored(record: Record, test: float) -> Record:
    """Return a record with another test score."""
    assert record.scores is not None
    return msgspec.structs.replace(record, scores=msgspec.structs.replace(record.scores, test=test))


def tuned_again(record: Record, **changes: str) -> Record:
    """Return the record under another recipe, as if tuning had chosen it; the trial keeps its id."""
    recipe = house_recipe(learning_rate=0.5)
    assert record.training is not None
    return msgspec.structs.replace(
        record,
        trial=msgspec.structs.replace(record.trial, recipe=recipe),
        training=msgspec.structs.replace(record.training, recipe=recipe),
        **changes,
    )


def contents(path: Path) -> dict[str, bytes]:
    """Return the files of the records below a folder."""
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("records/*/*.json"))}


def test_records_are_united_and_a_second_merge_changes_nothing(make_record: MakeRecord, tmp_path: Path) -> None:
    """All trials of all folders are there afterwards, byte for byte; sources are not touched; merging is idempotent."""
    a = folder(tmp_path / "a", make_record(0), make_record(1))
    b = folder(tmp_path / "b", make_record(1), make_record(2))
    sources = contents(a) | contents(b)
    first = merge([a, b], Store(tmp_path / "c"))
    second = merge([b, a, tmp_path / "c"], Store(tmp_path / "c"))

    assert (first.added, first.replaced, first.left_out) == (3, 0, [])
    assert (second.added, second.replaced, second.left_out) == (0, 0, [])
    assert contents(tmp_path / "c") == sources
    assert len(contents(a)) == len(contents(b)) == 2


def test_contradictions_are_refused_with_both_results(make_record: MakeRecord, tmp_path: Path) -> None:
    """Two scores of one trial stop the merge, which names both folders and both scores, and nothing is written."""
    a = folder(tmp_path / "a", make_record(0), make_record(1))
    b = folder(tmp_path / "b", scored(make_record(0), 0.5), make_record(2))

    with pytest.raises(StoreError, match="nothing was merged") as caught:
        merge([a, b], Store(tmp_path / "c"))
    assert f"{a} has accuracy 0.75 (cpu" in str(caught.value)
    assert f"{b} has accuracy 0.5 (cpu" in str(caught.value)
    assert contents(tmp_path / "c") == {}
    with pytest.raises(StoreError, match=r"\(1 in all\)"):
        merge([b], Store(a))
    assert len(contents(a)) == 2


def placed(record: Record, **changes: object) -> Record:
    """Return the record as one of another environment."""
    assert record.environment is not None
    return msgspec.structs.replace(record, environment=msgspec.structs.replace(record.environment, **changes))


@pytest.mark.parametrize(
    ("here", "there"),
    [({"threads": 2}, {"threads": 4}), ({"devices": 1}, {"devices": 2}), ({"processor": "a"}, {"processor": "b"})],
)
def test_results_of_unlike_machines(
    here: dict[str, object], there: dict[str, object], make_record: MakeRecord, tmp_path: Path
) -> None:
    """Both may come out again: what differs is shown, and either file may be deleted."""
    (name,) = here
    a = folder(tmp_path / "a", placed(make_record(0), **here))
    b = folder(tmp_path / "b", placed(scored(make_record(0), 0.5), **there))

    with pytest.raises(StoreError, match="delete either file") as caught:
        merge([a, b], Store(tmp_path / "c"))
    assert f"{a} has accuracy 0.75 (cpu, {name} {here[name]}); {b} has accuracy 0.5 (cpu, {name} {there[name]})" in str(
        caught.value
    )
    assert "equal --workers" in str(caught.value)
    assert "benchmark reproduce" not in str(caught.value)


def test_results_of_like_machines(make_record: MakeRecord, tmp_path: Path) -> None:
    """Only one of two results of equal threads can come out again, whatever a third of other threads says."""
    a = folder(tmp_path / "a", make_record(0), placed(make_record(1), torch="1"))
    b = folder(tmp_path / "b", scored(make_record(0), 0.5), placed(scored(make_record(1), 0.5), torch="2"))
    c = folder(tmp_path / "c", placed(make_record(0), threads=64))

    with pytest.raises(StoreError, match="`benchmark reproduce` says which of two comes out again") as caught:
        merge([a, b, c], Store(tmp_path / "d"))
    assert "delete either file" not in str(caught.value)
    assert f"{a} has accuracy 0.75 (cpu, torch 1); {b} has accuracy 0.5 (cpu, torch 2)" in str(caught.value)


def test_a_crash_explains_no_contradiction(make_record: MakeRecord, tmp_path: Path) -> None:
    """A crash, which may be without an environment, stands beside results and changes no advice; both may be needed."""
    failed = make_record(0, status="failed", scores=None, curves=None, training=None, environment=None)
    a = folder(tmp_path / "a", make_record(0), make_record(1))
    b = folder(tmp_path / "b", scored(make_record(0), 0.5), placed(scored(make_record(1), 0.5), threads=64))
    c = folder(tmp_path / "c", failed)

    with pytest.raises(StoreError, match=r"`benchmark reproduce` says .*; where threads, .* delete either") as caught:
        merge([a, b, c], Store(tmp_path / "d"))
    assert f"{b} has accuracy 0.5 (cpu); {c} has failed" in str(caught.value)


def test_a_result_replaces_a_crash(make_record: MakeRecord, tmp_path: Path) -> None:
    """What one machine could not finish is taken from the one that did, in either order."""
    crash = make_record(status="crashed", scores=None, curves=None, training=None, started="2026-02-01")
    there, here = folder(tmp_path / "a", make_record(started="2026-01-01")), folder(tmp_path / "b", crash)
    merged = merge([there], Store(here))

    assert (merged.added, merged.replaced) == (0, 1)
    assert [record.status for record in merged.records.values()] == ["ok"]
    folder(tmp_path / "d", crash)
    again = merge([tmp_path / "d"], Store(here))
    assert (again.added, again.replaced) == (0, 0)


def test_files_that_are_no_records_are_left_out(make_record: MakeRecord, tmp_path: Path) -> None:
    """A garbled, an edited and a misplaced file of a stranger are named and stay where they are."""
    source = folder(tmp_path / "a", make_record(0))
    place = source / "records" / "ab"
    place.mkdir(parents=True)
    (place / "garbled.json").write_text("{")
    (place / "edited.json").write_bytes(encode_record(make_record(3)).replace(b"0.75", b"0.99"))
    (place / "name.json").write_bytes(encode_record(make_record(4)))
    merged = merge([source], Store(tmp_path / "c"))

    assert list(merged.records) == [make_record(0).id]
    assert [line.split("/")[-1].split(":")[0] for line in merged.left_out] == [
        "edited.json",
        "garbled.json",
        "name.json",
    ]
    assert "checksum" in merged.left_out[0]
    assert sorted(path.name for path in place.iterdir()) == ["edited.json", "garbled.json", "name.json"]


def test_a_broken_file_of_the_target_is_kept(make_record: MakeRecord, tmp_path: Path) -> None:
    """It is moved to `set-aside/` with its bytes, as by a run, before the record of its trial takes its place."""
    source, store = folder(tmp_path / "a", make_record(0)), Store(tmp_path / "b")
    place = store.path(make_record(0).id)
    place.parent.mkdir(parents=True)
    place.write_text("{half")
    merged = merge([source], store)

    assert (merged.added, len(merged.left_out)) == (1, 1)
    assert merged.left_out[0].startswith(f"{place}: ")
    assert merged.left_out[0].endswith("; it was moved to set-aside/")
    assert (tmp_path / "b" / "set-aside" / place.name).read_text() == "{half"
    assert contents(tmp_path / "b") == contents(source)
    assert merge([source], store).left_out == []


@pytest.mark.parametrize("holder", ["a", "b"])
def test_contradictions_within_a_folder_are_refused(holder: str, make_record: MakeRecord, tmp_path: Path) -> None:
    """Two files of one trial in the source or in the target stop the merge, which names both and moves neither."""
    for name in "ab":
        folder(tmp_path / name, make_record(0))
    other = Store(tmp_path / "elsewhere")
    other.write(scored(make_record(0), 0.5))
    copy = tmp_path / holder / "records" / "copied"
    other.records.rename(copy)
    before = {name: contents(tmp_path / name) for name in "ab"}

    with pytest.raises(StoreError, match="nothing was merged") as caught:
        merge([tmp_path / "a"], Store(tmp_path / "b"))
    assert f"{next(copy.rglob('*.json'))} has accuracy 0.5 (cpu" in str(caught.value)
    assert f"{Store(tmp_path / holder).path(make_record(0).id)} has accuracy 0.75 (cpu" in str(caught.value)
    assert {name: contents(tmp_path / name) for name in "ab"} == before


def test_contradictions_of_an_earlier_recipe_do_not_stop_a_merge(make_record: MakeRecord, tmp_path: Path) -> None:
    """Both old results are set aside, and the one under the recipe that tuning chose since counts."""
    source = folder(tmp_path / "a", tuned_again(make_record(0), started="2027-01-01"))
    target, other = folder(tmp_path / "b", make_record(0)), Store(tmp_path / "elsewhere")
    other.write(scored(make_record(0), 0.5))
    other.records.rename(target / "records" / "copied")
    merged = merge([source], Store(target))

    assert len(list((target / "set-aside").iterdir())) == len(merged.left_out) == 2
    assert contents(target) == contents(source)


def test_folders_without_records(tmp_path: Path) -> None:
    """A folder that no run wrote is refused before the target is made."""
    with pytest.raises(StoreError, match=r"there is no folder .*records"):
        merge([tmp_path / "nothing"], Store(tmp_path / "c"))
    assert not (tmp_path / "c").exists()


def test_a_newer_record_is_not_replaced(make_record: MakeRecord, tmp_path: Path) -> None:
    """A trial whose record in the target is of a newer version keeps that file, and the older result does not count."""
    source, target = folder(tmp_path / "a", make_record(0)), folder(tmp_path / "b", make_record(0))
    path = Store(target).path(make_record(0).id)
    path.write_text(path.read_text().replace('{"schema":2', '{"schema":99', 1))
    before = path.read_bytes()
    merged = merge([source], Store(target))

    assert (merged.added, merged.records) == (0, {})
    assert "newer archbench" in merged.left_out[0]
    assert path.read_bytes() == before


def keep(path: Path, record: Record, weights: bytes, *, step: int | None = None) -> str:
    """Keep a network of a record in a folder, and return its name."""
    network = KeptNetwork(
        format=1,
        trial=record.trial,
        weights="selected" if step is None else "step",
        step=step or 500,
        info=TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10),
        loss="cross_entropy",
        takes_lengths=False,
        sha256=hashlib.sha256(weights).hexdigest(),
        versions={},
    )
    write_network(Store(path).networks, network, weights)
    return network.name


def test_networks_come_along_with_their_records(make_record: MakeRecord, tmp_path: Path) -> None:
    """Those of trials and of probes are there afterwards, byte for byte, and a second merge copies none."""
    a, b = folder(tmp_path / "a", make_record(0)), folder(tmp_path / "b", make_record(1))
    names = [keep(a, make_record(0), b"one"), keep(b, make_record(1), b"two"), keep(b, make_record(1), b"3", step=50)]
    store = Store(tmp_path / "c")
    first, second = merge([a, b], store), merge([b, a], store)

    assert (first.networks, second.networks) == (3, 0)
    assert [read_weights(store.networks, read_sidecar(store.networks, name)) for name in names] == [
        b"one",
        b"two",
        b"3",
    ]
    assert len(list(store.networks.iterdir())) == 6
    assert first.left_out == second.left_out == []


@pytest.mark.parametrize("damage", ["weights", "sidecar", "other trial", "link", "no sidecar"])
def test_networks_that_are_none_are_left_out(damage: str, make_record: MakeRecord, tmp_path: Path) -> None:
    """Garbled files and those of another trial are named; a link is not followed, and half a network is none."""
    a = folder(tmp_path / "a", make_record(0))
    name = keep(a, make_record(0), b"one")
    weights, sidecar = (Store(a).networks / f"{name}{end}" for end in (".safetensors", ".json"))
    if damage == "weights":
        weights.write_bytes(b"other")
    elif damage == "sidecar":
        sidecar.write_bytes(b"{")
    elif damage == "other trial":
        sidecar.write_bytes(sidecar.read_bytes().replace(b'"seed":0', b'"seed":9'))
    elif damage == "link":
        weights.rename(tmp_path / "elsewhere")
        weights.symlink_to(tmp_path / "elsewhere")
    else:
        sidecar.unlink()
    merged = merge([a], Store(tmp_path / "c"))

    assert (merged.added, merged.networks) == (1, 0)
    assert len(merged.left_out) == (damage not in ("link", "no sidecar"))
    assert all(name in line for line in merged.left_out)
    assert not Store(tmp_path / "c").networks.exists()


def test_networks_of_a_result_that_does_not_count_stay(make_record: MakeRecord, tmp_path: Path) -> None:
    """Weights beside a crash are those of another training of the trial than the score."""
    crashed = make_record(0, status="crashed", scores=None)
    a, b = folder(tmp_path / "a", crashed), folder(tmp_path / "b", make_record(0))
    keep(a, crashed, b"half")
    name = keep(b, make_record(0), b"whole")
    store = Store(tmp_path / "c")

    assert merge([a, b], store).networks == 1
    assert read_weights(store.networks, read_sidecar(store.networks, name)) == b"whole"


def test_a_network_of_another_recipe_stays(make_record: MakeRecord, tmp_path: Path) -> None:
    """A network that was trained before tuning chose another recipe is not that of the record beside it."""
    record = tuned_again(make_record(0))
    a = folder(tmp_path / "a", record)
    keep(a, make_record(0), b"earlier")
    keep(a, make_record(0), b"earlier", step=50)
    store = Store(tmp_path / "c")

    assert merge([a], store).networks == 0
    assert not store.networks.exists()


def test_a_network_of_another_recipe_gives_way(make_record: MakeRecord, tmp_path: Path) -> None:
    """Where the folder has the network of a record that is replaced, that of the record that counts takes its place."""
    earlier, record = make_record(0, started="2026-01-01"), tuned_again(make_record(0), started="2026-01-02")
    a, b = folder(tmp_path / "a", record), folder(tmp_path / "b", earlier)
    keep(b, earlier, b"earlier")
    name = keep(a, record, b"later")
    store = Store(b)
    first, second = merge([a], store), merge([a], store)

    assert (first.replaced, first.networks, second.networks) == (1, 1, 0)
    assert read_weights(store.networks, read_sidecar(store.networks, name)) == b"later"
