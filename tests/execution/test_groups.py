"""Groups of seeds: how trials are put together, and what becomes of them in a process that trains several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archbench._execution import execute, open_pool
from archbench._execution._groups import MOST_SEEDS, Waiting, make_groups
from archbench._planning import PlannedTrial, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import Record, Store, Together
from archbench._selection import select

PLUGIN = """
import archbench

def slow(task, options):
    import torch, time
    class Slow(torch.nn.Sequential):
        def forward(self, x):
            if self.training and torch.is_grad_enabled():
                time.sleep({seconds})
            return super().forward(x)
    return Slow(torch.nn.Flatten(), torch.nn.Linear(64, task.outputs))

def noisy(task, options):
    import torch
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.1), torch.nn.Linear(64, task.outputs))

def dies(task, options):
    import os, torch
    class Dies(torch.nn.Linear):
        def forward(self, x):
            if self.training and torch.is_grad_enabled() and torch._C._functorch.maybe_current_level() is not None:
                os._exit(7)
            return super().forward(x)
    return torch.nn.Sequential(torch.nn.Flatten(), Dies(64, task.outputs))

@archbench.hookimpl
def archbench_architectures():
    for build in (slow, noisy, dies):
        yield archbench.Architecture(name=build.__name__, build=build, inputs=("image",), summary="Small")
"""

Plan = Callable[..., list[PlannedTrial]]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Return `plan(name, seeds)`, which plans the seeds of small networks on digits under smoke."""

    def make(*names: str, seeds: int = 2, seconds: float = 0.01) -> list[PlannedTrial]:
        path = tmp_path / "small.py"
        path.write_text(PLUGIN.format(seconds=seconds))
        plugins = load_plugins(files=[path])
        return make_plan(
            select(list(names), plugins.architectures, "architecture"),
            select(["digits"], plugins.tasks, "task"),
            protocol=find_protocol("smoke"),
            seeds=seeds,
        ).trials

    return make


def carry_out(
    trials: list[PlannedTrial], out: Path, timeout: float = 120.0, *, together: bool = True
) -> tuple[list[Record], list[str]]:
    """Run trials in one worker; return their records by seed, and the lines on how seeds are trained."""
    lines: list[str] = []
    pool = open_pool(device="cpu", workers=1)
    found = list(execute(trials, Store(out), pool, timeout=timeout, seeds_together=together, on_news=lines.append))
    assert {record.id for record in found} == {trial.id for trial in trials}
    return sorted(found, key=lambda record: record.trial.seed), lines


def test_seeds_of_a_cell_share_a_process(plan: Plan, tmp_path: Path) -> None:
    """Seeds that are faster together are trained so, and their records are written one by one."""
    records, (line,) = carry_out(plan("slow", seeds=3), tmp_path / "out")

    assert [(r.status, r.environment.seeds_together) for r in records] == [("ok", 3)] * 3
    assert line.startswith("slow on digits: 3 seeds train together, with ")
    assert len(Store(tmp_path / "out").load()[0]) == 3
    assert not list((tmp_path / "out").rglob("*.log"))


def test_what_cannot_be_batched_is_trained_one_by_one(plan: Plan, tmp_path: Path) -> None:
    """Seeds of a network with dropout have the bits of single trials, and one line says why."""
    trials = plan("noisy", seeds=4)
    records, (line,) = carry_out(trials, tmp_path / "out")
    alone, none = carry_out(trials, tmp_path / "alone", together=False)

    assert [(r.scores, r.environment.seeds_together) for r in records] == [(r.scores, 1) for r in alone]
    assert line.startswith("noisy on digits: seeds train one by one: it draws random numbers")
    assert none == []


def test_a_process_that_dies_costs_no_seed(plan: Plan, tmp_path: Path) -> None:
    """Seeds whose common process ends without their records are trained one by one."""
    records, _ = carry_out(plan("dies"), tmp_path / "out")

    assert [(r.status, r.environment.seeds_together) for r in records] == [("ok", 1)] * 2


@pytest.mark.slow
def test_the_time_limit_is_that_of_each_seed(plan: Plan, tmp_path: Path) -> None:
    """Two seeds together get twice the limit; at its end each has a record of what it had reached."""
    records, _ = carry_out(plan("slow", seconds=0.5), tmp_path / "out", timeout=5.5)

    assert [record.status for record in records] == ["timeout"] * 2
    assert all(record.message.startswith("not finished after 5.5 s: step ") for record in records)
    assert all(0 < record.training.steps < 20 for record in records)


def test_groups_are_cells_cut_for_the_workers(plan: Plan) -> None:
    """A group has seeds of one cell, as many as keep every worker busy, and at least two where there are two."""
    trials = plan("slow", "noisy", seeds=6)

    def sizes(workers: int) -> list[tuple[str, int]]:
        groups = make_groups(trials, workers)
        assert sorted(p.id for group in groups for p in group) == sorted(trial.id for trial in trials)
        assert all(len({p.trial.cell for p in group}) == 1 for group in groups)
        return [(group[0].trial.architecture.name, len(group)) for group in groups]

    assert sizes(1) == sizes(2) == [("slow", 6), ("noisy", 6)]
    assert sizes(4) == [("slow", 3), ("noisy", 3), ("slow", 3), ("noisy", 3)]
    assert {size for _, size in sizes(100)} == {2}
    assert [len(group) for group in make_groups(plan("slow", seeds=MOST_SEEDS + 1), 1)] == [10, 11]


def test_a_refusal_counts_for_all_seeds_of_the_cell(plan: Plan) -> None:
    """Once seeds of a cell were refused, the waiting ones are taken one by one; the cell is told of once."""
    waiting = Waiting(plan("slow", "noisy", seeds=4), workers=4)
    slow, noisy = waiting.take(), waiting.take()
    line = waiting.note(noisy, Together(seeds=2, refused="it draws"))
    waiting.put_back(noisy)
    left = []
    while waiting:
        left.append([(p.trial.architecture.name, p.trial.seed) for p in waiting.take()])

    assert line == "noisy on digits: seeds train one by one: it draws"
    assert waiting.note(noisy, Together(seeds=2, refused="it draws")) == ""
    assert len(slow) == 2
    assert left == [
        *([("noisy", seed)] for seed in (0, 1)),
        [("slow", 2), ("slow", 3)],
        *([("noisy", seed)] for seed in (2, 3)),
    ]
