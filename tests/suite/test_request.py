"""From what a user asks for to a plan: which architectures and tasks take part."""

from __future__ import annotations

from typing import Any

import pytest

from archbench import Architecture, Observer, Task, TaskInfo
from archbench._errors import UnknownNameError
from archbench._plugins import Plugins, PluginSource, Registered
from archbench._protocols import find_protocol
from archbench._records import Origin
from archbench._suite._request import request_plan

INFO = TaskInfo(kind="image", input_shape=(1, 2, 2), outputs=2)


def registered(item: Any) -> Registered[Any]:
    """Return a declaration as if an installed plugin had registered it."""
    origin = Origin(distribution="made-up", version="1", entry_point="x")
    return Registered(item, origin, PluginSource(distribution="made-up", entry_point="x"))


def plugins() -> Plugins:
    """Return two architectures, one of which does not run by default, and a task."""
    nets = [
        Architecture(name=name, build="a:b", inputs=("image",), by_default=name == "usual")
        for name in ("usual", "rare")
    ]
    task = Task(
        name="t", info=INFO, load="a:b", loss="cross_entropy", metric="accuracy", chance=0.5, oracle=1.0
    )  # fmt: skip
    return Plugins(architectures=tuple(map(registered, nets)), tasks=(registered(task),))


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (["all"], ["usual"]),
        (["rare"], ["rare"]),
        (["*r*"], ["rare"]),
        (["*"], ["usual", "rare"]),
        (["rare", "all"], ["rare", "usual"]),
    ],
)
def test_all_means_those_by_default(selectors: list[str], expected: list[str]) -> None:
    """`all` leaves out an architecture that runs only when it is named; names and patterns reach it."""
    plan = request_plan(plugins(), find_protocol("quick"), selectors, None, seeds=1, observer=Observer())

    assert [cell.architecture.component.name for cell in plan.cells] == expected


@pytest.mark.parametrize(
    ("selector", "quoted"), [("t", "t"), ("t[size=2]", "'t\\[size=2]'"), ("images:a;b", "'images:a;b'")]
)
def test_a_task_in_the_place_of_an_architecture(selector: str, quoted: str) -> None:
    """Who names a task as an architecture is told the option for it."""
    with pytest.raises(UnknownNameError, match=f"is a task, and no architecture; give it as --task {quoted}, beside"):
        request_plan(plugins(), find_protocol("quick"), ["usual", selector], None, seeds=1, observer=Observer())
