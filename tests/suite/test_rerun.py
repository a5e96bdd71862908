"""Training again: on which device, with how many threads and under which time limit each trial runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from archbench import Observer, Record
from archbench._execution import Pool
from archbench._planning import Device, PlannedTrial, plan_again
from archbench._plugins import Plugins
from archbench._records import Resources
from archbench._suite import RunSettings
from archbench._suite._rerun import train_again
from support import Make, MakeRecord


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Device], float, int]]:
    """A machine with four cores and two GPUs: devices, time limit and number of trials of each pool that was used."""
    used: list[tuple[list[Device], float, int]] = []

    def open_pool(*, device: str, workers: int | None, per_trial: int, sharded: bool, libraries: Sequence[str]) -> Pool:
        count, kind = (workers or 4, "cpu") if device == "cpu" else (workers or 2, "cuda")
        like = Device(kind=kind, threads=4 // count, count=per_trial, sharded=sharded)
        return Pool(None, [msgspec.structs.replace(like, index=i) for i in range(count)])  # type: ignore[arg-type]

    def execute(planned: Sequence[PlannedTrial], store: Any, pool: Pool, **options: Any) -> Iterator[Record]:
        used.append((pool.devices, options["timeout"], len(planned)))
        for item in planned:
            yield item.job(pool.devices[0]).record("ok")

    monkeypatch.setattr("archbench._suite._rerun.open_pool", open_pool)
    monkeypatch.setattr("archbench._suite._rerun.execute", execute)
    return used


@pytest.fixture
def again(make_record: MakeRecord, make_architecture: Make, make_task: Make) -> Any:
    """`again(settings, *environments)` trains a record of each environment, and returns what the observer was told."""
    plugins = Plugins(architectures=(make_architecture(),), tasks=(make_task(),))

    def train(settings: RunSettings, *environments: dict[str, Any] | None, seconds: float | None = None) -> list[str]:
        lines: list[str] = []
        observer = Observer()
        observer.informed = lines.append  # type: ignore[method-assign, assignment]
        records = {}
        for seed, changes in enumerate(environments):
            there = make_record().environment
            there = None if changes is None else msgspec.structs.replace(there, **changes)
            record = make_record(seed, environment=there, resources=Resources(total_seconds=seconds))
            records[record.id] = record
        planned: Any = [plan_again(record, plugins, []) for record in records.values()]
        assert set(train_again(planned, records, settings, observer)) == set(records)
        return lines

    return train


def devices(kind: str, threads: int, count: int) -> list[Device]:
    """Return so many devices, on a GPU one of each index."""
    return [Device(kind=kind, index=i, threads=threads) for i in range(count)]


@pytest.mark.parametrize(
    ("threads", "workers", "count"), [(1, None, 4), (2, None, 2), (3, None, 1), (8, None, 1), (2, 3, 3)]
)
def test_threads_are_those_of_the_record(again: Any, pools: Any, threads: int, workers: int | None, count: int) -> None:
    """Each trial gets the threads that it had, and as many run at a time as have cores, or as the user says."""
    again(RunSettings(workers=workers), {"threads": threads})

    assert pools == [(devices("cpu", threads, count), pools[0][1], 1)]


def test_the_device_is_of_the_kind_of_the_record(again: Any, pools: Any) -> None:
    """Records of a CPU run on CPUs although there are GPUs, those of a GPU on GPUs; others go where a run goes."""
    again(RunSettings(), {}, {"device": "H100", "threads": 5}, {}, None)

    assert [(found, number) for found, _, number in pools] == [
        (devices("cpu", 1, 4), 2),
        (devices("cuda", 5, 2), 1),
        (devices("cuda", 2, 2), 1),
    ]


def test_as_many_devices_as_then(again: Any, pools: Any) -> None:
    """What several devices trained together is trained by so many again, with the threads that each had."""
    again(RunSettings(), {"devices": 2, "threads": 1}, {"threads": 1})

    assert [({device.count for device in found}, number) for found, _, number in pools] == [({2}, 1), ({1}, 1)]


def test_sharded_as_then(again: Any, pools: Any) -> None:
    """A trial whose weights were sharded is trained so again, apart from one of as many devices with all weights."""
    again(RunSettings(), {"devices": 2, "threads": 1, "sharded": True}, {"devices": 2, "threads": 1})

    assert [{(device.count, device.sharded) for device in found} for found, _, _ in pools] == [
        {(2, True)},
        {(2, False)},
    ]


def test_the_user_may_choose_device_and_time_limit(again: Any, pools: Any, make_record: MakeRecord) -> None:
    """`--device` and `--timeout` hold for every record; else the limit is that of the protocol."""
    again(RunSettings(device="cuda", timeout=7.0), {}, {"device": "H100"})
    again(RunSettings(), {})

    assert [(found[0].kind, timeout) for found, timeout, _ in pools] == [
        ("cuda", 7.0),
        ("cpu", make_record().trial.protocol.timeout),
    ]


@pytest.mark.parametrize(
    ("settings", "seconds", "words"),
    [
        (RunSettings(workers=2), 90.0, "Forecast: about 2 min 15 s, if"),
        (RunSettings(), 90.0, "Forecast: about 1 min 30 s, if"),
        (RunSettings(), None, "Forecast: about 0 s, and 3 of unknown length, if"),
    ],
)
def test_the_forecast_is_what_the_trials_took(
    again: Any, pools: Any, settings: RunSettings, seconds: float | None, words: str
) -> None:
    """Three trials of 90 s take 135 s two at a time, and never less than one of them."""
    assert again(settings, {}, {}, {}, seconds=seconds)[0].startswith(words)


def test_nothing_to_train(pools: Any) -> None:
    """Without trials, nothing is opened and nothing is said."""
    assert train_again([], {}, RunSettings(), Observer()) == {}
    assert pools == []
