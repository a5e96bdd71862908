"""One run: what it tells its observers, what it refuses, and what hooks of plugins hear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import archbench
from archbench import Observer
from archbench._records import Store
from support import MakeNewer

PLUGIN = """
import archbench
heard = []

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(
        name="picky", build="torch.nn:Linear", inputs=("image",), incompatible=lambda task, options: "only on Sundays"
    )

@archbench.hookimpl
def archbench_trial_started(trial):
    print("hook: started", trial.seed)

@archbench.hookimpl
def archbench_trial_finished(trial, record):
    print("hook:", record.status, trial.seed)
    raise RuntimeError("an observer that breaks")
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A plugin with hooks, and an architecture that takes no task."""
    path = tmp_path / "picky.py"
    path.write_text(PLUGIN)
    return path


def test_observers_and_hooks_hear_the_same(
    plugin: Path, recorder: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The observer of the caller and the hooks of plugins are told of the same trials, in the same order."""
    results = archbench.run(
        "all",
        tasks="digits",
        protocol="smoke",
        out=tmp_path / "out",
        plugin_files=[plugin],
        blocked_plugins=_everything_but("mlp", "digits"),
        workers=1,
        observer=recorder,
    )
    hooks = [line.removeprefix("hook: ") for line in capsys.readouterr().out.splitlines() if line.startswith("hook")]

    assert recorder.events == ["1 to train, 0 kept", "started 0", "ok 0", "ended"]
    assert hooks == ["started 0", "ok 0"]
    assert [(problem.plugin, problem.stage) for problem in results.problems] == [("file:picky.py", "call")]
    assert Store(tmp_path / "out").read_problems() == [
        f"{problem.plugin}: {problem.message}" for problem in results.problems
    ]


def _everything_but(*kept: str) -> list[str]:
    from importlib.metadata import entry_points

    names = {entry.name for entry in entry_points(group="archbench")}
    return [f"archbench:{name}" for name in names - set(kept)]


def test_a_second_run_trains_nothing(recorder: Any, tmp_path: Path) -> None:
    """With every record there, no worker is started and every file has the same bytes; a needless state goes."""
    wanted: dict[str, Any] = {"tasks": "digits", "protocol": "smoke", "out": tmp_path / "out"}
    first = archbench.run("mlp", **wanted, observer=Observer())
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    left = Store(tmp_path / "out").checkpoint(first.records[0].id)  # as by a run that was killed in between
    left.parent.mkdir()
    left.write_text("state")
    again = archbench.run("mlp", **wanted, observer=recorder)

    assert (again.trained, recorder.events) == (0, [])
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_an_error_of_the_observer_ends_the_run_and_keeps_records(tmp_path: Path) -> None:
    """An exception of the caller's own code leaves `run`; the trial has its record and the folder is free again."""

    class Broken(Observer):
        """Raises when the first trial is finished."""

        def trial_finished(self, record: archbench.Record) -> None:
            """Raise."""
            raise LookupError("mine")

    wanted: dict[str, Any] = {"tasks": "digits", "protocol": "smoke", "out": tmp_path / "out", "seeds": 2}
    with pytest.raises(LookupError, match="mine"):
        archbench.run("mlp", **wanted, observer=Broken())

    assert len(archbench.read(tmp_path / "out").records) >= 1
    assert archbench.run("mlp", **wanted, observer=Observer()).failures == []


def test_own_data_and_left_out_tasks_are_told(recorder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks of a pattern that lack their data are left out, and the observer hears which."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "empty"))
    results = archbench.run("mlp", tasks=["digits", "svh*", "di*"], protocol="smoke", out=tmp_path, observer=recorder)

    assert {record.trial.task.label for record in results.records} == {"digits"}
    assert [line for line in recorder.lines if line.startswith("left out: task svhn")] != []


def test_newer_records_are_no_work(recorder: Any, tmp_path: Path, make_newer: MakeNewer) -> None:
    """A retry does not count the trials whose records a newer version wrote, and leaves these as they are."""
    out = tmp_path / "out"
    wanted: dict[str, Any] = {"tasks": "digits", "protocol": "smoke", "out": out, "workers": 1, "live": False}
    first = archbench.run("mlp", **wanted, seeds=2, observer=Observer())
    kept = {record.id: make_newer(out, record.id) for record in first.records}
    again = archbench.run("mlp", **wanted, seeds=3, retry=True, observer=recorder)

    assert recorder.events == ["1 to train, 2 kept", "started 2", "ok 2", "ended"]
    assert [record.status for record in again.records] == ["failed", "failed", "ok"]
    assert again.newer.keys() == kept.keys()
    assert {trial_id: Store(out).path(trial_id).read_bytes() for trial_id in kept} == kept


def test_a_newer_record_of_tuning_keeps_the_evaluation(recorder: Any, tmp_path: Path, make_newer: MakeNewer) -> None:
    """Results stay that tuning has chosen; a further seed fails, as its recipe is not known, and nothing is written."""
    out, protocol = tmp_path / "out", tmp_path / "tuned.toml"
    protocol.write_text('name = "tuned"\nextends = "smoke"\n[tuning]\nrates = [1e-7, 0.05]\n')
    wanted: dict[str, Any] = {"tasks": "digits", "protocol": protocol, "out": out, "workers": 1, "live": False}
    first = archbench.run("mlp", **wanted, seeds=1, observer=Observer())
    make_newer(out, max(first.tuning_records, key=lambda record: record.validation or 0.0).id)
    before = {path.name for path in out.rglob("records/*/*.json")}
    again = archbench.run("mlp", **wanted, seeds=2, retry=True, observer=recorder)

    assert recorder.events == []
    assert again.records[0] == first.records[0]
    assert again.records[1].message.startswith("the record of a trial of its tuning was written by a newer archbench")
    assert again.blocked == {record.id for record in again.records}
    assert {path.name for path in out.rglob("records/*/*.json")} == before
