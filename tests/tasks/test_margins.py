"""Margins: the smallest difference of scores that is worth a decision, from the declaration to the record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from archbench import DeclarationError, Task
from archbench._planning import make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import TaskFacts
from archbench._selection import Selected, select
from archbench.cli._describe import describe_selected

BUILT_IN = [registered.item for registered in load_plugins(only=[]).tasks]


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.name)
def test_every_built_in_task_declares_a_margin(task: Task) -> None:
    """A built-in task says which difference matters, and that is at most a tenth of the way from chance to perfect."""
    assert task.margin is not None
    assert 0 < task.margin <= abs(task.oracle - task.chance) / 10


BY_RATIO = {"adding", "adding-1997", "hidden-velocity", "multiplication"}
"""Tasks whose errors lie orders of magnitude apart."""


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.name)
def test_errors_over_orders_of_magnitude_are_compared_by_ratio(task: Task) -> None:
    """The tasks with a squared error declare a factor, and no other task does."""
    assert (task.factor is not None) == (task.name in BY_RATIO) == (task.metric == "mean_squared_error")
    assert task.factor is None or 1 < task.factor <= 2


@pytest.mark.parametrize("factor", [1, 0.8, -1.25, float("nan"), float("inf"), "1.25", True])
def test_factors_that_cannot_be_are_refused(factor: float, tasks: dict[str, Task]) -> None:
    """A factor is a finite number above 1; the error says so."""
    with pytest.raises(DeclarationError, match=r"'adding': factor is .*; give a number above 1, such as 1\.25"):
        replace(tasks["adding"], factor=factor)


def test_factor_is_for_errors(tasks: dict[str, Task]) -> None:
    """A factor is refused where more is better, since the ratio of two accuracies near 1 says nothing of errors."""
    with pytest.raises(DeclarationError, match=r"'digits': factor is 1\.25, but accuracy is no error"):
        replace(tasks["digits"], factor=1.25)


@pytest.mark.parametrize("margin", [0, -0.01, float("nan"), float("inf"), 1 / 6, "0.01", True])
def test_margins_that_cannot_be_are_refused(margin: float, tasks: dict[str, Task]) -> None:
    """A margin is a number above 0 and below the distance from chance to perfect; the error says so."""
    with pytest.raises(DeclarationError, match=r"'adding': margin is .*; give a number above 0 and below 0\.166667"):
        replace(tasks["adding"], margin=margin)


def test_margin_is_recorded_and_shown(adding: Selected[Task]) -> None:
    """The facts that a record keeps of a task and `benchmark show` have its margin and its factor."""
    nets = select(["gru"], load_plugins(only=[]).architectures, "architecture")
    (cell,) = make_plan(nets, [adding], protocol=find_protocol("smoke"), seeds=1).cells

    assert (cell.facts.margin, cell.facts.factor) == (0.01, 1.25)
    assert (describe_selected(adding)["margin"], describe_selected(adding)["factor"]) == (0.01, 1.25)


def test_facts_without_a_margin_can_be_read() -> None:
    """Records that are older than the fields have no margin and no factor."""
    old = {"kind": "image", "metric": "accuracy", "higher_is_better": True, "chance": 0.1, "oracle": 1, "summary": ""}

    assert msgspec.convert(old, TaskFacts).margin is None
    assert msgspec.convert(old, TaskFacts).factor is None


@pytest.fixture(scope="module")
def adding() -> Selected[Task]:
    """The adding problem, as selected by name."""
    (selected,) = select(["adding"], load_plugins(only=[]).tasks, "task")
    return selected


def test_own_files_get_a_hundredth_of_the_way(open_own, tmp_path: Path) -> None:
    """The margin of a task of own text is a hundredth of its entropy, which is one bit for a fair coin."""
    (tmp_path / "coin.txt").write_text("ab" * 2_000)
    (opened,) = open_own(f"text:{tmp_path / 'coin.txt'}")

    assert opened.registered.item.margin == pytest.approx(0.01, rel=1e-4)
