"""Splits that the trials of a run share: the same data, made once, that no trial can change for another."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import Record
from archbench._records import Store
from archbench._training import _shared_splits, run_trial
from support import Cli, MakeJob

LINEAR = "def build(task, options): return linear(task)\n"
TASK = """
def load(options, seed):
    import numpy as np
    with open({log!r}, "a") as log:
        log.write(f"{{seed}} ")
    {first}
    draw = np.random.default_rng(seed)
    def examples(count):
        inputs = draw.standard_normal((count, 6, 1)).astype(np.float32)
        return archbench.Examples(inputs, inputs.sum(1), lengths=draw.integers(1, 7, count))
    return archbench.Splits(examples(100), examples(20), examples(20))

def info(options):
    return archbench.TaskInfo(kind="sequence", input_shape=(6, 1), outputs=1, variable_length=True)

@archbench.hookimpl
def archbench_tasks():
    yield archbench.Task(name="noise", info=info, load=load, loss="mean_squared_error", metric="mean_squared_error",
                         chance=1.0, oracle=0.0, summary="Noise")
"""
WRITES = """
def build(task, options):
    import torch
    class Writes(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
        def forward(self, x):
            answer = self.net(x)
            with torch.no_grad():
                x.zero_()
            return answer.detach() + self.net[1].bias
    return Writes()
"""


def outcome(record: Record) -> tuple[Any, ...]:
    """Return all of a record that must not depend on where the splits come from."""
    assert record.status == "ok", record.detail
    assert record.curves is not None
    return record.scores, record.pairing, record.curves.train_loss, record.curves.validation


def task(tmp_path: Path, first: str = "pass") -> str:
    """Return a task that notes its calls in `calls`, to append to a plugin."""
    return TASK.format(log=str(tmp_path / "calls"), first=first)


def calls(tmp_path: Path) -> int:
    """Return how often the task was loaded."""
    return len((tmp_path / "calls").read_text().split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the empty folder of a run."""
    path = tmp_path / "shared"
    path.mkdir()
    return path


def test_trials_load_once_and_keep_their_results(make_job: MakeJob, tmp_path: Path, folder: Path) -> None:
    """Two trials of a task and a seed load it once, and have the records of trials that load it themselves."""
    job = make_job(LINEAR, task="noise", extra=task(tmp_path))
    alone = outcome(run_trial(job))
    before = calls(tmp_path)

    assert outcome(run_trial(job, folder)) == alone
    assert outcome(run_trial(job, folder)) == alone
    assert calls(tmp_path) == before + 1


def test_another_seed_has_other_splits(make_job: MakeJob, tmp_path: Path, folder: Path) -> None:
    """Trials of two seeds do not share their splits."""
    first = run_trial(make_job(LINEAR, task="noise", extra=task(tmp_path)), folder)
    second = run_trial(make_job(LINEAR, task="noise", extra=task(tmp_path), seed=1), folder)

    assert first.pairing is not None
    assert second.pairing is not None
    assert first.pairing.splits != second.pairing.splits
    assert calls(tmp_path) == 2


def test_a_network_that_writes_into_its_inputs_harms_no_other(make_job: MakeJob, tmp_path: Path, folder: Path) -> None:
    """What a network writes into the data of its trial is not in the data of the next."""
    extra = task(tmp_path)
    harmless = outcome(run_trial(make_job(LINEAR, task="noise", extra=extra)))
    assert run_trial(make_job(WRITES, task="digits", extra=extra), folder).status == "ok"
    digits = outcome(run_trial(make_job(LINEAR, task="digits", extra=extra)))

    assert outcome(run_trial(make_job(LINEAR, task="digits", extra=extra), folder)) == digits
    assert outcome(run_trial(make_job(LINEAR, task="noise", extra=extra), folder)) == harmless


@pytest.mark.parametrize("why", ["too large", "disk full", "process dies"])
def test_without_shared_splits_a_trial_makes_its_own(
    why: str, make_job: MakeJob, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial gives the same record where its splits cannot be kept, and nothing half-written is left."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    dies = f"import os; os.path.exists({str(tmp_path / 'die')!r}) and os.getpid() != PID and os._exit(9)"
    job = make_job(LINEAR, task="noise", extra="import os; PID = os.getpid()\n" + task(tmp_path, dies))
    alone = outcome(run_trial(job))
    if why == "too large":
        monkeypatch.setattr(_shared_splits, "MOST_BYTES", 100)
    elif why == "disk full":
        monkeypatch.setattr(np, "save", full)
    else:
        (tmp_path / "die").touch()

    assert outcome(run_trial(job, folder)) == alone
    assert not [path for path in folder.iterdir() if path.is_dir()]


def test_splits_that_are_too_large_are_not_made_twice_again(
    make_job: MakeJob, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first trial of a task finds out that its splits are too large to share."""
    monkeypatch.setattr(_shared_splits, "MOST_BYTES", 100)
    run_trial(make_job(LINEAR, task="noise", extra=task(tmp_path)), folder)
    first = calls(tmp_path)
    run_trial(make_job(LINEAR, task="noise", extra=task(tmp_path), seed=1), folder)

    assert calls(tmp_path) == first + 1


def test_the_folder_is_bounded(
    make_job: MakeJob, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Splits of a second seed are not kept if those of the first have filled the folder."""
    first = make_job(LINEAR, task="noise", extra=task(tmp_path))
    second = make_job(LINEAR, task="noise", extra=task(tmp_path), seed=1)
    run_trial(first, folder)
    kept = sum(path.stat().st_size for path in folder.rglob("*.npy"))
    monkeypatch.setattr(_shared_splits, "MOST_BYTES", kept)
    run_trial(second, folder)

    assert kept > 0
    assert sum(path.stat().st_size for path in folder.rglob("*.npy")) == kept


def test_an_error_of_a_task_is_told_as_ever(make_job: MakeJob, tmp_path: Path, folder: Path) -> None:
    """The record of a task that raises has its message and its traceback."""
    record = run_trial(make_job(LINEAR, task="noise", extra=task(tmp_path, "raise KeyError('lost')")), folder)

    assert (record.status, record.message) == ("failed", "KeyError: 'lost'")
    assert "in load" in record.detail


def test_the_folder_is_private_and_goes_with_the_run(tmp_path: Path) -> None:
    """Only its owner may enter the folder, which a run deletes at its end, and the next run if it was killed."""
    store = Store(tmp_path / "out")
    with store.locked(), store.sharing():
        assert store.shared.stat().st_mode & 0o777 == 0o700
        (store.shared / "key").mkdir()
        (store.shared / "key" / "train.inputs.npy").write_bytes(b"x")
    assert not store.shared.exists()
    (store.shared / "key").mkdir(parents=True)
    with store.locked():
        assert not store.shared.exists()


@pytest.mark.slow
def test_a_run_shares_splits(cli_here: Cli, tmp_path: Path) -> None:
    """A run loads a task once for two entrants, and keeps nothing of it."""
    plugin = tmp_path / "mine.py"
    architectures = """
@archbench.hookimpl
def archbench_architectures():
    for name in ("one", "two"):
        yield archbench.Architecture(name=name, build=build, inputs=("sequence",), summary="Linear")
"""
    head = "import archbench\nfrom torch import nn\n"
    build = "def build(task, options): return nn.Sequential(nn.Flatten(), nn.Linear(6, 1))\n"
    plugin.write_text(head + build + task(tmp_path) + architectures)
    arguments = ("run", "one", "two", "--task", "noise", "--protocol", "smoke", "--workers", "1", "--json")
    done = cli_here(*arguments, "--plugin", str(plugin), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert [trial["status"] for trial in json.loads(done.stdout)["trials"]] == ["ok", "ok"]
    assert calls(tmp_path) == 1
    assert not list((tmp_path / "leaderboard").rglob(".archbench-tmp-*"))
