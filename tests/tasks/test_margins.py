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


@pytest.mark.parametrize("margin", [0, -0.01, float("nan"), float("inf"), 1 / 6, "0.01", True])
def test_margins_that_cannot_be_are_refused(margin: float, tasks: dict[str, Task]) -> None:
    """A margin is a number above 0 and below the distance from chance to perfect; the error says so."""
    with pytest.raises(DeclarationError, match=r"'adding': margin is .*; give a number above 0 and below 0\.166667"):
        replace(tasks["adding"], margin=margin)


def test_margin_is_recorded_and_shown(adding: Selected[Task]) -> None:
    """The facts that a record keeps of a task and `benchmark show` have its margin."""
    nets = select(["gru"], load_plugins(only=[]).architectures, "architecture")
    (cell,) = make_plan(nets, [adding], protocol=find_protocol("smoke"), seeds=1).cells

    assert cell.facts.margin == 0.01
    assert describe_selected(adding)["margin"] == 0.01


def test_facts_without_a_margin_can_be_read() -> None:
    """Records that are older than the field have no margin."""
    old = {"kind": "image", "metric": "accuracy", "higher_is_better": True, "chance": 0.1, "oracle": 1, "summary": ""}

    assert msgspec.convert(old, TaskFacts).margin is None


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
