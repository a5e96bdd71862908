"""`benchmark run` without training: what it prints about results, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._plugins import Problem
from archbench._records import Record
from archbench._suite import Results
from archbench._suite._run import Run
from support import Cli, MakeRecord

COMMAND = ("run", "mlp", "--task", "digits", "--protocol", "smoke")


@pytest.fixture
def run_ends_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A function that makes every run end at once, with given results."""

    def end_with(**results: Any) -> None:
        monkeypatch.setattr(Run, "carry_out", lambda self: Results(out=tmp_path / "leaderboard", **results))

    return end_with


@pytest.fixture
def failed(make_record: MakeRecord) -> Record:
    """The record of a trial that raised an exception."""
    return make_record(seed=1, status="failed", message="ValueError: no", scores=None)


def test_exit_code_is_0_if_nothing_failed(
    run_ends_with: Any, make_record: MakeRecord, cli_here: Cli, tmp_path: Path
) -> None:
    """Neither combinations that cannot exist, nor tuning trials that diverged, nor warnings of plugins are failures."""
    run_ends_with(
        records=(make_record(),),
        refused=(make_record(seed=1, status="skipped", scores=None, message="no own recipe"),),
        tuning_records=(make_record(status="diverged", scores=None),),
        problems=(Problem("toys:toy", "call", "is slow", fatal=False),),
    )
    done = cli_here(*COMMAND, cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_exit_code_is_1_if_a_trial_failed(
    run_ends_with: Any, make_record: MakeRecord, failed: Record, cli_here: Cli, tmp_path: Path
) -> None:
    """One failed trial among good ones is named on standard error, with the option that repeats it."""
    run_ends_with(records=(make_record(), failed))
    done = cli_here(*COMMAND, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stdout.splitlines()[1].split() == ["pictures", "toy", "accuracy", "0.7500", "1/2", "failed"]
    assert done.stderr.splitlines() == [
        "failed: toy on pictures, seed 1: ValueError: no",
        "1 of 2 trials did not end ok; --retry repeats them.",
    ]


def test_exit_code_is_1_if_a_tuning_trial_failed(
    run_ends_with: Any, make_record: MakeRecord, cli_here: Cli, tmp_path: Path
) -> None:
    """A tuning trial that crashed counts as a failure; only divergence is expected of a search."""
    run_ends_with(records=(make_record(),), tuning_records=(make_record(status="crashed", scores=None),))

    assert cli_here(*COMMAND, cwd=tmp_path).returncode == 1


def test_exit_code_is_1_if_a_plugin_was_left_out(
    run_ends_with: Any, make_record: MakeRecord, cli_here: Cli, tmp_path: Path
) -> None:
    """A plugin that did not load makes the run incomplete, however good its results."""
    run_ends_with(records=(make_record(),), problems=(Problem("toys:toy", "import", "raised ValueError"),))
    done = cli_here(*COMMAND, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "problem: toys:toy: raised ValueError"
    assert "benchmark plugins" in done.stderr.splitlines()[-1]


def test_json_has_exactly_these_keys(
    run_ends_with: Any, make_record: MakeRecord, failed: Record, cli_here: Cli, tmp_path: Path
) -> None:
    """Scripts that read `run --json` find the same keys in every release."""
    problem = Problem("toys:toy", "call", "is slow", fatal=False)
    run_ends_with(
        records=(make_record(), failed), tuning_records=(make_record(scores=None),), problems=(problem,), trained=2
    )
    done = cli_here(*COMMAND, "--json", cwd=tmp_path)
    printed = json.loads(done.stdout)
    ok, bad = printed.pop("trials")
    (tried,) = printed.pop("tuning")

    assert printed == {
        "exit_code": 1,
        "out": str(tmp_path / "leaderboard"),
        "trained": 2,
        "files": [],
        "refused": [],
        "set_aside": [],
        "problems": [{"plugin": "toys:toy", "message": "is slow", "fatal": False}],
        "own_data": {},
        "studies": [],
        "claims": [],
    }
    named = {"id", "architecture", "task", "protocol", "seed", "status"}
    assert ok.keys() == bad.keys() == named | {"message", "test", "metric"}
    assert (ok["test"], bad["test"]) == (0.75, None)
    assert tried.keys() == named | {"recipe", "validation"}


def test_switches_take_no_value(cli_here: Cli, tmp_path: Path) -> None:
    """Help shows no value for switches, which would be taken for a further selector."""
    lines = [line.strip("│ ") for line in cli_here("run", "--help", cwd=tmp_path).stdout.splitlines()]
    switches = [line for line in lines if line.startswith(("--retry", "--dry-run", "--json"))]

    assert len(switches) == 3
    assert not any("<" in line for line in switches)


def test_combinations_that_cannot_exist_have_a_line_for_each_task(
    run_ends_with: Any, make_record: MakeRecord, cli_here: Cli, tmp_path: Path
) -> None:
    """The architectures that a task leaves out are named together by reason, in the terminal and as JSON."""
    refused = []
    for name, reason in (("a", "takes image"), ("b", "too small"), ("c", "takes image")):
        trial = make_record().trial
        component = msgspec.structs.replace(trial.architecture, label=name)
        trial = msgspec.structs.replace(trial, architecture=component)
        refused.append(make_record(status="skipped", scores=None, message=reason, trial=trial))
    run_ends_with(records=(make_record(),), refused=tuple(refused))
    shown, plain = cli_here(*COMMAND, cwd=tmp_path), cli_here(*COMMAND, "--json", cwd=tmp_path)

    assert "Not on pictures: a, c (takes image); b (too small)." in shown.stdout.splitlines()
    assert json.loads(plain.stdout)["refused"][1] == {"architecture": "b", "task": "pictures", "reason": "too small"}
