"""A run with --extend: refused where it cannot be, and what it says of trials that kept no state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import archbench

RULES = """
name = "{name}"
extends = "smoke"
steps = {{image = {steps}, sequence = {steps}, tokens = {steps}}}
validations = {validations}
recipe.milestones = []
recipe.warmup = 0
"""


@pytest.fixture
def wanted(tmp_path: Path) -> dict[str, Any]:
    """Arguments of runs into one folder, with protocols `short.toml` and `long.toml` beside it."""
    for name, steps in (("short", 10), ("long", 20)):
        (tmp_path / f"{name}.toml").write_text(RULES.format(name=name, steps=steps, validations=steps // 10))
    return {"tasks": "digits", "out": tmp_path / "out", "live": False}


def test_a_run_that_extends(wanted: dict[str, Any], recorder: Any, tmp_path: Path) -> None:
    """The longer trial goes on from the shorter one and has the score of one that was trained at once."""
    archbench.run("mlp", protocol=tmp_path / "short.toml", extend=True, observer=recorder, **wanted)
    longer = archbench.run("mlp", protocol=tmp_path / "long.toml", extend=True, observer=recorder, **wanted)
    fresh = archbench.run("mlp", protocol=tmp_path / "long.toml", **wanted | {"out": tmp_path / "fresh"})

    assert recorder.lines == []
    assert longer.records[0].training.resumed_at == [10]
    assert longer.records[0].scores == fresh.records[0].scores
    assert longer.records[0].id == fresh.records[0].id


def test_a_state_that_was_not_kept(wanted: dict[str, Any], recorder: Any, tmp_path: Path) -> None:
    """A trial whose shorter one was trained without --extend begins anew, and the run says why."""
    archbench.run("mlp", protocol=tmp_path / "short.toml", observer=recorder, **wanted)
    longer = archbench.run("mlp", protocol=tmp_path / "long.toml", extend=True, observer=recorder, **wanted)

    assert longer.records[0].training.resumed_at == []
    assert [line for line in recorder.lines if "kept no state" in line] == [
        "warning: 1 trials begin anew: those with another budget kept no state at their end, which only a run with "
        "--extend keeps"
    ]


def test_trials_on_several_devices(wanted: dict[str, Any], tmp_path: Path) -> None:
    """They would keep no state, so they are refused before anything is written."""
    with pytest.raises(archbench.SelectionError, match="`devices_per_trial` is 2, and `extend` keeps the state of"):
        archbench.run("mlp", protocol=tmp_path / "short.toml", extend=True, devices_per_trial=2, **wanted)

    assert not (tmp_path / "out").exists()


def test_a_schedule_that_follows_the_budget(wanted: dict[str, Any], tmp_path: Path) -> None:
    """A protocol whose rate falls over the budget is refused before anything is written."""
    with pytest.raises(archbench.SelectionError, match="cannot be extended: the learning rate falls"):
        archbench.run("mlp", protocol="smoke", extend=True, **wanted)

    assert not (tmp_path / "out").exists()
