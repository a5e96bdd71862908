"""`python -m archbench.worker`: one trial from a job file, also as ranks that torchrun starts."""

from __future__ import annotations

import errno
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from archbench import worker
from archbench._planning import Device, Job, make_plan, rank_of
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import Record, Store, decode_record, try_writing
from archbench._selection import select
from support import MakeRecord


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A file with a short trial of the built-in `mlp`."""
    plugins = load_plugins()
    (planned,) = make_plan(
        select(["mlp"], plugins.architectures, "architecture"),
        select(["digits"], plugins.tasks, "task"),
        protocol=msgspec.structs.replace(find_protocol("smoke"), name="mine", batch_size=15),
        seeds=1,
    ).trials
    path = tmp_path / "job.json"
    path.write_bytes(msgspec.json.encode(planned.job(Device(kind="cpu"))))
    return path


def work(*arguments: str | Path, launcher: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the worker in a process of its own, or in those of a launcher."""
    command = [sys.executable, *launcher, "-m", "archbench.worker", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_ranks_of_torchrun(job: Path, tmp_path: Path) -> None:
    """Two ranks that torchrun starts have the scores of one process, and one record says that there were two."""
    records: list[Record] = []
    for name, launcher in (("one", ()), ("two", ("-m", "torch.distributed.run", "--nproc-per-node=2"))):
        done = work(job, tmp_path / f"{name}.json", launcher=launcher)
        assert done.returncode == 0, done.stderr
        records.append(decode_record((tmp_path / f"{name}.json").read_bytes()))
    one, two = records

    assert one.scores is not None
    assert two.scores is not None
    assert two.scores.test == pytest.approx(one.scores.test, abs=1e-5)
    assert two.scores.train_loss == pytest.approx(one.scores.train_loss, abs=1e-5)
    assert (two.id, two.pairing, two.confusion) == (one.id, one.pairing, one.confusion)
    assert [record.environment and record.environment.devices for record in records] == [1, 2]


def test_sharded_weights_need_several_ranks(job: Path) -> None:
    """A job that shards its weights ends with exit code 2 where one process would train it, and one line."""
    given = msgspec.json.decode(job.read_bytes(), type=Job)
    job.write_bytes(msgspec.json.encode(msgspec.structs.replace(given, device=Device(kind="cpu", sharded=True))))
    done = work(job, job.parent / "record.json")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "start it with torchrun --nproc-per-node 2 or more" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("job.json",), "1 arguments; give a job file and an output folder"),
        (("none.json", "record.json"), "cannot read"),
        (("no-job.json", "record.json"), "is no job"),
        (("job.json", "none/record.json"), "is no folder"),
        (("job.json", "file"), "is a file"),
    ],
)
def test_wrong_commands(arguments: tuple[str, ...], words: str, job: Path) -> None:
    """Wrong arguments end with exit code 2 and one line that says what is needed."""
    (job.parent / "no-job.json").write_text("{}")
    (job.parent / "file").touch()
    done = work(*(job.parent / name for name in arguments))

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("target", ["full", "full/record.json"])
def test_a_folder_that_cannot_be_written_is_refused_before_the_training(
    target: str, job: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is trained where the record would have no place; what says so names no option of another command."""
    (job.parent / "full").mkdir()
    monkeypatch.setattr(worker, "_train", lambda *_: pytest.fail("it trained"))
    monkeypatch.setattr(tempfile, "TemporaryFile", fail_as_full)
    with pytest.raises(SystemExit) as ended:
        worker.main([str(job), str(job.parent / target)])
    said = capsys.readouterr().err

    assert ended.value.code == 2
    assert said.startswith(f"error: cannot write {job.parent / 'full'}")
    assert "No space left on device" in said
    assert "--out" not in said


@pytest.mark.parametrize(("has_room", "words"), [(True, "The record is in "), (False, "The record is lost: ")])
def test_a_record_that_cannot_be_written_at_the_end_is_kept(
    has_room: bool,
    words: str,
    job: Path,
    make_record: MakeRecord,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where the folder fills up during the training, the record is in a temporary folder, which the error names."""
    record, out, system = make_record(), job.parent / "out", job.parent / "system"
    system.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(system))

    def train(job: Job, store: Store) -> Record:
        shutil.rmtree(store.root)
        store.root.write_text("no folder any more")
        return record

    monkeypatch.setattr(worker, "_train", train)
    if not has_room:
        monkeypatch.setattr(tempfile, "mkdtemp", fail_as_full)
    with pytest.raises(SystemExit) as ended:
        worker.main([str(job), str(out)])
    said = capsys.readouterr().err

    assert ended.value.code == 2
    assert f"error: cannot write {out}" in said
    assert words in said
    kept = list(system.rglob("*.json"))
    assert [decode_record(path.read_bytes()) for path in kept] == [record] * has_room
    assert all(f"{path} on {platform.node()}; move it to {out}/records/" in said for path in kept)


def fail_as_full(**_: object) -> None:
    """Fail as on a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_folder_is_left_as_it_was_found(tmp_path: Path) -> None:
    """What is written to try a folder does not stay in it."""
    try_writing(tmp_path / "a" / "b")

    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_ranks_on_two_machines(job: Path) -> None:
    """The second GPU of the second machine is that of rank 3, and has the number 1 there."""
    variables = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    rank = rank_of({**variables, "TORCHELASTIC_RUN_ID": "none"})
    assert rank is not None
    plain = msgspec.json.decode(job.read_bytes(), type=Job)
    mine = msgspec.structs.replace(plain, device=Device(kind="cuda", threads=3)).of_rank(rank)

    assert rank_of(variables) is None
    assert (rank.number, rank.total, rank.local_number, rank.local_total, rank.leads) == (3, 4, 1, 2, False)
    assert mine.device == Device(kind="cuda", index=1, threads=3, count=4)
