"""The forecast: what a run would do, as data."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench import Observer, Results
from archbench._planning import Plan, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import Tuning, find_protocol
from archbench._selection import select
from archbench._suite import RunSettings
from archbench._suite._forecast import CellForecast, Forecast, expect, forecast, makespan
from support import MakeNewer


def plan(*architectures: str, seeds: int = 2, tuning: Tuning | None = None) -> Plan:
    """These architectures on digits and adding."""
    plugins = load_plugins()
    return make_plan(
        select(architectures, plugins.architectures, "architecture"),
        select(["digits", "adding"], plugins.tasks, "task"),
        protocol=msgspec.structs.replace(find_protocol("smoke"), tuning=tuning),
        seeds=seeds,
    )


def cell(**changes: object) -> CellForecast:
    """A cell with two trials of three seconds to train."""
    values = {
        "architecture": "a", "task": "t", "state": "to train", "reason": "", "trials": 2, "to_train": 2, "not_ok": 0,
        "tuning_trials": 0, "seconds_per_trial": 3.0, "protocol": "quick", "limit": 600.0,
    }  # fmt: skip
    return CellForecast(**{**values, **changes})  # type: ignore[arg-type]


def test_finished_cells_cost_what_they_cost(small_results: Results) -> None:
    """Where every trial has its record nothing is measured; further seeds cost the mean of the known ones."""
    expected = forecast(plan("lstm", "plain[depth=8]", seeds=5), RunSettings(out=small_results.out), Observer())
    cells = {(c.architecture, c.task): c for c in expected.cells}
    known = [
        record.resources.total_seconds
        for record in small_results.records
        if (record.trial.architecture.label, record.trial.task.label) == ("lstm", "digits")
    ]

    assert (cells["lstm", "digits"].state, cells["lstm", "digits"].to_train) == ("to train", 3)
    assert cells["lstm", "digits"].seconds_per_trial == pytest.approx(sum(map(float, known)) / 2)
    assert ("plain[depth=8]", "adding") not in cells
    assert [record.message for record in expected.refused] == ["takes image, the task gives sequence"]


def test_unknown_cells_are_measured_and_leave_nothing(tmp_path: Path) -> None:
    """A cell that was never run is tried for a few steps; tuning trials count; no file is written."""
    expected = forecast(plan("lstm", tuning=Tuning(rates=(0.1, 0.2))), RunSettings(out=tmp_path / "out"), Observer())

    assert [(c.to_train, c.tuning_trials, c.trials) for c in expected.cells] == [(4, 2, 4)] * 2
    assert all(c.seconds_per_trial and c.seconds == 4 * c.seconds_per_trial for c in expected.cells)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("retry", [False, True])
def test_newer_records_need_no_training(
    retry: bool, small_results: Results, recorder: Any, tmp_path: Path, make_newer: MakeNewer
) -> None:
    """Their trials are not counted as to train, nor as repeated by --retry; the forecast names them as a run does."""
    out = shutil.copytree(small_results.out, tmp_path / "out")
    ids = [record.id for record in small_results.records if record.trial.architecture.label == "lstm"]
    for trial_id in ids[:3]:
        make_newer(out, trial_id)
    expected = forecast(plan("lstm", seeds=2), RunSettings(out=out, retry=retry), recorder)

    assert [(c.state, c.to_train) for c in expected.cells] == [("done", 0), ("done", 0)]
    assert sorted((c.not_ok, c.reason) for c in expected.cells) == [
        (1, "1 did not end ok; --retry repeats none of them: records of a newer archbench block 1"),
        (2, "2 did not end ok; --retry repeats none of them: records of a newer archbench block 2"),
    ]
    assert [line.partition(" was written by a newer archbench")[0] for line in recorder.lines] == [
        f"warning: {trial_id}.json" for trial_id in sorted(ids[:3])
    ]


def test_the_whole_is_no_shorter_than_its_longest_trial() -> None:
    """Work is spread over the workers, but a trial is not divided."""
    assert makespan([4.0, 2.0], 2, longest=1.0) == 3.0
    assert makespan([4.0, 2.0], 2, longest=4.0) == 4.0
    assert Forecast(cells=[cell(), cell(seconds_per_trial=10.0, to_train=1)], workers=4).seconds == 10.0
    assert Forecast(cells=[cell(), cell(seconds_per_trial=None)], workers=2).seconds == 3.0


def test_trials_that_would_exceed_their_limit() -> None:
    """A line for each limit names the cells that would exceed it, the longest first, and counts their trials."""
    cells = [
        cell(limit=60.0, seconds_per_trial=60.5, architecture="a"),
        cell(limit=60.0, seconds_per_trial=90.0, architecture="b", to_train=1),
        cell(limit=60.0, seconds_per_trial=60.0, architecture="at the limit"),
        cell(limit=60.0, seconds_per_trial=None, architecture="unknown"),
        cell(limit=60.0, seconds_per_trial=99.0, architecture="done", to_train=0),
        cell(limit=5.0, seconds_per_trial=6.0, architecture="c", to_train=1),
    ]

    assert Forecast(cells=cells, workers=1).warnings == [
        "1 trial is forecast to exceed the limit of 5 s: c on t (about 6 s); raise the limit with --timeout",
        "3 trials are forecast to exceed the limit of 60 s: b on t (about 90 s), a on t (about 61 s); "
        "raise the limit with --timeout",
    ]


def test_many_cells_beyond_their_limit_are_counted() -> None:
    """A warning names five cells and counts the rest."""
    cells = [cell(limit=1.0, architecture=f"a{number}") for number in range(7)]
    (line,) = Forecast(cells=cells, workers=1).warnings

    assert line.startswith("14 trials are forecast to exceed the limit of 1 s: a0 on t (about 3 s), a1 on t")
    assert "a4 on t (about 3 s), 2 more of architecture on task; raise" in line


def test_the_limit_is_that_of_the_run_or_of_the_protocol(small_results: Results) -> None:
    """Without --timeout the protocol limits a trial; a limit below what trials took before is warned of."""
    limits = []
    for timeout in (None, 0.001):
        settings = RunSettings(out=small_results.out, timeout=timeout)
        expected = forecast(plan("lstm", seeds=5), settings, Observer())
        limits.append({c.limit for c in expected.cells})
        warned = expect(plan("lstm", seeds=5).assess({r.id: r for r in small_results.records}), settings)
        assert expected.warnings == warned
        assert len(warned) == (timeout is not None)

    assert limits == [{find_protocol("smoke").timeout}, {0.001}]


def test_a_trial_that_was_cut_short_would_have_taken_longer(small_results: Results) -> None:
    """A trial that was ended after 3 s at step 5 of 20 would have taken 12 s."""
    records = {record.id: record for record in small_results.records}
    for record in small_results.records:
        training = msgspec.structs.replace(record.training, steps=5, planned_steps=20)
        cost = msgspec.structs.replace(record.resources, total_seconds=3.0)
        changes = {"training": training, "resources": cost, "scores": None}
        records[record.id] = msgspec.structs.replace(record, status="timeout", **changes)

    (line,) = expect(plan("lstm").assess(records), RunSettings(out=small_results.out, timeout=10, retry=True))
    assert line.startswith("4 trials are forecast to exceed the limit of 10 s: lstm on digits (about 12 s)")
