"""The measured resolution of the tasks: from the records of the reference run to `benchmark list`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import archbench_tasks
from archbench import Task
from archbench._plugins import Registered, load_plugins, resolution_of
from archbench.cli._list import _describe

ROOT = Path(__file__).parents[2]


def script() -> ModuleType:
    """Return the module docs/resolution_of_tasks.py, which writes the file."""
    spec = importlib.util.spec_from_file_location("resolution_of_tasks", ROOT / "docs" / "resolution_of_tasks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_file_is_that_of_the_reference_run() -> None:
    """The committed file has the pairs that the committed records tell apart; docs/resolution_of_tasks.py writes it."""
    assert json.loads((ROOT / "tasks/archbench_tasks/resolution.json").read_text()) == script().measure()


@pytest.fixture
def adding() -> Registered[Task]:
    """The adding problem with its provider."""
    return next(registered for registered in load_plugins(only=[]).tasks if registered.item.name == "adding")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adding: Registered[Task]) -> Callable[[str], None]:
    """Return a function that puts a text in the place of the file beside the module of the adding problem."""
    monkeypatch.setattr("archbench_tasks.adding.__file__", str(tmp_path / "adding.py"))

    def write(text: str) -> None:
        (tmp_path / "resolution.json").write_text(text)

    return write


def content(**changes: Any) -> str:
    """Return the text of a file that measures the adding problem as it is declared, but for changes."""
    task = {"revision": 1, "effort": ADDING.effort, "told_apart": 30, "pairs": 45, **changes}
    return json.dumps({"protocol": "quick", "seeds": 3, "tasks": {"adding": task}})


ADDING = next(registered.item for registered in load_plugins(only=[]).tasks if registered.item.name == "adding")


def test_list_shows_it(written: Callable[[str], None]) -> None:
    """The JSON of `benchmark list` has the pairs that are told apart, and null for a task that was not measured."""
    written(content())
    listed = {row["name"]: row for row in _describe(load_plugins(only=[]), None)["tasks"]}

    assert listed["adding"]["resolution"] == {"told_apart": 30, "pairs": 45}
    assert listed["imagenet"]["resolution"] is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tasks": {"adding": 3}}', content(pairs="45")])
def test_a_bad_file_counts_as_none(text: str, written: Callable[[str], None], adding: Registered[Task]) -> None:
    """Whatever a plugin has put there, listing does not fail."""
    written(text)

    assert resolution_of(adding) is None


def test_what_another_revision_or_effort_gave_is_not_shown(
    written: Callable[[str], None], adding: Registered[Task]
) -> None:
    """A figure holds for the task as it was measured."""
    written(content())

    assert resolution_of(adding) is not None
    assert resolution_of(replace(adding, item=replace(adding.item, revision=7))) is None
    assert resolution_of(replace(adding, item=replace(adding.item, effort=9.0))) is None


def test_file_lies_beside_the_tasks() -> None:
    """The wheel takes the file along, because it lies in the package."""
    assert (Path(archbench_tasks.__file__).parent / "resolution.json").is_file()
