"""Where a run trains: settings, missing extras, and a run through an executor that only plays."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

import archbench
from archbench import ClusterError, SelectionError
from archbench._execution import Sharing, Wanted
from archbench._planning import Device, PlannedTrial
from archbench._records import Record, Store
from archbench._suite import RunSettings
from support import Cli

LIBRARY = {"ray": "ray", "slurm": "submitit"}


@pytest.fixture(params=["ray", "slurm"])
def lacking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an executor whose library is not installed."""
    there = importlib.util.find_spec
    library = LIBRARY[request.param]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == library else there(name))
    return str(request.param)


def test_a_missing_extra_is_named(lacking: str, cli_here: Cli, tmp_path: Path) -> None:
    """Without its library an executor ends the command with code 2, the exact pip command, and nothing written."""
    done = cli_here("run", "mlp", "--executor", lacking, cwd=tmp_path)

    assert done.returncode == 2
    assert f"run pip install 'archbench[{lacking}]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_as_json_and_from_python(lacking: str, cli_here: Cli, tmp_path: Path) -> None:
    """The error is one JSON object with `--json`, and an exception from Python."""
    done = cli_here("run", "mlp", "--executor", lacking, "--json", cwd=tmp_path)

    assert "pip install" in json.loads(done.stdout)["error"]
    with pytest.raises(ClusterError, match=rf"archbench\[{lacking}\]"):
        archbench.run("mlp", executor=lacking, out=tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"executor": "dask"}, "`executor` is 'dask'; give one of local, ray, slurm"),
        ({"address": "head:6379"}, "'head:6379', which is for Ray; add `executor` ray"),
        ({"executor": "ray", "address": "ray://head:10001"}, "give HOST:PORT or auto, on a machine of the cluster"),
        ({"executor": "ray", "address": "head"}, "give HOST:PORT or auto"),
        ({"nodes": 2}, "add `executor` slurm"),
        ({"executor": "ray", "slurm": {"partition": "gpu"}}, "add `executor` slurm"),
        ({"executor": "slurm", "nodes": 0}, "`nodes` is 0; at least 1"),
        ({"executor": "slurm", "slurm": {"time": "1:00:00"}}, "'1:00:00'; give whole minutes"),
    ],
)
def test_settings_that_do_not_fit(wanted: dict[str, Any], message: str) -> None:
    """Each setting belongs to one executor; a wrong one says what is allowed."""
    with pytest.raises(SelectionError, match=message.replace("(", r"\(")):
        RunSettings(**wanted)


def test_options_of_the_command_line(cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options of sbatch arrive by name, and one without a value is refused."""
    seen: list[RunSettings] = []
    monkeypatch.setattr("archbench._suite._run.Run.__init__", lambda self, plan, settings, **_: seen.append(settings))
    monkeypatch.setattr("archbench.cli._carry_out._finish", lambda run, json: None)
    wanted = ("--task", "digits", "--executor", "slurm", "--nodes", "3", "--slurm")
    cli_here("run", "mlp", *wanted, "partition=gpu", "--slurm", "comment=a=b", cwd=tmp_path)
    done = cli_here("run", "mlp", *wanted, "partition", cwd=tmp_path)

    assert [(s.executor, s.nodes, s.slurm) for s in seen] == [("slurm", 3, {"partition": "gpu", "comment": "a=b"})]
    assert done.returncode == 2
    assert "'partition' is no option of sbatch; give KEY=VALUE" in done.stderr


class Played:
    """An executor that says that every trial failed.

    Args:
        wanted: by the run.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.wanted, self.closed, self.at_work = wanted, False, 0
        wanted.waiting()
        wanted.ready([Device(kind="cuda")] * 7, "")
        wanted.warned("one node is slow")
        wanted.shared(Sharing(asked="auto", trials=7, device="cuda", reason="there are no cores for more"))

    def execute(
        self, planned: Sequence[PlannedTrial], store: Store, *, on_start: Any, **_: Any
    ) -> Generator[Record, None, None]:
        """Yield a record for each trial."""
        for trial in planned:
            on_start(trial)
            yield store.write(trial.job(Device(kind="cpu")).record("failed", "this executor is played"))

    def close(self) -> None:
        """Note it."""
        self.closed = True


def test_a_run_through_another_executor(recorder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run hands over trials and settings, hears devices and warnings, and closes the executor at its end."""
    opened: list[Played] = []

    def open_executor(wanted: Wanted) -> Played:
        opened.append(Played(wanted))
        return opened[0]

    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import archbench\n\n@archbench.hookimpl\ndef archbench_architectures():\n"
        "    yield archbench.Architecture(name='mine', build='torch.nn:Linear', inputs=('image',), summary='mine')\n"
    )
    monkeypatch.setattr("archbench._suite._run.open_executor", open_executor)
    results = archbench.run(
        ["mlp", "mine"], tasks="digits", protocol="smoke", out=tmp_path / "out", executor="ray", address="auto",
        plugin_files=[plugin], observer=recorder,
    )  # fmt: skip
    (executor,) = opened

    assert executor.closed
    assert (executor.wanted.kind, executor.wanted.address) == ("ray", "auto")
    assert {source.path or source.value for source in executor.wanted.sources} == {
        str(plugin), "archbench_plugins.mlp", "archbench_tasks.digits",
    }  # fmt: skip
    assert {record.message for record in results.records} == {"this executor is played"}
    assert "warning: one node is slow" in recorder.lines
    assert executor.wanted.sample is not None
    assert results.per_device is not None
    assert results.per_device.trials == 7
    assert any("7 at a time on each GPU: there are no cores for more" in line for line in recorder.lines)
    assert recorder.events == [
        "2 to train, 0 kept", "started 0", "failed 0", "started 0", "failed 0", "ended",
    ]  # fmt: skip
