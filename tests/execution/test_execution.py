"""Processes of trials: how they are started, and the devices that they get."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._errors import DeviceError
from archbench._execution import Pool, execute, open_pool
from archbench._execution._capacity import Capacity, available_cores, share_devices
from archbench._execution._launchers import Child, ForkserverLauncher, Launcher, SubprocessLauncher
from archbench._planning import Device, PlannedTrial, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import Store
from archbench._selection import select


@pytest.fixture
def planned() -> list[PlannedTrial]:
    """Two short trials of the built-in `mlp`."""
    plugins = load_plugins()
    return make_plan(
        select(["mlp"], plugins.architectures, "architecture"),
        select(["digits"], plugins.tasks, "task"),
        protocol=find_protocol("smoke"),
        seeds=2,
    ).trials


@pytest.mark.slow
def test_both_launchers_give_the_same_scores(planned: list[PlannedTrial], tmp_path: Path) -> None:
    """A trial forked from the server and a trial in a fresh interpreter have the same scores."""
    fast = open_pool(device="cpu", workers=1)
    slow = Pool(SubprocessLauncher(), [Device(kind="cpu", threads=fast.devices[0].threads)])
    scores = []
    for name, pool in (("fast", fast), ("slow", slow)):
        records = list(execute(planned[:1], Store(tmp_path / name), pool, timeout=120))
        assert [record.status for record in records] == ["ok"], records[0].detail
        scores.append(records[0].scores)

    assert isinstance(fast.launcher, ForkserverLauncher)
    assert fast.warning == ""
    assert scores[0] == scores[1]


@pytest.mark.parametrize("launcher", [SubprocessLauncher, lambda: ForkserverLauncher([])], ids=["fresh", "forked"])
def test_nothing_is_left_of_trials_when_the_caller_raises(
    launcher: Callable[[], Launcher],
    planned: list[PlannedTrial],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their processes are ended and reaped, and no descriptor of them stays open, though nobody takes their records."""
    pool = Pool(launcher(), [Device(kind="cpu", threads=1)])
    started: list[int] = []
    start = pool.launcher.start

    def note(*arguments: Any) -> Child:
        child = start(*arguments)
        started.append(child.pid)
        return child

    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pool.launcher, "start", note)
    gc.collect()
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(KeyboardInterrupt):
        list(execute(planned, Store(tmp_path), pool, timeout=120, on_tick=stop))
    left = set(os.listdir("/proc/self/fd")) - before

    assert len(started) == 1
    assert not Path(f"/proc/{started[0]}").exists()
    assert left == set()


def test_preloaded_children_find_torch_and_no_threads(tmp_path: Path) -> None:
    """The server has loaded torch and has a single thread, so that its children start fast and do not hang."""
    launcher = ForkserverLauncher([])
    answer = launcher.probe(120)

    assert answer is not None
    capacity = msgspec.json.decode(answer, type=Capacity)
    assert capacity.preloaded
    assert capacity.parent_threads == 1


def test_garbage_of_trials(tmp_path: Path) -> None:
    """A trial looks for garbage, but not among what the server has loaded, and the server did not while it loaded."""
    (tmp_path / "net.py").write_text(
        "import archbench\n"
        "def build(task, options):\n"
        "    import gc\n"
        "    full = gc.get_stats()[2]['collections']\n"
        "    raise RuntimeError(f'{gc.isenabled()}, {gc.get_freeze_count()} kept, {full} times')\n"
        "@archbench.hookimpl\n"
        "def archbench_architectures():\n"
        "    yield archbench.Architecture(name='net', build=build, inputs=('image',))\n"
    )
    plugins = load_plugins(files=[tmp_path / "net.py"])
    trials = make_plan(
        select(["net"], plugins.architectures, "architecture"),
        select(["digits"], plugins.tasks, "task"),
        protocol=find_protocol("smoke"),
        seeds=1,
    ).trials
    (record,) = execute(trials, Store(tmp_path / "out"), open_pool(device="cpu", workers=1), timeout=120)
    found = re.search(r"(True|False), (\d+) kept, (\d+) times", record.message)

    assert found is not None, record.message
    assert found[1] == "True"
    assert int(found[2]) > 300_000  # torch alone makes more
    assert int(found[3]) < 3  # a process forgets none of those of the one it was forked from; loading torch takes seven


def test_this_process_works_while_the_server_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be done meanwhile is done between the start of the server and the first question to it."""
    done = []
    monkeypatch.setattr(ForkserverLauncher, "probe", lambda self, timeout: done.append("asked"))
    open_pool(device="cpu", workers=1, meanwhile=lambda: done.append("worked"))

    assert done == ["worked", "asked"]


def test_falls_back_to_fresh_processes_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a forked child does not answer, trials start in fresh interpreters, with a warning that this is slow."""
    monkeypatch.setattr(ForkserverLauncher, "probe", lambda self, timeout: None)
    pool = open_pool(device="cpu", workers=3)

    assert isinstance(pool.launcher, SubprocessLauncher)
    assert "fresh Python" in pool.warning
    assert len(pool.devices) == 3


def test_server_that_dies(tmp_path: Path) -> None:
    """The probe returns None if a library ends the server that loads it."""
    (tmp_path / "deadly.py").write_text("import os; os._exit(1)")
    code = (
        "from archbench._execution import _launchers\n"
        "_launchers.PRELOAD = ('deadly',)\n"
        "print(_launchers.ForkserverLauncher([]).probe(60))"
    )
    here = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=here)

    assert done.stdout == "None\n"


@pytest.mark.parametrize(
    ("gpus", "device", "workers", "expected"),
    [
        (0, "auto", None, [("cpu", 0, 1)] * 4),
        (0, "auto", 2, [("cpu", 0, 2)] * 2),
        (0, "cpu", 8, [("cpu", 0, 1)] * 8),
        (2, "auto", None, [("cuda", 0, 2), ("cuda", 1, 2)]),
        (2, "cuda", 3, [("cuda", 0, 1), ("cuda", 1, 1), ("cuda", 0, 1)]),
        (2, "cpu", 1, [("cpu", 0, 4)]),
    ],
)
def test_sharing_devices(
    gpus: int, device: str, workers: int | None, expected: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker per GPU, else per core; the cores are divided among the workers."""
    monkeypatch.setattr("archbench._execution._capacity.available_cores", lambda: 4)
    capacity = Capacity(preloaded=True, parent_threads=1, gpus=["card"] * gpus)

    assert [(d.kind, d.index, d.threads) for d in share_devices(capacity, device=device, workers=workers)] == expected


@pytest.mark.parametrize(
    ("gpus", "device", "workers", "per_trial", "expected"),
    [
        (0, "auto", None, 2, [("cpu", 0, 1)] * 2),
        (0, "cpu", 1, 2, [("cpu", 0, 2)]),
        (0, "cpu", None, 8, [("cpu", 0, 1)]),  # more than there are cores
        (5, "auto", None, 2, [("cuda", 0, 1), ("cuda", 2, 1)]),  # the fifth is left over
        (4, "cuda", 1, 4, [("cuda", 0, 1)]),
        (2, "cuda", 2, 2, [("cuda", 0, 1), ("cuda", 0, 1)]),
    ],
)
def test_several_devices_for_a_trial(
    gpus: int,
    device: str,
    workers: int | None,
    per_trial: int,
    expected: list[tuple[str, int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker stands for so many GPUs in a row, or cores; each of its processes gets its part of the cores."""
    monkeypatch.setattr("archbench._execution._capacity.available_cores", lambda: 4)
    capacity = Capacity(preloaded=True, parent_threads=1, gpus=["card"] * gpus)
    shared = share_devices(capacity, device=device, workers=workers, per_trial=per_trial)
    sharded = share_devices(capacity, device=device, workers=workers, per_trial=per_trial, sharded=True)

    assert [(d.kind, d.index, d.threads) for d in shared] == expected
    assert {(d.count, d.sharded) for d in shared} == {(per_trial, False)}
    assert sharded == [msgspec.structs.replace(device, sharded=True) for device in shared]


def test_fewer_gpus_than_a_trial_takes() -> None:
    """Asking for more GPUs per trial than there are is an error that says how many there are."""
    capacity = Capacity(preloaded=True, parent_threads=1, gpus=["card"])
    with pytest.raises(DeviceError, match="--devices-per-trial 2: torch sees 1 CUDA device here"):
        share_devices(capacity, device="auto", workers=None, per_trial=2)


def test_missing_cuda() -> None:
    """Asking for CUDA without a GPU is an error with advice."""
    with pytest.raises(DeviceError, match="--device cpu or auto"):
        share_devices(Capacity(preloaded=True, parent_threads=1, gpus=[]), device="cuda", workers=None)


def test_cores_respect_the_affinity_of_the_process() -> None:
    """A process that is bound to one core counts one core."""
    code = (
        "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from archbench._execution._capacity import available_cores; print(available_cores())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "1"
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def test_a_main_module_is_not_run_again(tmp_path: Path) -> None:
    """A user's script without a `__main__` guard is not run again in each trial."""
    script = tmp_path / "script.py"
    script.write_text(
        "print('main runs', flush=True)\n"
        "from archbench._execution._launchers import ForkserverLauncher\n"
        "print(ForkserverLauncher([]).probe(120) is not None, flush=True)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["main runs", "True"]


def test_the_state_of_a_trial_goes_when_it_has_a_result(planned: list[PlannedTrial], tmp_path: Path) -> None:
    """A state of a training that was stopped is removed with the folder of states once the trial has its record."""
    store, trial = Store(tmp_path), planned[0]
    store.checkpoint(trial.id).parent.mkdir()
    store.checkpoint(trial.id).write_bytes(b"of an earlier version")
    pool = open_pool(device="cpu", workers=1)
    (record,) = execute([trial], store, pool, timeout=None)

    assert record.status == "ok"
    assert not store.checkpoint(trial.id).parent.exists()
