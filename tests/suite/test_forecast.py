"""The forecast: what a run would do, as data."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from archbench import Observer, Results
from archbench._planning import Plan, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import Tuning, find_protocol
from archbench._selection import select
from archbench._suite import RunSettings
from archbench._suite._forecast import CellForecast, Forecast, forecast, makespan


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
        "tuning_trials": 0, "seconds_per_trial": 3.0, "protocol": "quick",
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


def test_the_whole_is_no_shorter_than_its_longest_trial() -> None:
    """Work is spread over the workers, but a trial is not divided."""
    assert makespan([4.0, 2.0], 2, longest=1.0) == 3.0
    assert makespan([4.0, 2.0], 2, longest=4.0) == 4.0
    assert Forecast(cells=[cell(), cell(seconds_per_trial=10.0, to_train=1)], workers=4).seconds == 10.0
    assert Forecast(cells=[cell(), cell(seconds_per_trial=None)], workers=2).seconds == 3.0
