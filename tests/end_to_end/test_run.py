"""`benchmark run`, from selectors to the leaderboard."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import archbench
from archbench import Architecture, Task
from archbench._declarations import convert_options
from archbench._plugins import load_plugins
from support import Cli, ReadRecords


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_run_all_trains_every_pair_that_fits(
    smoke_run: Path, records: ReadRecords, smoke_tasks: tuple[str, ...]
) -> None:
    """`run all` leaves a record for each pair that fits; all others are refused with their reasons."""
    found = {(r["trial"]["architecture"]["name"], r["trial"]["task"]["name"]): r for r in records(smoke_run)}
    installed = load_plugins()
    architectures = [r.item for r in installed.architectures if r.item.by_default]
    tasks = [r.item for r in installed.tasks if r.item.name in smoke_tasks]
    fits = {(a.name, t.name) for a in architectures for t in tasks if fit(a, t)}

    assert {("resnet", "digits"), ("lstm", "adding")} <= fits
    assert ("resnet", "adding") not in fits
    refused = archbench.read(smoke_run).refused
    assert {record["status"] for record in found.values()} == {"ok"}
    assert found.keys() == fits
    assert all(record.message for record in refused)
    assert {(r.trial.architecture.name, r.trial.task.name) for r in refused} == {
        (a.name, t.name) for a in architectures for t in tasks
    } - fits


def fit(architecture: Architecture, task: Task) -> bool:
    """Return whether an architecture takes a task, both with their default options."""
    info = task.describe(convert_options(task, {}))
    if info.kind not in architecture.inputs:
        return False
    refuse = architecture.incompatible
    return refuse is None or refuse(info, convert_options(architecture, {})) is None


def test_run_writes_page_and_exports(smoke_run: Path) -> None:
    """The folder holds the page, the Markdown and the machine-readable exports, and no logs if every trial is ok."""
    assert {p.name for p in smoke_run.iterdir()} >= {
        "index.html",
        "README.md",
        "leaderboard.json",
        "leaderboard.csv",
        "records",
    }
    assert not (smoke_run / "logs").exists()
    assert "resnet-20" in (smoke_run / "index.html").read_text()


def test_records_hold_what_the_design_asks_for(smoke_run: Path, records: ReadRecords) -> None:
    """An ok record has finite scores, curves of one length, costs, pairing hashes and versions; no path or host."""
    for record in records(smoke_run):
        if record["status"] != "ok":
            continue
        curves = record["curves"]
        assert len({len(values) for values in curves.values()}) == 1
        effort = {"adding": 2.5, "permuted-digits": 4, "sequential-digits": 4}.get(record["trial"]["task"]["name"], 1)
        assert curves["step"] == [10 * effort, 20 * effort]
        assert record["scores"]["selected_step"] in curves["step"]
        assert record["resources"]["parameters"] > 0
        assert record["environment"]["torch"]
        text = json.dumps(record)
        assert str(smoke_run) not in text
        assert os.uname().nodename not in text


def test_run_without_tasks_takes_the_default_ones(
    cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --task, a run takes the tasks that are declared as default, and no others."""
    plans: list[Any] = []
    monkeypatch.setattr("archbench.cli._forecast.show_forecast", lambda plan, *rest, **more: plans.append(plan))
    done = cli_here("run", "mlp", "--protocol", "smoke", "--dry-run", cwd=tmp_path)
    tasks = [r.item for r in load_plugins().tasks]

    assert done.returncode == 0, done.stderr
    chosen = [*plans[0].cells, *plans[0].declined]
    assert {cell.task.component.name for cell in chosen} == {task.name for task in tasks if task.by_default}
    assert not all(task.by_default for task in tasks)


def test_same_seed_same_data(smoke_run: Path, records: ReadRecords) -> None:
    """On one task all architectures see the same splits and the same batches, whatever random numbers they draw."""
    hashes: dict[str, set[tuple[str, str]]] = {}
    for record in records(smoke_run):
        if record["status"] == "ok":
            pairing = record["pairing"]
            hashes.setdefault(record["trial"]["task"]["name"], set()).add((pairing["splits"], pairing["batches"]))

    assert {task: len(found) for task, found in hashes.items()} == {"adding": 1, "digits": 1, "sequential-digits": 1}


def test_second_run_trains_nothing_and_writes_the_same_bytes(
    smoke_run: Path, cli: Cli, smoke_tasks: tuple[str, ...]
) -> None:
    """When everything is trained, the same command loads no torch and changes no byte."""
    before = contents(smoke_run)
    done = cli("run", "all", *smoke_tasks, "--protocol", "smoke", "--json", cwd=smoke_run.parent)

    assert done.returncode == 0
    assert json.loads(done.stdout)["trained"] == 0
    assert "torch" not in done.stderr
    assert contents(smoke_run) == before


@pytest.mark.slow
def test_a_first_run_writes_the_page_of_a_second_run(cli_here: Cli, tmp_path: Path) -> None:
    """The page is the same whether the refused combinations were just found or were read from disk."""
    command = ("run", "rnn", "conv*", "--protocol", "smoke", "--task", "adding")
    cli_here(*command, cwd=tmp_path)
    before = contents(tmp_path)
    done = cli_here(*command, "--json", cwd=tmp_path)

    assert json.loads(done.stdout)["trained"] == 0
    assert contents(tmp_path) == before


def test_rebuilding_gives_the_same_bytes(smoke_run: Path, cli_here: Cli, tmp_path: Path) -> None:
    """The leaderboard depends on the records only: rebuilt from them in another folder, it has the same bytes."""
    shutil.copytree(smoke_run / "records", tmp_path / "copy" / "records")
    done = cli_here("leaderboard", "--out", "copy", "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    names = json.loads(done.stdout)["files"]
    assert {n: (tmp_path / "copy" / n).read_bytes() for n in names} == {n: (smoke_run / n).read_bytes() for n in names}


@pytest.mark.slow
def test_same_trial_from_scratch_gives_the_same_scores(
    smoke_run: Path, cli_here: Cli, records: ReadRecords, tmp_path: Path
) -> None:
    """A trial that is trained again in another folder and another order has the same scores and curves."""
    done = cli_here(
        "run", "resnet", "stochastic-depth", "lstm", "--protocol", "smoke", "--task", "adding", "--task", "digits",
        "--seeds", "2", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first = {r["id"]: r for r in records(smoke_run)}
    again = {r["id"]: r for r in records(tmp_path / "leaderboard") if r["status"] == "ok"}

    assert len(again) == 8  # the lstm takes images too, row by row
    assert sum(key in first for key in again) == 4
    for key in again.keys() & first.keys():
        assert again[key]["scores"] == first[key]["scores"]
        assert again[key]["curves"]["train_loss"] == first[key]["curves"]["train_loss"]
    seeds = {r["trial"]["seed"]: r["scores"]["test"] for r in again.values() if r["trial"]["task"]["name"] == "adding"}
    assert seeds[0] != seeds[1]


def test_one_file_plugin_gets_its_row(cli: Cli, cli_here: Cli, tmp_path: Path, records: ReadRecords) -> None:
    """A network in a single file runs beside the built-ins, and is trained again after an edit of the file."""
    source = (
        "import archbench, math\n"
        "def build(task, options):\n"
        "    from torch import nn\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs))\n"
        "@archbench.hookimpl\n"
        "def archbench_architectures():\n"
        "    yield archbench.Architecture(name='linear', build=build, inputs=('image',),\n"
        "        expected_failures={'B404': 'an exception, declared'})\n"
    )
    plugin = tmp_path / "resnet.py"  # the built-in module of this name must still be imported
    plugin.write_text(source)
    command = ["run", "linear", "mlp", "--plugin", "resnet.py", "--task", "digits", "--protocol", "smoke", "--json"]
    first = cli(*command, cwd=tmp_path)
    plugin.write_text(source + "# edited\n")
    second = cli_here(*command, cwd=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert json.loads(first.stdout)["trained"] == 2
    assert json.loads(second.stdout)["trained"] == 1
    linear = [r for r in records(tmp_path / "leaderboard") if r["trial"]["architecture"]["name"] == "linear"]
    assert {r["architecture_origin"]["distribution"] for r in linear} == {"resnet.py"}
    page = (tmp_path / "leaderboard" / "index.html").read_text()
    assert "--plugin" in page
    assert "declared exception B404: an exception, declared" in page


def test_dry_run_forecasts_and_keeps_nothing(cli_here: Cli, tmp_path: Path) -> None:
    """A dry run measures each pair that was never trained, prints states and costs, and writes nothing."""
    tasks = ("--task", "digits", "--task", "adding")
    done = cli_here("run", "mlp", "lstm", "--protocol", "quick", *tasks, "--dry-run", "--json", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    forecast = json.loads(done.stdout)
    cells = {(c["architecture"], c["task"]): c for c in forecast["cells"]}
    assert [(r["architecture"], r["task"]) for r in forecast["refused"]] == [("mlp", "adding")]
    assert cells["mlp", "digits"]["to_train"] == 3
    assert 0 < cells["mlp", "digits"]["seconds_per_trial"] < cells["lstm", "adding"]["seconds_per_trial"]
    spread = sum(c["seconds"] for c in cells.values()) / forecast["workers"]
    assert forecast["seconds"] == pytest.approx(max(spread, cells["lstm", "adding"]["seconds_per_trial"]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "resnett"], "did you mean 'resnet'"),
        (["run", "resnet[depth=8"], "is not a selector"),
        (["run", "resnet[depth=x]"], "depth is 'x'; give a whole number; see `benchmark show resnet`"),
        (["run", "resnet[depth=21]"], "20"),
        (["run", "mlp", "--task", "adding"], "takes image, the task gives sequence"),
        (["run", "all", "--seeds", "0"], "at least 1"),
        (["run", "all", "--workers", "0"], "at least 1"),
        (["run", "all", "--protocol", "qick"], "did you mean 'quick'"),
        (["run", "all", "--task", "digit"], "did you mean 'digits'"),
        (["run", "all", "--timeout", "-1"], "a positive number"),
        (["run", "all", "--out", "a-file"], "a-file"),
        (["run", "all", "--out", "/proc/nowhere"], "/proc/nowhere"),
        (["run", "all", "--plugin", "missing.py"], "missing.py"),
        (["run"], "missing argument 'SELECTOR'"),
        (["run", "all", "--seeds", "many"], "'--seeds'"),
        (["run", "all", "--seeds", "0,1"], "'0,1' is no number; --seeds 3 trains with the seeds 0, 1 and 2"),
        (["run", "all", "--task", "a-file"], "'a-file' is a file; say what it holds: images:a-file or sequences:"),
        (["run", "all", "--task", "."], "'.' is a folder; say what it holds: images:. or sequences:"),
        (["run", "mlp", "--lr", "1"], "--lr; the protocol sets it, for all entrants alike. Write a file mine.toml"),
        (["run", "mlp", "--protocol", "paper", "--task", "digits"], "nothing can be trained: no own recipe"),
        (["list", "--kind", "film"], "'film' is not one of 'image', 'sequence', 'tokens'"),
        (["run", "all", "--sed", "3"], "no such option: --sed"),
        (["run", "all", "--device", "tpu"], "'tpu' is not one of"),
        (["rum", "all"], "no such command 'rum'"),
        (["leaderboard", "--out", "nowhere"], "benchmark run all --out nowhere"),
        (["show", "resnett"], "did you mean 'resnet'"),
        (["show", "imagenett"], "did you mean 'imagenet'"),
        (["show", "long-lag-2d"], "did you mean 'long-lag-2"),
        (["show", "nothing-like-it"], "`benchmark list` shows what there is"),
        (["show", "lstm[forget_gate=no]"], "forget_gate is 'no'; give one of learned, coupled, none; see"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, cli_here: Cli, tmp_path: Path
) -> None:
    """Every mistake ends at once with one line of advice and exit code 2, and leaves no results behind."""
    (tmp_path / "a-file").write_text("mine")
    done = cli_here(*arguments, cwd=tmp_path)

    assert done.returncode == 2, done.stderr
    assert message in " ".join(done.stderr.split())
    assert len(done.stderr.splitlines()) == 1
    assert {p.name for p in tmp_path.rglob("*") if p.name != ".lock"} <= {"a-file", "leaderboard", "records"}


@pytest.mark.parametrize("name", ["README.md", "index.html"])
def test_pages_of_others_are_not_replaced(name: str, cli_here: Cli, tmp_path: Path) -> None:
    """In a folder with a README or page of someone else and no records, neither a run nor a rebuild writes anything."""
    (tmp_path / name).write_text("mine")
    run = cli_here("run", "mlp", "--task", "digits", "--protocol", "smoke", "--out", ".", cwd=tmp_path)
    rebuilt = cli_here("leaderboard", "--out", ".", cwd=tmp_path)

    assert run.returncode == rebuilt.returncode == 2
    assert name in run.stderr
    assert run.stderr == rebuilt.stderr
    assert contents(tmp_path) == {name: b"mine"}


def test_help_shows_how_a_selector_is_written(cli_here: Cli, tmp_path: Path) -> None:
    """Help shows the brackets of a selector, which could be taken for markup."""
    assert "NAME[option=value,value]" in cli_here("run", "--help", cwd=tmp_path).stdout


def test_device_that_is_not_there(cli_here: Cli, tmp_path: Path) -> None:
    """On a machine without CUDA, `--device cuda` is an error with advice."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    done = cli_here("run", "mlp", "--task", "digits", "--protocol", "smoke", "--device", "cuda", cwd=tmp_path)

    assert done.returncode == 2
    assert "no CUDA device" in done.stderr


@pytest.mark.parametrize("name", ["digits", "mlp", "quick"])
def test_show_has_no_empty_headings(name: str, cli_here: Cli, tmp_path: Path) -> None:
    """Every heading is followed by lines; where there are none, its own line says none."""
    lines = cli_here("show", name, cwd=tmp_path).stdout.splitlines()

    headings = [index for index, line in enumerate(lines) if line.endswith(":") and not line.startswith(" ")]
    assert all(lines[index + 1 : index + 2] and lines[index + 1].startswith("  ") for index in headings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["resnett"], "did you mean 'resnet'"), (["mlp", "--seeds", "many"], "'--seeds'"), ([], "'SELECTOR'")],
)
def test_errors_are_json_too(arguments: list[str], message: str, cli_here: Cli, tmp_path: Path) -> None:
    """With --json, a mistake is also an object on standard output, even a mistake in the options."""
    done = cli_here("run", *arguments, "--json", cwd=tmp_path)

    assert done.returncode == 2
    assert message in json.loads(done.stdout)["error"]


def test_newer_record_blocks_its_own_row(
    smoke_run: Path, cli_here: Cli, tmp_path: Path, smoke_tasks: tuple[str, ...]
) -> None:
    """A record of a newer schema costs its trial and exit code 1; the file stays as it is, and all others count."""
    out = tmp_path / "leaderboard"
    shutil.copytree(smoke_run, out)
    path = next(out.glob("records/*/*.json"))
    path.write_text(path.read_text().replace('{"schema":2', '{"schema":99', 1))
    before = path.read_bytes()
    done = cli_here("run", "all", *smoke_tasks, "--protocol", "smoke", cwd=tmp_path)

    assert done.returncode == 1
    assert "newer archbench" in done.stderr
    assert re.search(r"\n1 of \d+ trials did not end ok; --retry repeats none of them", done.stderr)
    assert path.read_bytes() == before


@pytest.mark.slow
def test_torn_record_is_set_aside_and_trained_again(cli_here: Cli, tmp_path: Path) -> None:
    """A torn record is set aside with a message, and only its trial is trained again."""
    out = tmp_path / "leaderboard"
    command = ("run", "mlp", "rnn", "--task", "digits", "--protocol", "smoke", "--seeds", "2", "--json")
    cli_here(*command, cwd=tmp_path)
    path, *_ = out.glob("records/*/*.json")
    path.write_bytes(path.read_bytes()[:200])
    dry = cli_here(*command, "--dry-run", cwd=tmp_path)
    assert "a run will set it aside" in dry.stderr
    assert path.exists()
    done = cli_here(*command, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert sum(cell["to_train"] for cell in json.loads(dry.stdout)["cells"]) == 1
    assert json.loads(done.stdout)["trained"] == 1
    assert "was moved to set-aside" in done.stderr
    assert [p.name for p in (out / "set-aside").iterdir()] == [path.name]


OBSERVER = """
import archbench

@archbench.hookimpl
def archbench_trial_started(trial):
    with open("seen.txt", "a") as file:
        print("started", trial, file=file)

@archbench.hookimpl
def archbench_trial_finished(trial, record):
    with open("seen.txt", "a") as file:
        print(record.status, trial, file=file)
    raise RuntimeError("a clumsy observer")

@archbench.hookimpl
def archbench_leaderboard_sections(records):
    print("a talkative section")
    yield archbench.Section(title="Tally", text=f"{len(records)} records <b>seen</b>")
"""


@pytest.mark.slow
def test_section_that_raises_is_in_the_exit_code(cli_here: Cli, tmp_path: Path) -> None:
    """If a plugin cannot make its section, the page says so and the exit code is 1, in a run and in a rebuild."""
    broken = (
        "import archbench\n@archbench.hookimpl\ndef archbench_leaderboard_sections(records):\n    raise KeyError('x')\n"
    )
    (tmp_path / "watch.py").write_text(broken)
    command = ("run", "mlp", "--task", "digits", "--protocol", "smoke", "--plugin", "watch.py", "--json")
    run = cli_here(*command, cwd=tmp_path)
    rebuild = cli_here("leaderboard", "--plugin", "watch.py", "--json", cwd=tmp_path)

    assert (run.returncode, rebuild.returncode) == (1, 1)
    for done in (run, rebuild):
        assert "archbench_leaderboard_sections raised KeyError" in done.stderr
        assert "archbench_leaderboard_sections raised KeyError" in str(json.loads(done.stdout)["problems"])
    assert "archbench_leaderboard_sections raised" in (tmp_path / "leaderboard" / "index.html").read_text()


def test_hints_can_be_copied(smoke_run: Path, cli_here: Cli, tmp_path: Path, smoke_tasks: tuple[str, ...]) -> None:
    """A command that is shown for copying quotes a folder with a space."""
    shutil.copytree(smoke_run, tmp_path / "my results")
    done = cli_here("run", "all", *smoke_tasks, "--protocol", "smoke", "--out", "my results", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "--out 'my results'" in done.stdout


@pytest.mark.slow
def test_observers_and_sections(cli: Cli, tmp_path: Path) -> None:
    """Hooks hear of every trial; a hook that raises is reported; sections are on the page."""
    (tmp_path / "watch.py").write_text(OBSERVER)
    tasks = ("--task", "digits", "--task", "adding")
    command = ("run", "mlp", "--protocol", "smoke", "--seeds", "2", "--plugin", "watch.py", "--json", *tasks)
    done = cli(*command, cwd=tmp_path)
    seen = (tmp_path / "seen.txt").read_text().splitlines()
    page = (tmp_path / "leaderboard" / "index.html").read_text()
    heard = ("started mlp on digits", "ok mlp on digits")

    assert sorted(seen) == sorted(f"{what}, seed {seed}" for what in heard for seed in (0, 1))
    assert json.loads(done.stdout)["exit_code"] == done.returncode == 1  # plugins cannot spoil the JSON
    assert "a talkative section" in done.stderr
    assert done.stderr.count("a clumsy observer") == 2  # when it happens, and at the end of the run
    assert "Tally" in page
    assert "2 records &lt;b&gt;seen&lt;/b&gt;" in page
