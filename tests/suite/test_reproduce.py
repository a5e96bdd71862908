"""Reproduction of a small run: what came out again, what was altered, and that nothing is written among the records."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

import archbench
from archbench import DeviceError, Observer, Record, Results, SelectionError, StoreError
from archbench._planning import Device, PlannedTrial
from archbench._records import Store
from archbench._suite._certificate import Certificate

Contents = dict[Path, tuple[bytes, int]]


def contents(folder: Path) -> Contents:
    """Return bytes and time of every file of a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.fixture(scope="module")
def whole(small_results: Results, tmp_path_factory: pytest.TempPathFactory) -> tuple[Certificate, Path, Any]:
    """The certificate of the small run as it is, its file, and what the observer heard."""
    from suite.conftest import Recorder

    recorder, path = Recorder(), tmp_path_factory.mktemp("certificates") / "new" / "certificate.json"
    before = contents(small_results.out)
    made = archbench.reproduce(small_results.out, observer=recorder, out=path)

    assert contents(small_results.out) == before
    return made, path, recorder


def test_a_run_is_reproduced_bit_for_bit(small_results: Results, whole: Any) -> None:
    """All records come out again, on the same threads, and the certificate has both sides of each."""
    made, _, recorder = whole

    assert made.reproduced
    assert made.counts == {"reproduced": 6, "diverged": 0, "changed": 0, "undecided": 0}
    assert {check.id for check in made.checks} == {record.id for record in small_results.records}
    assert {check.rule for check in made.checks} == {"bit for bit"}
    for check in made.checks:
        assert check.recorded.environment == check.again.environment
        assert check.recorded.pairing == check.again.pairing is not None
        assert check.recorded.test == check.again.test is not None
        assert check.recorded.started <= check.again.started
    assert recorder.events[0] == "6 to train, 0 kept"
    assert recorder.events[-1] == "ended"


def test_a_forecast_is_said_before_anything_trains(whole: Any) -> None:
    """The forecast comes from what the trials took, and is the first that is said."""
    assert whole[2].lines[0].startswith("Forecast: about ")
    assert whole[2].lines[0].endswith(" s, if this machine is as fast as that of the records.")


def test_the_certificate_is_a_file(small_results: Results, whole: Any) -> None:
    """The file has the certificate and nothing else: format, version, date, call, and every check."""
    made, path, _ = whole
    read = msgspec.json.decode(path.read_bytes())

    assert msgspec.convert(read, type=Certificate) == made
    assert (read["format"], read["archbench"], read["records"]) == (1, archbench.__version__, 6)
    assert read["command"] == f"archbench.reproduce({str(small_results.out)!r})"
    assert read["date"] >= read["checks"][0]["again"]["started"]


@pytest.fixture
def altered(small_results: Results, tmp_path: Path) -> Callable[..., Record]:
    """`altered(task, architecture, seed, change)` changes a record of a copy of the run, and returns it as it was."""
    shutil.copytree(small_results.out, tmp_path / "copy")
    store = Store(tmp_path / "copy")

    def alter(architecture: str, task: str, seed: int, change: Callable[[Record], dict[str, Any]]) -> Record:
        (record,) = [
            record
            for record in small_results.records
            if (record.trial.architecture.name, record.trial.task.name, record.trial.seed) == (architecture, task, seed)
        ]
        store.path(record.id).unlink()
        store.write(msgspec.structs.replace(record, **change(record)))
        return record

    return alter


def with_revision(record: Record) -> dict[str, Any]:
    """Return the changes that make a record one of another revision."""
    task = msgspec.structs.replace(record.trial.task, revision=99)
    trial = msgspec.structs.replace(record.trial, task=task)
    return {"trial": trial, "id": trial.id}


def with_score(record: Record) -> dict[str, Any]:
    """Return the changes that give a record another score, without the confusion matrix that would give it away."""
    return {"scores": msgspec.structs.replace(record.scores, test=0.123), "confusion": None, "wrong": []}


def test_altered_records_are_told_apart(altered: Any, tmp_path: Path) -> None:
    """A score, hashes of data, a revision and a processor that are not the true ones each have their own verdict."""
    new_score = altered("lstm", "digits", 0, with_score)
    altered("lstm", "digits", 1, lambda record: {"pairing": msgspec.structs.replace(record.pairing, splits="0123")})
    altered("lstm", "adding", 1, with_revision)
    altered(
        "plain", "digits", 1,
        lambda record: {
            "environment": msgspec.structs.replace(record.environment, processor="Another"),
            **with_score(record),
        },
    )  # fmt: skip
    made = archbench.reproduce(tmp_path / "copy", observer=Observer())
    found = {(check.architecture, check.task, check.seed): check for check in made.checks}

    assert not made.reproduced
    assert {key: check.verdict for key, check in found.items()} == {
        ("lstm", "adding", 0): "reproduced",
        ("lstm", "adding", 1): "changed",
        ("lstm", "digits", 0): "diverged",
        ("lstm", "digits", 1): "changed",
        ("plain[depth=8]", "digits", 0): "reproduced",
        ("plain[depth=8]", "digits", 1): "undecided",
    }
    diverged = found["lstm", "digits", 0]
    assert (diverged.recorded.test, diverged.again.test) == (0.123, new_score.scores.test)
    assert (diverged.differing, diverged.largest_difference.field) == (["scores.test"], "scores.test")
    assert found["lstm", "adding", 1].again is None
    assert "the revision of task adding was 99" in found["lstm", "adding", 1].reason
    assert "other data: hash of splits 0123 then" in found["lstm", "digits", 1].reason
    assert "processor Another then" in found["plain[depth=8]", "digits", 1].reason


def test_one_record_by_its_file(small_results: Results, recorder: Any) -> None:
    """The file of a record means this record alone."""
    record = small_results.records[0]
    made = archbench.reproduce(Store(small_results.out).path(record.id), sample=3, observer=recorder)

    assert [check.id for check in made.checks] == [record.id]
    assert made.command.endswith(", sample=3, seed=0)")
    assert recorder.events == ["1 to train, 0 kept", "started 0", "ok 0", "ended"]


def test_own_data(tmp_path: Path) -> None:
    """Without the files a record of somebody's own data cannot be judged; with them it comes out again."""
    for number in range(40):
        image = tmp_path / "spots" / ("dark", "light")[number % 2] / f"{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number + 200 * (number % 2)).save(image)
    options: dict[str, Any] = {"tasks": f"images:{tmp_path}/spots", "observer": Observer()}
    archbench.run("mlp", protocol="smoke", seeds=1, out=tmp_path / "out", **options)
    (without,) = archbench.reproduce(tmp_path / "out", observer=Observer()).checks
    (given,) = archbench.reproduce(tmp_path / "out", **options).checks

    assert (without.verdict, without.again) == ("undecided", None)
    assert "give these very files with --task 'images:PATH'" in without.reason
    assert (given.verdict, given.rule) == ("reproduced", "bit for bit")


def test_a_trial_that_is_not_finished_in_time(small_results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of the call is that of every trial, and a trial that exceeds it says nothing about the numbers."""
    limits = []

    def execute(planned: Sequence[PlannedTrial], store: Any, pool: Any, **options: Any) -> Iterator[Record]:
        limits.append(options["timeout"])
        for item in planned:  # whether a real trial ends before so short a limit is seen is a matter of chance
            yield item.job(Device(kind="cpu")).record("timeout", "not finished")

    monkeypatch.setattr("archbench._suite._rerun.execute", execute)
    made = archbench.reproduce(small_results.out, sample=1, timeout=0.01, observer=Observer())

    assert limits == [0.01]
    assert [(check.verdict, check.again.status) for check in made.checks] == [("undecided", "timeout")]
    assert not made.reproduced


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"sample": 0}, SelectionError, "`sample` is 0"),
        ({"workers": 0}, SelectionError, "`workers` is 0"),
        ({"device": "tpu"}, SelectionError, "`device` is 'tpu'"),
        ({"tasks": "digits"}, SelectionError, "give own files only, as SCHEME:PATH"),
        ({"out": "."}, SelectionError, "is a folder; give a file"),
        ({"out": "records/certificate.json"}, SelectionError, "is among the records"),
        ({"out": "logs/../records/ab/c.json"}, SelectionError, "is among the records"),
        ({"out": "README.md/certificate.json"}, StoreError, "README.md"),
    ],
)
def test_options_that_are_not_allowed(
    small_results: Results,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    error: type[Exception],
    words: str,
) -> None:
    """Each is refused before anything trains."""
    monkeypatch.chdir(small_results.out)
    monkeypatch.setattr("archbench._suite._reproduce.train_again", None)
    with pytest.raises(error, match=words):
        archbench.reproduce(small_results.out, observer=Observer(), **options)


def test_a_gpu_that_is_not_there(small_results: Results) -> None:
    """Asking for CUDA without a GPU is an error, as in a run."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(DeviceError, match="torch sees no CUDA device"):
        archbench.reproduce(small_results.out, sample=1, device="cuda", observer=Observer())
