"""Tuned protocols and own recipes from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from support import Cli, ReadRecords

GRID = 'name = "two-rates"\nextends = "smoke"\nseeds = 2\n[tuning]\nrates = [1e-7, 0.05]\n'


def split(found: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the tuning trials, and the trials of the evaluation."""
    return [r for r in found if r["trial"]["tuning"]], [r for r in found if not r["trial"]["tuning"]]


def test_a_grid_picks_the_best_rate_on_validation(cli_here: Cli, records: ReadRecords, tmp_path: Path) -> None:
    """Every entrant tries both rates once, the rate that learns is evaluated, and a second run trains nothing."""
    (tmp_path / "two.toml").write_text(GRID)
    command = ("run", "mlp", "linear", "--plugin", "linear.py", "--task", "digits", "--protocol", "./two.toml")
    (tmp_path / "linear.py").write_text(LINEAR)
    done = cli_here(*command, "--json", cwd=tmp_path)
    tuning, evaluation = split(records(tmp_path / "leaderboard"))

    assert done.returncode == 0, done.stderr
    assert (len(tuning), len(evaluation), json.loads(done.stdout)["trained"]) == (4, 4, 8)
    assert all(record["scores"] is None for record in tuning)
    assert {record["trial"]["recipe"]["learning_rate"] for record in evaluation} == {0.05}
    assert {record["trial"]["seed"] for record in evaluation} == {0, 1}
    page = (tmp_path / "leaderboard" / "index.html").read_bytes()

    again = cli_here(*command, "--json", cwd=tmp_path)
    assert (again.returncode, json.loads(again.stdout)["trained"]) == (0, 0)
    assert (tmp_path / "leaderboard" / "index.html").read_bytes() == page


LINEAR = """
import math
import archbench

def build(task, options):
    from torch import nn
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs))

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="linear", build=build, inputs=("image",), summary="One layer")
"""


@pytest.mark.slow
def test_tune_twice(cli_here: Cli, records: ReadRecords, tmp_path: Path) -> None:
    """Every entrant gets the same number of trials, the best is evaluated, and a second run trains nothing."""
    (tmp_path / "linear.py").write_text(LINEAR)
    command = ("tune", "mlp", "linear", "--plugin", "linear.py", "--task", "digits", "--protocol", "smoke")
    done = cli_here(*command, "--trials", "5", "--json", cwd=tmp_path)
    tuning, evaluation = split(records(tmp_path / "leaderboard"))

    assert done.returncode == 0, done.stderr
    by_name = {n: [r for r in tuning if r["trial"]["architecture"]["name"] == n] for n in ("mlp", "linear")}
    assert {name: len(found) for name, found in by_name.items()} == {"mlp": 5, "linear": 5}
    for record in evaluation:
        tried = by_name[record["trial"]["architecture"]["name"]]
        best = max(tried, key=lambda r: max(r["curves"]["validation"]))
        assert max(best["curves"]["validation"]) in [
            max(r["curves"]["validation"]) for r in tried if r["trial"]["recipe"] == record["trial"]["recipe"]
        ]
    assert json.loads(cli_here(*command, "--trials", "5", "--json", cwd=tmp_path).stdout)["trained"] == 0


@pytest.mark.slow
def test_own_recipes(cli_here: Cli, records: ReadRecords, tmp_path: Path) -> None:
    """An architecture with an own recipe follows it, one without has no trial, and the page says own recipe."""
    (tmp_path / "own.toml").write_text('name = "own-short"\nextends = "paper"\nsteps = 3\nvalidations = 1\nseeds = 1\n')
    done = cli_here(
        "run", "highway-conv-16", "mlp", "--task", "digits", "--protocol", "./own.toml", "--json", cwd=tmp_path
    )
    found = {r["trial"]["architecture"]["name"]: r for r in records(tmp_path / "leaderboard")}

    assert done.returncode == 0, done.stderr
    assert "1 trial to train. Loading" in done.stderr
    assert json.loads(done.stdout)["refused"] == [{"architecture": "mlp", "task": "digits", "reason": "no own recipe"}]
    assert list(found) == ["highway"]
    training = found["highway"]["training"]
    assert (training["track"], training["batch_size"], training["steps"]) == ("own recipe", 100, 3)
    assert (training["recipe"]["optimizer"], training["recipe"]["momentum"]) == ("nesterov", 0.9)
    assert "own recipe" in (tmp_path / "leaderboard" / "index.html").read_text()


@pytest.mark.slow
def test_forecast_of_the_paper_protocol(cli_here: Cli, tmp_path: Path) -> None:
    """The forecast of an own recipe counts the steps and the batch size of that recipe."""
    done = cli_here(
        "run", "highway-conv-16", "--task", "digits", "--protocol", "paper", "--dry-run", "--json", cwd=tmp_path
    )
    (cell,) = json.loads(done.stdout)["cells"]

    assert done.returncode == 0, done.stderr
    assert (cell["to_train"], cell["state"]) == (5, "to train")
    assert cell["seconds_per_trial"] > 180_000 * 1e-5  # it has 180,000 steps, and none takes less than 10 microseconds
    assert not (tmp_path / "leaderboard").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "mlp", "--protocol", "./none.toml"), "cannot read the protocol file none.toml"),
        (("run", "mlp", "--protocol", "papr"), "did you mean 'paper'"),
        (("tune", "mlp", "--protocol", "paper"), "has the own recipe"),
        (("tune", "mlp", "--trials", "0"), "--trials is 0"),
    ],
)
def test_mistakes_exit_with_2(arguments: tuple[str, ...], words: str, cli_here: Cli, tmp_path: Path) -> None:
    """A mistake about protocols is one line and exit code 2, and nothing is written."""
    done = cli_here(*arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_optuna(tmp_path: Path) -> None:
    """Without Optuna, `tune` names the extra to install."""
    code = (
        "import sys; sys.modules['optuna'] = None; sys.argv[1:] = ['tune', 'mlp']; import archbench.cli as c; c.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "pip install 'archbench[tune]'" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("heard_signals")
def test_stopped_between_the_stages(cli_here: Cli, records: ReadRecords, tmp_path: Path) -> None:
    """Ctrl-C in the middle of tuning keeps the finished trials, and the same command completes the run."""
    (tmp_path / "two.toml").write_text(GRID.replace('extends = "smoke"', 'extends = "smoke"\nsteps = 500'))
    command = ("run", "mlp", "lenet", "--task", "digits", "--protocol", "./two.toml")
    code = [sys.executable, "-m", "archbench", *command]
    out = tmp_path / "leaderboard"
    with subprocess.Popen(code, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not list(out.glob("records/*/[0-9a-f]*.json")):
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
    before = records(out)
    done = cli_here(*command, cwd=tmp_path)

    assert process.returncode == 130
    assert 0 < len(before) < 8
    assert done.returncode == 0, done.stderr
    tuning, evaluation = split(records(out))
    assert (len(tuning), len(evaluation)) == (4, 4)
    assert all(record in [*tuning, *evaluation] for record in before)


@pytest.mark.slow
def test_tune_trains_only_lost_trials_again(cli_here: Cli, records: ReadRecords, tmp_path: Path) -> None:
    """If every second trial of the search is lost, the same command trains just these and reaches the same result."""
    (tmp_path / "linear.py").write_text(LINEAR)
    command = ("tune", "mlp", "linear", "--plugin", "linear.py", "--task", "digits", "--protocol", "smoke")
    forecast = cli_here(*command, "--trials", "12", "--dry-run", "--json", cwd=tmp_path)
    done = cli_here(*command, "--trials", "12", "--json", cwd=tmp_path)
    tuning, evaluation = split(records(tmp_path / "leaderboard"))

    assert done.returncode == 0, done.stderr
    cells = json.loads(forecast.stdout)["cells"]
    assert [(cell["trials"], cell["to_train"], cell["tuning_trials"]) for cell in cells] == [(13, 13, 12)] * 2
    lost = [record["id"] for record in tuning[::2]] + [record["id"] for record in evaluation]
    for key in lost:
        (tmp_path / "leaderboard" / "records" / key[:2] / f"{key}.json").unlink()
    resumed = cli_here(*command, "--trials", "12", "--json", cwd=tmp_path)
    again = split(records(tmp_path / "leaderboard"))
    assert json.loads(resumed.stdout)["trained"] == len(lost)
    assert [sorted(r["id"] for r in part) for part in again] == [
        sorted(r["id"] for r in part) for part in (tuning, evaluation)
    ]
    forecast = cli_here(*command, "--trials", "12", "--dry-run", "--json", cwd=tmp_path)
    assert [cell["to_train"] for cell in json.loads(forecast.stdout)["cells"]] == [0, 0]
