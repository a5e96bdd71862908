"""Trials that share a device: how many, on which cores, and the warning where they only take turns."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from archbench._execution._capacity import Capacity, memory_of_this_machine, share_devices, spread
from archbench._execution._cuda_service import describe_slicing, service_runs
from archbench._execution._sharing import (
    NO_CORES,
    NO_GAIN,
    NO_MEMORY,
    Level,
    Memory,
    choose,
    following,
)
from archbench._execution._slots import Slots, for_itself
from archbench._planning import Device

GB = 10**9
EMPTY = Memory(used=0, total=80 * GB)


def levels(rates: dict[int, float], used: dict[int, int] | None = None) -> list[Level]:
    """Measurements with these steps per second, and gigabytes in use."""
    memory = {number: None if used is None else used[number] * GB for number in rates}
    return [Level(trials=n, steps_per_second=rate, memory_bytes=memory[n]) for n, rate in rates.items()]


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({}, (1, "")),
        ({1: 100}, (1, "")),
        ({1: 100, 2: 190, 4: 360, 8: 700}, (8, "")),
        ({1: 100, 2: 190, 4: 195, 8: 197}, (2, NO_GAIN)),  # a plateau
        ({1: 100, 2: 190, 4: 120, 8: 60}, (2, NO_GAIN)),  # it falls
        ({1: 100, 2: 95, 4: 80}, (1, NO_GAIN)),
        ({1: 100, 2: 104, 4: 98, 8: 106}, (1, NO_GAIN)),  # noise is no gain
        ({1: 100, 2: 60, 4: 390, 8: 400}, (4, NO_GAIN)),  # one bad measurement in between
        ({1: 0, 2: 0}, (1, NO_GAIN)),
    ],
)
def test_fewest_trials_with_nearly_the_best_throughput(rates: dict[int, float], expected: tuple[int, str]) -> None:
    """More trials must bring more than a tenth more steps per second, wherever the best was measured."""
    assert choose(levels(rates), None) == expected


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ({1: 10, 2: 20, 4: 40}, (4, "")),
        ({1: 20, 2: 40, 4: 79}, (2, NO_MEMORY)),  # 79 of 80: other trials may be larger
        ({1: 79, 2: 79, 4: 79}, (1, NO_MEMORY)),  # one trial runs in any case
    ],
)
def test_memory_ends_before_throughput(used: dict[int, int], expected: tuple[int, str]) -> None:
    """A tenth of the memory stays free, however fast more trials would be."""
    assert choose(levels({1: 100, 2: 200, 4: 400}, used), 80 * GB) == expected


@pytest.mark.parametrize(
    ("rates", "used", "most", "expected"),
    [
        ({}, {}, 16, (1, "")),
        ({1: 100}, None, 16, (2, "")),
        ({1: 100, 2: 200, 4: 390}, None, 16, (8, "")),
        ({1: 100, 2: 200, 4: 390}, None, 6, (6, "")),
        ({1: 100, 2: 200}, None, 2, (0, NO_CORES)),
        ({1: 100, 2: 80}, None, 16, (4, "")),  # one bad measurement may be noise
        ({1: 100, 2: 104, 4: 107}, None, 16, (0, NO_GAIN)),
        ({1: 100, 2: 190, 4: 60, 8: 300}, None, 16, (16, "")),
        ({1: 100}, {1: 10}, 16, (2, "")),
        ({1: 100, 2: 200, 4: 390}, {1: 10, 2: 20, 4: 40}, 16, (7, "")),  # 72 of 80 GB
        ({1: 100, 2: 200}, {1: 30, 2: 45}, 16, (0, NO_MEMORY)),  # the next may take 30 again
        ({1: 100, 2: 200}, {1: 0, 2: 0}, 16, (4, "")),  # other programs freed some
    ],
)
def test_what_is_measured_next(
    rates: dict[int, float], used: dict[int, int] | None, most: int, expected: tuple[int, str]
) -> None:
    """Trials are doubled until cores or memory end, or two doublings in a row have brought nothing."""
    assert following(levels(rates, used), EMPTY, most) == expected


def test_unknown_memory_limits_nothing() -> None:
    """Where the memory cannot be read before trials, only throughput and cores count."""
    assert following(levels({1: 100, 2: 200}, {1: 30, 2: 79}), None, 16) == (4, "")


def test_memory_of_this_machine() -> None:
    """The memory of the machine is read where /proc tells it; some of it is in use."""
    found = memory_of_this_machine()

    assert found is not None
    assert 0 < found.used < found.total


def test_gpus_are_shared_evenly_and_on_cores_of_their_own() -> None:
    """Two trials on each of two GPUs have two cores each, and the first trials go to different GPUs."""
    gpus = [Device(kind="cuda", index=index, threads=4) for index in range(2)]
    shared = spread(gpus, 2, 8, range(8))

    assert [(d.index, d.threads, d.sharing) for d in shared] == [(0, 2, 2), (1, 2, 2), (0, 2, 2), (1, 2, 2)]
    assert [d.cores for d in shared] == [(0, 1), (2, 3), (4, 5), (6, 7)]


def test_more_trials_than_cores() -> None:
    """Four trials on two cores have one core each, which two of them share; nobody is bound without known cores."""
    gpus = [Device(kind="cuda")]

    assert [d.cores for d in spread(gpus, 4, 2, [3, 5])] == [(3,), (5,), (3,), (5,)]
    assert [(d.cores, d.threads) for d in spread(gpus, 2, 2)] == [((), 1)] * 2


def test_a_cpu_is_one_device() -> None:
    """On a CPU so many trials run in all, with the cores divided among them; none is bound or shares its cores."""
    cores = [Device(kind="cpu", threads=1)] * 8

    assert spread(cores, 2, 8, range(8)) == [Device(kind="cpu", threads=4)] * 2


@pytest.mark.parametrize(
    ("device", "workers", "sharing"),
    [("cuda", 3, [2, 1, 2]), ("cuda", 2, [1, 1]), ("mps", 2, [2, 2]), ("cpu", 4, [1] * 4)],
)
def test_workers_that_share_a_gpu(device: str, workers: int, sharing: list[int]) -> None:
    """Each trial knows how many share its GPU at most, also where only a number of workers was given."""
    capacity = Capacity(preloaded=True, parent_threads=1, gpus=["card"] * 2, mps=True)

    assert [d.sharing for d in share_devices(capacity, device=device, workers=workers)] == sharing


def raising(error: Exception) -> Callable[..., Any]:
    """Return a function that raises, whatever it is given."""

    def run(*arguments: Any, **options: Any) -> Any:
        raise error

    return run


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda *a, **k: SimpleNamespace(returncode=0), True),
        (lambda *a, **k: SimpleNamespace(returncode=1), False),
        (raising(FileNotFoundError()), False),
        (raising(subprocess.TimeoutExpired("control", 10)), False),
    ],
)
def test_the_service_of_nvidia(run: Callable[..., Any], expected: bool) -> None:
    """The service runs if its control program is there, answers in time, and finds the daemon."""
    assert service_runs(run) is expected


def test_the_service_is_asked_for_its_servers() -> None:
    """The command is the one that NVIDIA documents, and it reads its question from standard input."""
    asked = []

    def run(command: list[str], *, input: str, **options: Any) -> Any:
        asked.append((command, input))
        return SimpleNamespace(returncode=0)

    service_runs(run)
    assert asked == [(["nvidia-cuda-mps-control"], "get_server_list\n")]


def test_a_warning_of_time_slices() -> None:
    """Trials that share a GPU without the service get a warning with the command that starts it."""
    shared, alone = [Device(kind="cuda", sharing=3)] * 3, [Device(kind="cuda")]

    assert describe_slicing(shared, lambda: False) == (
        "3 trials share a GPU in time slices: it computes for one of them at a time; start NVIDIA's service for that "
        "with `nvidia-cuda-mps-control -d`, then this command again"
    )
    assert describe_slicing(shared, lambda: True) == ""
    assert describe_slicing(alone, lambda: False) == ""
    assert describe_slicing([Device(kind="cpu")] * 4, lambda: False) == ""
    assert "nvidia" not in describe_slicing([Device(kind="mps", sharing=2)] * 2, lambda: True)


def test_a_whole_gpu_for_one_trial() -> None:
    """A trial gets a GPU for itself only while nothing runs there, and nothing starts there until it ends."""
    slots = Slots([Device(kind="cuda", index=index, sharing=2) for index in (0, 1, 0, 1)])
    first, second = slots.take(), slots.take()

    assert [first[0].index, second[0].index] == [0, 1]
    assert slots.take_whole() == []
    slots.give_back(second)
    whole = slots.take_whole()
    assert [device.index for device in whole] == [1, 1]
    assert for_itself(whole) == Device(kind="cuda", index=1)
    assert [slots.take()[0].index, bool(slots)] == [0, False]
    slots.give_back(whole)
    assert slots
