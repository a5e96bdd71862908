"""Streamed and augmented training: batches depend neither on their readers nor on the network."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from archbench import DataError, DeclarationError, Examples, Splits
from archbench._planning import Job
from archbench._plugins import Registered
from archbench._records import Record
from archbench._training import _pairing, _streaming, run_trial
from archbench._training._pairing import hash_splits
from archbench._training._split_checks import check_splits, resident_splits
from archbench._training._splits import ResidentSplit
from archbench._training._streaming import StreamedSplit
from support import MakeJob

NOISY = """
def build(task, options):
    from torch import nn
    net = linear(task)
    return nn.Sequential(net[0], nn.Dropout(0.3), net[1])
"""


def outcome(record: Record) -> tuple[Any, ...]:
    """Return all of a record that must not depend on how the data are read."""
    assert record.status == "ok", record.detail
    assert record.curves is not None
    assert record.scores is not None
    # Unlike the batches of training, this sum is over enough examples for two threads to share it and round otherwise.
    scores = msgspec.structs.replace(record.scores, plain_train_loss=round(record.scores.plain_train_loss or 0, 6))
    return scores, record.pairing, record.curves.train_loss, record.curves.validation


@pytest.mark.slow
def test_streamed_run_gives_the_record_of_one_from_memory(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores, curves and hashes of a network with noise are equal bit for bit, from memory and from workers.

    So they are for one number of threads; another one may round otherwise, which depends on the processor.
    """
    in_memory = {threads: outcome(run_trial(make_job(NOISY, threads=threads))) for threads in (1, 2)}
    used = []
    read = StreamedSplit.read
    monkeypatch.setattr(StreamedSplit, "read", lambda split, indices: used.append(split) or read(split, indices))
    monkeypatch.setattr(_streaming, "STREAM_SHARE", 0.0)

    for threads, expected in in_memory.items():
        assert outcome(run_trial(make_job(NOISY, threads=threads))) == expected
    assert len({id(split) for split in used}) >= 6


SUMS = """
def build(task, options):
    import torch
    class Sums(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = torch.nn.Linear(task.input_shape[1], task.outputs)
        def forward(self, x, lengths=None):
            last = x[:, -1] if lengths is None else x[torch.arange(len(x)), lengths - 1]
            return self.head(last + x.sum(1))
    return Sums()
"""
TAKES = """
@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("sequence",), takes_lengths=True)
"""


@pytest.mark.parametrize("extra", ["", TAKES])
def test_streamed_sequences_of_different_lengths(
    extra: str, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lengths, or the padding in front, and the record are those of training from memory."""
    job = make_job(SUMS, task="adding[length=12,test_length=30]", extra=extra)
    in_memory = outcome(run_trial(job))
    used = []
    read = StreamedSplit.read
    monkeypatch.setattr(StreamedSplit, "read", lambda split, indices: used.append(split) or read(split, indices))
    monkeypatch.setattr(_streaming, "STREAM_SHARE", 0.0)

    assert outcome(run_trial(job)) == in_memory
    assert used


@pytest.mark.parametrize(
    ("groups", "limits", "granted"),
    [
        ("0::/job/step", {"memory.max": "max", "job/memory.max": "3000", "job/step/memory.max": "max"}, [3000]),
        ("0::/", {"memory.max": "2000"}, [2000]),  # in a container
        ("5:cpu:/\n4:memory:/docker/ab", {"memory/memory.limit_in_bytes": "1000"}, [1000]),  # version 1, in a container
        ("4:cpu,memory:/a", {"memory/a/memory.limit_in_bytes": "7", "memory/memory.limit_in_bytes": "9"}, [7, 9]),
        ("0::/", {}, []),
        (None, {}, []),  # not Linux
    ],
)
def test_memory_is_what_the_control_groups_grant(
    groups: str | None, limits: dict[str, str], granted: list[int], tmp_path: Path
) -> None:
    """The limits of all control groups around the process count, so a container does not get all of the machine."""
    if groups is not None:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(groups + "\n")
    for name, limit in limits.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(limit + "\n")

    assert list(_streaming._granted(tmp_path)) == granted
    assert 0 < _streaming.memory_of(torch.device("cpu")) <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


class Lazy:
    """An array that is read on demand; index `forbidden` raises."""

    def __init__(self, array: Any, forbidden: int = -1) -> None:
        self.array, self.forbidden = array, forbidden
        self.shape, self.dtype = array.shape, array.dtype

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: Any) -> Any:
        if self.forbidden in index:
            raise DataError(f"file {self.forbidden} is no image")
        return self.array[index]


def splits_of(wrap: Callable[[Any], Any], count: int = 20) -> Splits:
    """Return noise for the task of `make_task`, with wrapped inputs."""
    draw = np.random.default_rng(0)

    def noise() -> Examples:
        inputs = draw.standard_normal((count, 1, 8, 8)).astype(np.float32)
        return Examples(wrap(inputs), draw.integers(0, 3, count))

    return Splits(noise(), noise(), noise())


def test_large_and_lazy_inputs_are_streamed(make_task: Callable[..., Registered[Any]], tmp_path: Any) -> None:
    """Inputs read on demand and arrays beyond the share of memory are streamed; smaller mapped files are not."""
    task = make_task().item

    def kinds(wrap: Callable[[Any], Any], memory: int) -> set[type]:
        return {type(split) for split in check_splits(splits_of(wrap), task, task.info, memory).values()}

    def mapped(array: Any) -> Any:
        np.save(tmp_path / "inputs.npy", array)
        return np.load(tmp_path / "inputs.npy", mmap_mode="r")

    size = 20 * 64 * 4
    assert kinds(Lazy, 10**12) == {StreamedSplit}
    assert kinds(np.asarray, 4 * size) == {ResidentSplit}
    assert kinds(np.asarray, 4 * size - 1) == {StreamedSplit}
    assert kinds(mapped, 10**12) == {ResidentSplit}
    assert kinds(mapped, 0) == {StreamedSplit}


def test_wrong_objects_are_refused(make_task: Callable[..., Registered[Any]]) -> None:
    """Inputs that are not like an array, or have the wrong shape, are refused before anything is read."""
    task = make_task().item
    with pytest.raises(DeclarationError, match="inputs may be an object like one"):
        check_splits(splits_of(list), task, task.info, 10**12)
    wide = Lazy(np.zeros((20, 1, 8, 9), np.float32))
    with pytest.raises(DeclarationError, match=r"inputs are float32\(1, 8, 9\), TaskInfo says float32\(1, 8, 8\)"):
        check_splits(splits_of(lambda array: wide), task, task.info, 10**12)
    with pytest.raises(DeclarationError, match="read on demand cannot be used here"):
        resident_splits(splits_of(Lazy), task, task.info)


def test_workers_return_batches_and_errors(make_task: Callable[..., Registered[Any]]) -> None:
    """Scanning returns every example in order, batches follow their indices, and an error arrives as it was raised."""
    array = np.arange(20 * 4, dtype=np.float32).reshape(20, 4)
    split = StreamedSplit(Lazy(array), torch.arange(20))
    scanned = [split.scan(start, min(start + 6, 20)) for start in range(0, 20, 6)]
    assert torch.equal(torch.cat([inputs for (inputs,), _ in scanned]), torch.from_numpy(array))
    assert torch.equal(torch.cat([targets for _, targets in scanned]), split.targets)

    chunk = torch.tensor([[3, 1], [19, 3]])
    for index, ((inputs,), targets) in zip(chunk, split.batches(chunk), strict=True):
        assert torch.equal(inputs, torch.from_numpy(array)[index])
        assert torch.equal(targets, index)

    broken = StreamedSplit(Lazy(array, forbidden=7), torch.arange(20))
    with pytest.raises(DataError, match=r"^file 7 is no image$"):
        list(broken.batches(torch.tensor([[1, 2], [7, 8]])))


class OnGPU(torch.Tensor):
    """A tensor that cannot become an array before it is copied to the host, as one on a GPU."""

    def numpy(self) -> Any:  # type: ignore[override]
        """Refuse."""
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def cpu(self) -> torch.Tensor:  # type: ignore[override]
        """Return the tensor on the host."""
        return self.as_subclass(torch.Tensor)


def test_indices_may_be_on_a_gpu() -> None:
    """Batches follow indices that Lightning has moved to the device."""
    array = np.arange(20 * 4, dtype=np.float32).reshape(20, 4)
    chunk = torch.tensor([[3, 1], [19, 3]])
    split = StreamedSplit(array, torch.arange(20))

    for index, ((inputs,), targets) in zip(chunk, split.batches(chunk.as_subclass(OnGPU)), strict=True):
        assert torch.equal(inputs, torch.from_numpy(array)[index])
        assert torch.equal(targets, index)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_streamed_run_on_a_gpu(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial whose inputs are streamed to a GPU has the losses of one from its memory."""
    in_memory = run_trial(make_job(NOISY, kind="cuda"))
    monkeypatch.setattr(_streaming, "STREAM_SHARE", 0.0)
    streamed = run_trial(make_job(NOISY, kind="cuda"))

    assert streamed.status == "ok", streamed.detail
    assert streamed.curves.train_loss == pytest.approx(in_memory.curves.train_loss, rel=1e-4)


@pytest.mark.parametrize("end", [6, 20])
def test_workers_end_with_the_reading(end: int) -> None:
    """Workers end when their split is read to its end or dropped, without waiting for the garbage collector."""
    before = set(multiprocessing.active_children())
    gc.disable()
    try:
        split = StreamedSplit(Lazy(np.zeros((20, 4), np.float32)), torch.arange(20))
        for start in range(0, end, 6):
            split.scan(start, min(start + 6, 20))
            assert (set(multiprocessing.active_children()) > before) == (start + 6 < 20)
        del split
        assert set(multiprocessing.active_children()) == before
    finally:
        gc.enable()


def test_hash_of_large_splits(make_task: Callable[..., Registered[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large split all labels and a few inputs are hashed, and streaming does not change the hash."""
    task = make_task().item
    monkeypatch.setattr(_pairing, "HASHED_NUMBERS", 100)
    monkeypatch.setattr(_pairing, "HASHED_EXAMPLES", 5)

    def hashed(wrap: Callable[[Any], Any]) -> str:
        return hash_splits(check_splits(splits_of(wrap), task, task.info, 10**12))

    def changed(row: int) -> Callable[[Any], Any]:
        def change(array: Any) -> Any:
            array[row] += 1
            return array

        return change

    assert hashed(np.asarray) == hashed(Lazy)
    assert hashed(changed(0)) != hashed(np.asarray)
    assert hashed(changed(19)) != hashed(np.asarray)
    assert hashed(changed(1)) == hashed(np.asarray)  # it is not one of the five
    with monkeypatch.context() as patch:  # a split of just so many numbers is not yet large
        patch.setattr(_pairing, "HASHED_NUMBERS", 20 * 64)
        assert hashed(changed(1)) != hashed(np.asarray)
    for name in ("train", "validation", "test"):
        splits = splits_of(np.asarray)
        getattr(splits, name).targets[7] = (getattr(splits, name).targets[7] + 1) % 3
        assert hash_splits(check_splits(splits, task, task.info, 10**12)) != hashed(np.asarray)


AUGMENTED = """
def shift(inputs, generator):
    import torch
    assert inputs.shape == (16, 1, 8, 8), "only training batches come here"
    drawn = torch.rand(1, generator=generator)
    SEEN.append(round(float(drawn), 6))
    return inputs + drawn

SEEN = []

@archbench.hookimpl
def archbench_tasks():
    import dataclasses
    from archbench_tasks import digits
    (images, *_) = digits.archbench_tasks()
    yield dataclasses.replace(images, name="shifted", augment=shift)
"""


def augmented_job(make_job: MakeJob, build: str, *, augment: bool, seed: int = 0) -> Job:
    """Return a job on a task whose augmentation notes the numbers that it draws."""
    job = make_job(build, task="shifted", seed=seed, extra=AUGMENTED)
    protocol = msgspec.structs.replace(job.trial.protocol, augment=augment)
    return msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))


def test_augmentation_is_applied_where_the_protocol_says(make_job: MakeJob) -> None:
    """Augmentation changes the losses where the protocol asks for it, and does not change the hashes of the data."""
    linear = "def build(task, options): return linear(task)\n"
    plain = run_trial(augmented_job(make_job, linear, augment=False))
    changed = run_trial(augmented_job(make_job, linear, augment=True))

    assert outcome(plain)[2] != outcome(changed)[2]
    assert outcome(plain)[1] == outcome(changed)[1]


def test_augmentation_is_the_same_for_every_architecture(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Augmentation draws the same numbers whatever the network draws, and others with another seed."""
    build = NOISY.replace("0.3", "float(__import__('os').environ['DROPOUT'])")  # one plugin file, and so one task
    drawn = []
    for dropout, seed in (("0", 0), ("0.5", 0), ("0.5", 1)):
        monkeypatch.setenv("DROPOUT", dropout)
        drawn.append(numbers_drawn(augmented_job(make_job, build, augment=True, seed=seed)))

    assert len(drawn[0]) == 20
    assert drawn[0] == drawn[1]
    assert not set(drawn[0]) & set(drawn[2])


def numbers_drawn(job: Job) -> list[float]:
    """Return the numbers that the augmentation of a trial draws."""
    from archbench._training import _trial_run

    seen: list[list[float]] = []
    resolve = _trial_run.resolve  # type: ignore[attr-defined]

    def watch(target: Any) -> Any:
        function = resolve(target)
        if getattr(function, "__name__", "") == "shift":
            seen.append(function.__globals__["SEEN"])
        return function

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_trial_run, "resolve", watch)
        record = run_trial(job)
    assert record.status == "ok", record.detail
    return seen[0]


LAZY = """
import dataclasses
import archbench
from archbench_tasks import digits

class Lazy:
    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        return self.array[index]

def load(options, seed):
    splits = digits.load_images(options, seed)
    declared = (splits.train, splits.validation, splits.test)
    return archbench.Splits(*(archbench.Examples(Lazy(split.inputs), split.targets) for split in declared))

@archbench.hookimpl
def archbench_tasks():
    (images, *_) = digits.archbench_tasks()
    yield dataclasses.replace(images, name="lazy", load=load)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("heard_signals")
def test_workers_of_a_real_run(tmp_path: Any, cli: Callable[..., Any], records: Callable[[Any], Any]) -> None:
    """The process of a trial may start workers that read its data, and no worker outlives it."""
    (tmp_path / "lazy.py").write_text(LAZY)
    command = ["run", "mlp", "--task", "lazy", "--plugin", "lazy.py", "--protocol", "smoke", "--workers", "1"]
    done = cli(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = records(tmp_path / "leaderboard")
    assert record["status"] == "ok"

    with subprocess.Popen(
        [sys.executable, "-m", "archbench", *command[:-4], "--seeds", "9", "--workers", "1"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ARCHBENCH_MARK": str(tmp_path)},
    ) as interrupted:
        # The command, the server, the tracker of its shared memory, the trial, and a worker that reads for it.
        wait_for(lambda: len(processes_marked(str(tmp_path))) >= 5)
        interrupted.send_signal(signal.SIGINT)
        interrupted.communicate(timeout=120)
    wait_for(lambda: processes_marked(str(tmp_path)) == [])


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; on a busy machine that may take a while."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes_marked(mark: str) -> list[str]:
    """Return the command lines of processes that have this mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"ARCHBENCH_MARK={mark}\0".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text())
        except OSError:
            continue
    return found
