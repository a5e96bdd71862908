"""Costs of cells that were never run here: which are measured, and what the others are estimated from."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from archbench import Observer
from archbench._planning import Cell, Device, Plan, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import equal_steps, find_protocol
from archbench._selection import select
from archbench._suite import RunSettings
from archbench._suite._costs import Cost, cost_of, estimate, make_probe, telling_first
from archbench._suite._forecast import forecast
from archbench._training import _trial_run, run_trial
from archbench._training._recorded import WARM_UP, RecordedSteps, find_obstacle
from support.repeating import Repeater


def plan(architectures: list[str], tasks: list[str]) -> Plan:
    """Architectures on tasks under `smoke`, one seed each."""
    plugins = load_plugins()
    return make_plan(
        select(architectures, plugins.architectures, "architecture"),
        select(tasks, plugins.tasks, "task"),
        protocol=find_protocol("smoke"),
        seeds=1,
    )


def named(cell: Cell) -> tuple[str, str]:
    """Architecture and task of a cell."""
    return cell.architecture.component.label, cell.task.component.label


def test_cells_that_tell_most_are_measured_first() -> None:
    """Each architecture is tried on each kind of task before a variant, and that before a second task of a kind."""
    widths = ",".join(map(str, range(1, 10)))
    planned = plan([f"lstm[width={widths}]", "gru"], ["adding", "temporal-order", "adding[length=30]"])
    ordered = telling_first(planned.cells)
    first = [(cell.architecture.component.name, cell.facts.kind) for cell in ordered[:4]]
    variants = [(cell.architecture.component.label, cell.facts.kind) for cell in ordered[:20]]

    assert sorted(first) == [("gru", "sequence"), ("gru", "tokens"), ("lstm", "sequence"), ("lstm", "tokens")]
    assert len(set(variants)) == 20
    assert sorted(map(named, ordered)) == sorted(map(named, planned.cells))
    assert list(map(named, ordered)) == list(map(named, telling_first(planned.cells)))
    numbers = [cell.architecture.component.options["width"] for cell in ordered[4:20]]
    assert numbers != sorted(numbers)  # else only the smallest of many would be measured


def test_the_most_similar_cell_tells_the_cost() -> None:
    """The kind of task matters most, then the architecture, its options, and the task."""
    cells = plan(["lstm[width=8,16]", "gru"], ["adding", "adding[length=30]", "temporal-order"]).cells
    by_name = {named(cell): cell for cell in cells}
    wanted = by_name["lstm[width=8]", "adding"]
    steps = wanted.trials()[0].trial.steps("sequence", 100)
    assert steps is not None
    others = [
        ("gru", "temporal-order"), ("lstm[width=8]", "temporal-order"), ("gru", "adding"),
        ("lstm[width=16]", "adding"), ("lstm[width=8]", "adding[length=30]"),
    ]  # fmt: skip
    known: dict[Cell, Cost] = {}

    assert estimate(wanted, known) is None
    for number, other in enumerate(others, 1):
        known[by_name[other]] = Cost(step=float(number), beside=0.5, examples=100)
        assert estimate(wanted, dict(reversed(known.items()))) == estimate(wanted, known)
        assert estimate(wanted, known) == pytest.approx(0.5 + number * steps)


def test_after_the_time_the_rest_is_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time, one cell for each worker is measured; the others are estimated and say so."""
    monkeypatch.setattr("archbench._suite._costs.PROBE_SECONDS", 0.0)
    settings = RunSettings(out=tmp_path / "out", workers=1, device="cpu")
    expected = forecast(plan(["mlp", "mlp[width=8,16]"], ["digits"]), settings, Observer())

    assert expected.sources == {"records": 0, "measured": 1, "estimated": 2, "unknown": 0}
    assert len({cell.seconds_per_trial for cell in expected.cells}) == 1
    assert sorted(cell.cost_source for cell in expected.cells) == ["estimated", "estimated", "measured"]


def cell_of(*, effort: float = 2.0, **rules: Any) -> Cell:
    """The cell of a network on digits, as a task of some effort, under `smoke` with other rules."""
    (cell,) = plan(["mlp"], ["digits"]).cells
    component = msgspec.structs.replace(cell.task.component, effort=effort)
    task = dataclasses.replace(cell.task, component=component)
    return dataclasses.replace(cell, task=task, protocol=msgspec.structs.replace(cell.protocol, **rules))


@pytest.mark.parametrize("effort", [0.3, 1.0, 7.0])
@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"steps": equal_steps(500)}, ""),
        ({"steps": None, "epochs": 1.0}, ""),
        ({"steps": equal_steps(5)}, "there are fewer than 50 steps"),
    ],
    ids=["steps", "epochs", "short"],
)
def test_a_gpu_is_measured_with_steps_that_are_repeated_as_in_the_whole_trial(
    rules: dict[str, Any], reason: str, effort: float
) -> None:
    """Steps of a short trial on a GPU can be recorded where those of the whole one can be, whatever the effort is."""
    cell = cell_of(effort=effort, **rules)
    trial = make_probe(cell, Device(kind="cuda")).trial
    optimizer = torch.optim.AdamW(torch.nn.Linear(1, 1).parameters(), fused=True)
    steps = trial.steps(cell.facts.kind, 1_000) or 0

    assert find_obstacle(steps, True, optimizer) == reason
    assert steps < 70


@pytest.mark.parametrize(
    ("device", "rules"),
    [
        (Device(kind="cpu"), {}),
        (Device(kind="cuda", count=2), {}),
        (Device(kind="cuda"), {"steps": None, "seconds": 60.0}),
    ],
    ids=["cpu", "ranks", "seconds"],
)
def test_nine_steps_where_none_are_recorded(device: Device, rules: dict[str, Any]) -> None:
    """On a CPU, in several processes and under a budget in seconds few steps tell the cost."""
    trial = make_probe(cell_of(effort=1.0, **rules), device).trial

    assert (trial.steps("image", 1_000), trial.protocol.validations) == (9, 3)


def test_the_steps_before_a_recording_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of a step is that of repeated ones: what the first ones take, and the recording, is left out."""
    original = RecordedSteps._take_watched

    def take_slowly(self: RecordedSteps) -> None:
        time.sleep(0.5)
        original(self)

    monkeypatch.setattr(RecordedSteps, "_take_watched", take_slowly)
    recorder = Repeater()
    monkeypatch.setattr(_trial_run, "recorder_of", lambda device: recorder)
    probe = make_probe(cell_of(steps=equal_steps(500)), Device(kind="cuda"))
    record = run_trial(probe.job(Device(kind="cpu")))
    cost = cost_of(record)

    assert (record.status, recorder.repeated) == ("ok", 60 - WARM_UP)
    assert cost is not None
    assert cost.step < 0.5 * WARM_UP / 60
