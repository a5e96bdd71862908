"""`benchmark run` without training: what it prints about results, and how it exits."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._execution._sharing import Level, Sharing
from archbench._planning import Plan
from archbench._plugins import Problem
from archbench._records import Record
from archbench._suite import Observer, Results, RunSettings
from archbench._suite._forecast import CellForecast, Forecast
from archbench._suite._run import Run, Standing
from archbench.cli._signals import Stopped
from support import Cli, MakeRecord, house_recipe

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


def test_what_retry_does_not_repeat(
    run_ends_with: Any, make_record: MakeRecord, failed: Record, cli_here: Cli, tmp_path: Path
) -> None:
    """Trials whose record a newer version wrote are not among those that --retry repeats."""
    other, third = (make_record(seed=seed, status="failed", message="no", scores=None) for seed in (2, 3))
    run_ends_with(records=(make_record(), failed), blocked=frozenset({failed.id}))
    one = cli_here(*COMMAND, cwd=tmp_path).stderr.splitlines()[-1]
    run_ends_with(records=(failed, other, third), blocked=frozenset({failed.id, third.id}))
    two = cli_here(*COMMAND, cwd=tmp_path).stderr.splitlines()[-1]

    words = "trials did not end ok; --retry repeats"
    assert one == f"1 of 2 {words} none of them: records of a newer archbench block 1."
    assert two == f"3 of 3 {words} 1 of them: records of a newer archbench block 2."


def test_the_log_of_a_failed_trial_is_named(run_ends_with: Any, failed: Record, cli_here: Cli, tmp_path: Path) -> None:
    """The line of a failure names the file in which its traceback is, if there is one."""
    log = tmp_path / "leaderboard" / "logs" / f"{failed.id}.log"
    log.parent.mkdir(parents=True)
    log.write_text("Traceback")
    run_ends_with(records=(failed,))
    done = cli_here(*COMMAND, cwd=tmp_path)

    assert done.stderr.splitlines()[0] == f"failed: toy on pictures, seed 1: ValueError: no (log: {log})"


def test_exit_code_is_1_if_a_tuning_trial_failed(
    run_ends_with: Any, make_record: MakeRecord, cli_here: Cli, tmp_path: Path
) -> None:
    """A tuning trial that crashed counts as a failure; only divergence is expected of a search."""
    run_ends_with(records=(make_record(),), tuning_records=(make_record(status="crashed", scores=None),))
    done = cli_here(*COMMAND, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.endswith("\n1 of 2 trials did not end ok; --retry repeats them.\n")


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
        "per_device": None,
        "exit_code": 1,
        "out": str(tmp_path / "leaderboard"),
        "trained": 2,
        "files": [],
        "refused": [],
        "set_aside": [],
        "newer": {},
        "problems": [{"plugin": "toys:toy", "message": "is slow", "fatal": False}],
        "own_data": {},
        "studies": [],
        "claims": [],
    }
    named = {"id", "architecture", "task", "protocol", "seed", "status"}
    assert ok.keys() == bad.keys() == named | {"message", "test", "metric", "further"}
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
    """The architectures that a task leaves out are named by reason, in the terminal five of them, as JSON all."""
    refused = []
    for name, reason in (("a", "takes image"), ("b", "too small"), *((name, "takes image") for name in "cdefgh")):
        trial = make_record().trial
        component = msgspec.structs.replace(trial.architecture, label=name)
        trial = msgspec.structs.replace(trial, architecture=component)
        refused.append(make_record(status="skipped", scores=None, message=reason, trial=trial))
    run_ends_with(records=(make_record(),), refused=tuple(refused))
    shown, plain = cli_here(*COMMAND, cwd=tmp_path), cli_here(*COMMAND, "--json", cwd=tmp_path)

    assert "Not on pictures: a, c, d, e, f and 2 more (takes image); b (too small)." in shown.stdout.splitlines()
    named = json.loads(plain.stdout)["refused"]
    assert named[1] == {"architecture": "b", "task": "pictures", "reason": "too small"}
    assert [combination["architecture"] for combination in named] == list("abcdefgh")


def test_a_row_is_the_mean_over_the_seeds_that_count(
    run_ends_with: Any, make_record: MakeRecord, cli_here: Cli, tmp_path: Path
) -> None:
    """A seed of another version of torch is set aside: .5 and .25 have the mean .375, which .9 does not change."""
    elsewhere = msgspec.structs.replace(make_record().environment, torch="1.0.0")
    scores = [msgspec.structs.replace(make_record().scores, test=test) for test in (0.5, 0.25, 0.9)]
    records = [make_record(seed, scores=one) for seed, one in enumerate(scores[:2])]
    run_ends_with(records=(*records, make_record(2, scores=scores[2], environment=elsewhere)))
    done = cli_here(*COMMAND, cwd=tmp_path)

    assert done.stdout.splitlines()[1].split() == ["pictures", "toy", "accuracy", "0.3750", "2/3", "set", "aside"]
    assert (done.returncode, done.stderr) == (0, "")


def test_numbers_end_below_the_end_of_their_heading(
    run_ends_with: Any, make_record: MakeRecord, cli_here: Cli, tmp_path: Path
) -> None:
    """Means and seeds are aligned to the right, and the words beside them to the left."""
    run_ends_with(records=(make_record(),))
    head, row, *_ = cli_here(*COMMAND, cwd=tmp_path).stdout.splitlines()

    for heading, cell in (("mean over seeds", "0.7500"), ("seeds  status", "1/1  ok")):
        assert head.rindex(heading) + len(heading.split("  ")[0]) == row.index(cell) + len(cell.split("  ")[0])
    assert head.index("metric") == row.index("accuracy")
    assert head.index("status") == row.index("ok")


def test_each_cell_has_a_row_and_failures_have_no_mean(
    run_ends_with: Any, make_record: MakeRecord, failed: Record, cli_here: Cli, tmp_path: Path
) -> None:
    """Seeds of one architecture share a row, those of another have their own; without a score there is no number."""
    trial = msgspec.structs.replace(
        failed.trial, architecture=msgspec.structs.replace(failed.trial.architecture, name="b", label="b")
    )
    run_ends_with(
        records=(make_record(0), make_record(1), msgspec.structs.replace(failed, trial=trial, id=trial.id)),
    )
    lines = [line.split() for line in cli_here(*COMMAND, cwd=tmp_path).stdout.splitlines()]

    assert lines[1] == ["pictures", "toy", "accuracy", "0.7500", "2/2", "ok"]
    assert lines[2] == ["pictures", "b", "accuracy", "-", "0/1", "failed"]


def test_what_a_trial_did_to_records_needs_no_advice_about_plugins(
    run_ends_with: Any, make_record: MakeRecord, cli_here: Cli, tmp_path: Path
) -> None:
    """A network that wrote into records is a problem and exit code 1, but its plugin did load."""
    run_ends_with(records=(make_record(),), problems=(Problem("toys:toy", "train", "wrote into a record"),))
    done = cli_here(*COMMAND, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.splitlines() == ["problem: toys:toy: wrote into a record"]


def test_json_has_the_values_of_each_trial(
    run_ends_with: Any, make_record: MakeRecord, failed: Record, cli_here: Cli, tmp_path: Path
) -> None:
    """Trials, and the trials that tried recipes, have the values of their records, which are good here."""
    trial = msgspec.structs.replace(failed.trial, seed=0, recipe=house_recipe(learning_rate=0.25))
    run_ends_with(records=(make_record(),), tuning_records=(make_record(trial=trial, id=trial.id),))
    printed = json.loads(cli_here(*COMMAND, "--json", cwd=tmp_path).stdout)

    common = {"architecture": "toy", "task": "pictures", "protocol": "smoke", "seed": 0, "status": "ok"}
    score = {"message": "", "test": 0.75, "metric": "accuracy", "further": {}}
    assert printed["trials"] == [{"id": make_record().id, **common, **score}]
    assert printed["tuning"] == [{"id": trial.id, **common, "recipe": trial.settings.words(), "validation": 0.8}]
    assert "0.25" in printed["tuning"][0]["recipe"]
    assert printed["exit_code"] == 0


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (None, "Stopped.\n"),
        (
            Standing(2, 3),
            "Stopped. 2 of 3 trials are finished and kept in {out}; the same command goes on from there, "
            "`benchmark leaderboard --out {out}` shows what there is.\n",
        ),
    ],
)
def test_a_run_that_is_stopped_says_what_is_kept(
    standing: Standing | None, said: str, cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a signal the exit code is that of shells, 128 + 15, and the message counts what is on disk."""

    def stop(self: Run) -> None:
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(Run, "carry_out", stop)
    monkeypatch.setattr(Run, "standing", lambda self: standing)
    monkeypatch.setattr(os, "_exit", sys.exit)
    out = tmp_path / "mine"
    done = cli_here(*COMMAND, "--out", str(out), cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (143, "", said.format(out=out))


def test_a_dry_run_shows_the_forecast_and_trains_nothing(
    cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--dry-run` prints the cost of each cell and of all, and `--json` gives the numbers."""
    monkeypatch.setattr(Run, "carry_out", lambda self: pytest.fail("a dry run trained"))
    cell = CellForecast(
        architecture="a", task="t", state="to train", reason="", trials=3, to_train=2, not_ok=0, tuning_trials=0,
        seconds_per_trial=4.0, protocol="quick", limit=600.0,
    )  # fmt: skip
    monkeypatch.setattr("archbench.cli._forecast.forecast", lambda *of: Forecast(cells=[cell], workers=2))
    shown = cli_here(*COMMAND, "--dry-run", cwd=tmp_path)
    plain = json.loads(cli_here(*COMMAND, "--dry-run", "--json", cwd=tmp_path).stdout)

    assert shown.returncode == 0
    assert shown.stdout.splitlines()[1].split() == ["a", "t", "to", "train", "2/3", "4", "s", "8", "s"]
    assert shown.stdout.splitlines()[-1] == "Forecast: about 4 s with 2 at a time. Nothing was kept."
    assert (plain["seconds"], plain["workers"], plain["cells"][0]["seconds"]) == (4.0, 2, 8.0)
    assert (plain["cells"][0]["limit"], plain["warnings"]) == (600.0, [])
    assert plain["cost_sources"] == {"records": 1, "measured": 0, "estimated": 0, "unknown": 0}


def test_a_dry_run_says_which_costs_are_estimated(
    cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Estimated costs are marked, and a line, and JSON, counts the cells by where their cost is from."""
    measured = CellForecast(
        architecture="a", task="t", state="to train", reason="", trials=3, to_train=2, not_ok=0, tuning_trials=0,
        seconds_per_trial=4.0, protocol="quick", limit=600.0, cost_source="measured",
    )  # fmt: skip
    estimated = dataclasses.replace(measured, cost_source="estimated")
    failed = dataclasses.replace(measured, cost_source="unknown", seconds_per_trial=None)
    cells = [measured, estimated, estimated, failed]
    monkeypatch.setattr("archbench.cli._forecast.forecast", lambda *of: Forecast(cells=cells, workers=2))
    shown = cli_here(*COMMAND, "--dry-run", cwd=tmp_path)
    plain = json.loads(cli_here(*COMMAND, "--dry-run", "--json", cwd=tmp_path).stdout)

    assert shown.stdout.splitlines()[1].split()[-4:] == ["4", "s", "8", "s"]
    assert shown.stdout.splitlines()[2].split()[-4:] == ["~4", "s", "~8", "s"]
    assert shown.stdout.splitlines()[-1] == (
        "Costs, architecture on task: 1 measured, 2 estimated from the most similar of these (marked ~), "
        "1 could not be measured and count as 0."
    )
    assert plain["cost_sources"] == {"records": 0, "measured": 1, "estimated": 2, "unknown": 1}
    assert [cell["cost_source"] for cell in plain["cells"]] == ["measured", "estimated", "estimated", "unknown"]


def test_a_dry_run_on_several_devices(cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The forecast says how many devices train each trial, in words and in JSON."""
    found = Forecast(cells=[], workers=1, devices_per_trial=2)
    monkeypatch.setattr("archbench.cli._forecast.forecast", lambda *of: found)
    shown = cli_here(*COMMAND, "--dry-run", cwd=tmp_path)
    plain = json.loads(cli_here(*COMMAND, "--dry-run", "--json", cwd=tmp_path).stdout)

    assert shown.stdout.splitlines()[-1].endswith("with 1 at a time, each on 2 devices. Nothing was kept.")
    assert (plain["devices_per_trial"], plain["strategy"]) == (2, "ddp")


def test_a_dry_run_with_sharded_weights(cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The forecast says that the devices of a trial share its weights out, in words and in JSON."""
    seen: list[RunSettings] = []

    def found(plan: Plan, settings: RunSettings, observer: Observer) -> Forecast:
        seen.append(settings)
        return Forecast(cells=[], workers=1, devices_per_trial=2, strategy=settings.strategy)

    monkeypatch.setattr("archbench.cli._forecast.forecast", found)
    command = (*COMMAND, "--devices-per-trial", "2", "--strategy", "fsdp", "--dry-run")
    shown, plain = cli_here(*command, cwd=tmp_path), json.loads(cli_here(*command, "--json", cwd=tmp_path).stdout)

    assert [(settings.devices_per_trial, settings.sharded) for settings in seen] == [(2, True)] * 2
    assert shown.stdout.splitlines()[-1].endswith("each on 2 devices with sharded weights. Nothing was kept.")
    assert plain["strategy"] == "fsdp"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--strategy", "fsdp"), "--devices-per-trial is 1; give 2 at least, or leave out --strategy"),
        (("--strategy", "fsdp", "--devices-per-trial", "2", "--seeds-together"), "--devices-per-trial is for trials"),
        (("--strategy", "fsdp", "--devices-per-trial", "2", "--per-device", "2"), "a trial takes several devices"),
        (("--strategy", "fsdp", "--devices-per-trial", "99"), "which 99 devices cannot share"),
    ],
)
def test_sharded_weights_that_make_no_sense(given: tuple[str, ...], words: str, cli_here: Cli, tmp_path: Path) -> None:
    """Weights cannot be sharded over one device, nor of seeds that train together; code 2, and nothing written."""
    done = cli_here(*COMMAND, *given, cwd=tmp_path)

    assert (done.returncode, list(tmp_path.iterdir())) == (2, []), done.stdout
    assert words in " ".join(done.stderr.split())


def test_json_tells_how_many_trials_share_a_device(
    run_ends_with: Any, cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number, the measurements and the reason stand in the JSON of a run and of a dry run; null where none is."""
    level = Level(trials=2, steps_per_second=150.0, memory_bytes=7)
    sharing = Sharing(asked="auto", trials=2, device="cuda", service=False, measured=[level], reason="no memory")
    expected = {
        "asked": "auto", "trials": 2, "device": "cuda", "service": False, "memory_bytes": None, "reason": "no memory",
        "measured": [{"trials": 2, "steps_per_second": 150.0, "memory_bytes": 7}],
    }  # fmt: skip
    monkeypatch.setattr(
        "archbench.cli._forecast.forecast", lambda *of: Forecast(cells=[], workers=2, per_device=sharing)
    )
    run_ends_with(records=(), per_device=sharing)
    run, dry = (json.loads(cli_here(*COMMAND, "--json", *more, cwd=tmp_path).stdout) for more in ((), ("--dry-run",)))
    run_ends_with(records=())
    without = json.loads(cli_here(*COMMAND, "--json", cwd=tmp_path).stdout)

    assert run["per_device"] == dry["per_device"] == expected
    assert without["per_device"] is None


@pytest.mark.parametrize(("given", "expected"), [("auto", "auto"), ("3", 3), (None, None)])
def test_trials_per_device(
    given: str | None, expected: Any, cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--per-device` takes a number or `auto`."""
    seen: list[RunSettings] = []
    monkeypatch.setattr(Run, "__init__", lambda self, plan, settings, **_: seen.append(settings))
    monkeypatch.setattr("archbench.cli._carry_out._finish", lambda run, json: None)
    cli_here(*COMMAND, *(() if given is None else ("--per-device", given)), cwd=tmp_path)

    assert [settings.per_device for settings in seen] == [expected]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--per-device", "many"), "'many' is no number; give the trials at a time on each device, or auto"),
        (("--per-device", "-1"), "'-1' is no number"),
        (("--per-device", "auto", "--workers", "2"), "--workers is 2 and --per-device is auto"),
        (("--per-device", "2", "--devices-per-trial", "2"), "leave one out"),
        (
            ("--per-device", "auto", "--executor", "ray"),
            "measured on this machine, and --executor is 'ray'; give the number",
        ),
    ],
)
def test_trials_per_device_that_do_not_fit(given: tuple[str, ...], words: str, cli_here: Cli, tmp_path: Path) -> None:
    """What contradicts itself ends with code 2, one line, and nothing written."""
    done = cli_here(*COMMAND, *given, cwd=tmp_path)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_warns_of_the_time_limit(cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the forecast, and in JSON, stands which trials would exceed their limit."""
    cell = CellForecast(
        architecture="a", task="t", state="to train", reason="", trials=3, to_train=2, not_ok=0, tuning_trials=0,
        seconds_per_trial=90.0, protocol="quick", limit=60.0,
    )  # fmt: skip
    monkeypatch.setattr("archbench.cli._forecast.forecast", lambda *of: Forecast(cells=[cell], workers=2))
    shown = cli_here(*COMMAND, "--dry-run", cwd=tmp_path)
    plain = json.loads(cli_here(*COMMAND, "--dry-run", "--json", cwd=tmp_path).stdout)
    line = "2 trials are forecast to exceed the limit of 60 s: a on t (about 90 s); raise the limit with --timeout"

    assert shown.stdout.splitlines()[-1] == f"warning: {line}"
    assert plain["warnings"] == [line]
