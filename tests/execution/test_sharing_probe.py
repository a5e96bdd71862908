"""The probe that measures how many trials share a device, with real trials on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import torch

from archbench._errors import DeviceError
from archbench._execution import Pool, _sharing_probe, execute, open_pool
from archbench._execution._messages import NodeSettings
from archbench._execution._node import open_pool_of_node
from archbench._execution._ranks import start_ranks
from archbench._execution._sharing import NO_CORES, NO_GAIN, NO_MEMORY, Memory, PerDevice, Sharing
from archbench._execution._sharing_probe import Copies, make_copy, measure, open_shared_pool, pace
from archbench._planning import Device, PlannedTrial, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import Point, Store
from archbench._selection import select

FAILS = """
import archbench

def build(task, options):
    raise ValueError("no such layer")

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="fails", build=build, inputs=("image",), summary="Fails")
"""

NOTHING = NodeSettings(root="", device="cpu", workers=None, timeout=None, libraries=[], environment={})


def plan(name: str, *files: Path, seeds: int = 1) -> list[PlannedTrial]:
    """Trials of an architecture on digits under smoke."""
    plugins = load_plugins(files=files)
    architectures = select([name], plugins.architectures, "architecture")
    return make_plan(
        architectures, select(["digits"], plugins.tasks, "task"), protocol=find_protocol("smoke"), seeds=seeds
    ).trials


@pytest.fixture(scope="module")
def pool() -> Pool:
    """The pool of this machine's CPU."""
    return open_pool(device="cpu", workers=None)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the probe count two cores, however many there are."""
    monkeypatch.setattr(_sharing_probe, "available_cores", lambda: 2)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The ids of the processes of all copies; at the end of the test none of them may live."""
    started: list[int] = []

    def note(*arguments: object) -> object:
        ranks = start_ranks(*arguments)  # type: ignore[arg-type]
        started.extend(ranks.process_ids)
        return ranks

    monkeypatch.setattr(_sharing_probe, "start_ranks", note)
    yield started
    assert started
    assert not [number for number in started if Path(f"/proc/{number}").exists()]


def playing(*used: int) -> Callable[[], Memory]:
    """Return a meter of a device of 100 bytes that tells these numbers of used ones in turn."""
    left = iter(used)
    return lambda: Memory(used=next(left), total=100)


def test_real_trials_beside_each_other(pool: Pool, processes: list[int]) -> None:
    """One and then two copies train at once; their steps and the memory of the machine are measured, and they end."""
    ticks: list[int] = []
    found = measure(pool, plan("mlp")[0], tick=lambda: ticks.append(1))

    assert [level.trials for level in found.measured] == [1, 2]
    assert all(level.steps_per_second > 0 for level in found.measured)
    assert all(0 < (level.memory_bytes or 0) < (found.memory_bytes or 0) for level in found.measured)
    assert (found.asked, found.device, len(processes)) == ("auto", "cpu", 2)
    assert (found.trials, found.reason) in [(1, NO_GAIN), (2, NO_CORES)]  # as the load of the machine lets it be
    assert ticks


def test_memory_that_ends(pool: Pool, processes: list[int]) -> None:
    """No further trial is started where one more like the first would fill the memory."""
    found = measure(pool, plan("mlp")[0], meter=playing(30, 70))

    assert [(level.trials, level.memory_bytes) for level in found.measured] == [(1, 70)]
    assert (found.trials, found.memory_bytes, found.reason) == (1, 100, NO_MEMORY)
    assert len(processes) == 1


def test_throughput_that_falls(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is the one with the best throughput, also if it has fallen since."""
    rates = {1: 100.0, 2: 180.0, 4: 120.0, 8: 90.0}
    asked: list[int] = []

    def play(self: Copies, number: int) -> float:
        asked.append(number)
        return rates[number]

    monkeypatch.setattr(_sharing_probe, "available_cores", lambda: 64)
    monkeypatch.setattr(Copies, "measure", play)
    found = measure(pool, plan("mlp")[0], meter=lambda: None)

    assert asked == [1, 2, 4, 8]  # and no 16
    assert (found.trials, found.reason, found.memory_bytes) == (2, NO_GAIN, None)


def test_the_ten_seconds(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten seconds no further number is tried."""
    now = iter([0.0, 1.0, 5.0, 9.9, 10.1])  # the first is measured until second 1
    monkeypatch.setattr(_sharing_probe, "time", SimpleNamespace(monotonic=lambda: next(now)))
    monkeypatch.setattr(_sharing_probe, "available_cores", lambda: 64)
    monkeypatch.setattr(Copies, "measure", lambda self, number: 100.0 * number)
    found = measure(pool, plan("mlp")[0], meter=lambda: None)

    assert [level.trials for level in found.measured] == [1, 2, 4]
    assert (found.trials, found.reason) == (4, _sharing_probe.LATE)


def test_a_trial_that_cannot_be_measured(pool: Pool, processes: list[int], tmp_path: Path) -> None:
    """Where the trial itself fails, one runs at a time, and the reason says how it failed."""
    (tmp_path / "fails.py").write_text(FAILS)
    found = measure(pool, plan("fails", tmp_path / "fails.py")[0])

    assert (found.trials, found.measured) == (1, [])
    assert found.reason == "one of 1 at a time failed: ValueError: no such layer"


def test_gpus_of_several_kinds(pool: Pool) -> None:
    """One measurement cannot hold for GPUs of several kinds, so that is refused, with what to do."""
    mixed = Pool(pool.launcher, [Device(kind="cuda", index=i) for i in range(2)], gpus=["large", "small"])
    with pytest.raises(DeviceError, match=r"several kinds here \(large, small\); give a number, or choose equal ones"):
        measure(mixed, plan("mlp")[0])


def test_steps_per_second_leave_out_validations() -> None:
    """Steps are counted per second of training between the first and the last point."""
    points = [
        Point(step=step, train_loss=1.0, validation=0.5, seconds=seconds)
        for step, seconds in [(10, 1.0), (20, 1.5), (40, 2.0)]
    ]

    assert pace(points) == 30.0
    assert pace(points[:1]) == 0.0


def test_copies_are_the_trial_with_a_longer_budget() -> None:
    """Copies have the seed, so the data, and the recipe of the trial, and ids of their own."""
    job = plan("mlp")[0].job(Device(kind="cpu"))
    copies = [make_copy(job, number).trial for number in range(2)]

    assert len({job.trial.id, *(copy.id for copy in copies)}) == 3
    assert {copy.seed for copy in copies} == {job.trial.seed}
    assert {copy.settings for copy in copies} == {job.trial.settings}
    assert {copy.batch_size for copy in copies} == {job.trial.batch_size}
    assert all(copy.seconds / copy.protocol.validations == pytest.approx(0.25) for copy in copies)


@pytest.mark.parametrize(("per_device", "threads"), [(1, 2), (2, 1), ("auto", 1)])
def test_threads_on_a_cpu(per_device: PerDevice, threads: int, monkeypatch: pytest.MonkeyPatch, pool: Pool) -> None:
    """A number divides the cores; a measured one gives each trial one thread, as a run without this option."""
    sharing = Sharing(asked="auto", trials=1, device="cpu")
    monkeypatch.setattr("archbench._execution._pool.available_cores", lambda: 2)
    monkeypatch.setattr(_sharing_probe, "measure", lambda *of, **options: sharing)
    shared, found = open_shared_pool(
        device="cpu",
        workers=None,
        per_trial=1,
        per_device=per_device,
        libraries=(),
        sample=plan("mlp")[0],
    )

    assert found is not None
    assert (len(shared.devices), shared.devices[0].threads) == (found.trials, threads)
    assert {device.sharing for device in shared.devices} == {1}


def test_nodes_get_the_number() -> None:
    """A node of a cluster runs so many trials on its CPU, or on each of its GPUs."""
    assert len(open_pool_of_node(msgspec.structs.replace(NOTHING, per_device=3)).devices) == 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_takes_several_small_trials(tmp_path: Path) -> None:
    """A GPU takes several small trials, each uses memory of it, all end ok and say how many shared it; nothing stays.

    It shows that processes of the fork server can share a GPU, that its memory is read from outside of them, that the
    probe finds more steps per second with several, and that memory is free again when copies and trials have ended.
    """
    trials = plan("mlp", seeds=4)
    shared, found = open_shared_pool(
        device="cuda", workers=None, per_trial=1, per_device="auto", libraries=(), sample=trials[0]
    )
    assert found is not None
    used = [level.memory_bytes or 0 for level in found.measured]
    records = list(execute(trials, Store(tmp_path), shared, timeout=300))
    after = _sharing_probe.find_meter(shared.launcher, shared.devices[0])()

    assert used == sorted(used)
    assert used[0] > 0
    assert found.trials > 1
    assert len(shared.devices) == found.trials * len(shared.gpus)
    assert [record.status for record in records] == ["ok"] * 4
    assert {record.environment.trials_per_device for record in records} == {found.trials}
    assert after is not None
    assert after.used <= used[0]
    assert bool(shared.warning) is not found.service
