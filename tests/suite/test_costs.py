"""Costs of cells that were never run here: which are measured, and what the others are estimated from."""

from __future__ import annotations

from pathlib import Path

import pytest

from archbench import Observer
from archbench._planning import Cell, Plan, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._selection import select
from archbench._suite import RunSettings
from archbench._suite._costs import Cost, estimate, telling_first
from archbench._suite._forecast import forecast


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
