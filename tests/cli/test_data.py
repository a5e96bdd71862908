"""`benchmark data`, and runs of tasks whose files are missing."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from archbench import DataError
from archbench._plugins import load_plugins
from archbench._selection import check_availability, select
from archbench.cli._app import VERBS, make_app
from support import Cli, Make, ReadRecords, small_sets

PLUGIN = """
import dataclasses
import archbench
from archbench_tasks import mnist

FILES = {files!r}

@archbench.hookimpl
def archbench_tasks():
    for task in mnist.archbench_tasks():
        files = tuple(archbench.RemoteFile(path=f.path, **FILES[f.path]) for f in task.files)
        yield dataclasses.replace(task, files=files)
"""


@pytest.fixture
def local_mnist(site: Any, tmp_path: Path) -> list[str]:
    """Options that replace MNIST and Fashion-MNIST by small sets from the local server."""
    declared = {}
    for name, seed in (("mnist", 1), ("fashion-mnist", 2)):
        small_sets.write_idx_set(tmp_path / "served" / name, seed=seed)
        for path in (tmp_path / "served" / name).iterdir():
            content = path.read_bytes()
            site.files[f"/{name}/{path.name}"] = content
            declared[f"{name}/{path.name}"] = {
                "urls": (f"{site.address}/{name}/{path.name}",),
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
    plugin = tmp_path / "local_mnist.py"
    plugin.write_text(PLUGIN.format(files=declared))
    return ["--plugin", str(plugin), "--no-plugin", "archbench:mnist"]


@pytest.mark.slow
def test_prepare_then_run(
    local_mnist: list[str],
    cache: Path,
    cli: Cli,
    cli_here: Cli,
    tmp_path: Path,
    site: Any,
    records: ReadRecords,
) -> None:
    """Without its files a run refuses and names the command that gets them; after that command it trains."""
    run = ["run", "lenet", "--task", "mnist", "--protocol", "smoke", *local_mnist]
    refused = cli_here(*run, cwd=tmp_path)
    assert refused.returncode == 2
    assert "benchmark data prepare mnist" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "leaderboard").exists()
    assert site.asked == []

    prepared = cli_here("data", "prepare", "mnist", "--json", *local_mnist, cwd=tmp_path)
    assert prepared.returncode == 0, prepared.stderr
    assert [file["new"] for file in json.loads(prepared.stdout)["files"]] == [True] * 4
    assert "mnist/train-images-idx3-ubyte.gz" in prepared.stderr
    assert len(site.asked) == 4

    done = cli(*run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = records(tmp_path / "leaderboard")
    assert (record["status"], record["task_facts"]["chance"]) == ("ok", 0.1135)

    again = cli_here("data", "prepare", "mnist", "sequential-mnist", *local_mnist, cwd=tmp_path)
    assert again.stdout == f"4 files are ready in {cache}; 0 of them are new.\n"
    assert len(site.asked) == 4


def test_tasks_met_through_all_are_left_out(
    local_mnist: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task without its files is left out if a pattern named it; if no task is left, that is an error."""
    plans = []
    monkeypatch.setattr("archbench.cli._forecast.show_forecast", lambda plan, *rest, **more: plans.append(plan))
    CliRunner().invoke(
        make_app(VERBS), ["run", "mlp", "--task", "*i*", "--dry-run", *local_mnist], catch_exceptions=False
    )
    tasks = {cell.task.component.name for cell in plans[0].cells}
    assert "digits" in tasks
    assert not any("mnist" in task for task in tasks)
    with pytest.raises(DataError, match="task mnist: 4 files"):
        CliRunner().invoke(make_app(VERBS), ["check", "mnist", *local_mnist], catch_exceptions=False)

    with pytest.raises(DataError, match=r"mnist fashion-mnist sequential-mnist permuted-mnist --plugin .*mnist\.py`"):
        CliRunner().invoke(make_app(VERBS), ["run", "mlp", "--task", "*mnist", *local_mnist], catch_exceptions=False)


def test_line_for_each_task_left_out(cache: Path, make_task: Make, site: Any) -> None:
    """The line about a task left out names the task, the size, the folder and the command."""
    lacking = make_task("lacking", files=(site.remote("a.bin", b"abc"),))
    found = check_availability(select(["all"], [lacking, make_task("whole")], "task"))

    assert [task.registered.item.name for task in found.chosen] == ["whole"]
    assert found.left_out == [
        f"task lacking: 1 file (3 B) must be downloaded into {cache}, or checked, first; "
        "`benchmark data prepare lacking` does it"
    ]


def test_list_and_verify(local_mnist: list[str], cache: Path, cli_here: Cli, tmp_path: Path) -> None:
    """`list` and `show` say which files are there; `verify` exits with 1 if a file has changed."""

    def states() -> dict[str, str]:
        listed = json.loads(cli_here("data", "list", "--json", *local_mnist, cwd=tmp_path).stdout)
        everything = json.loads(cli_here("list", "--json", *local_mnist, cwd=tmp_path).stdout)["tasks"]
        found = {task["name"]: task["state"] for task in listed["tasks"]}
        assert listed["folder"] == str(cache)
        assert {task["name"]: task["data"] for task in everything if task["name"] in found} == found
        assert "" in {task["data"] for task in everything}
        return found

    assert states()["mnist"] == "missing"
    assert cli_here("data", "prepare", "mnist", *local_mnist, cwd=tmp_path).returncode == 0
    found = states()
    assert [found[name] for name in ("mnist", "sequential-mnist", "fashion-mnist")] == ["ready", "ready", "missing"]
    sound = cli_here("data", "verify", "--json", *local_mnist, cwd=tmp_path)
    assert sound.returncode == 0
    assert len(json.loads(sound.stdout)["sound"]) == 4

    labels = cache / "mnist/train-labels-idx1-ubyte.gz"
    labels.write_bytes(labels.read_bytes()[:-1])
    assert states()["mnist"] == "unchecked"
    shown = json.loads(cli_here("show", "mnist", "--json", *local_mnist, cwd=tmp_path).stdout)
    assert shown["files"]["mnist/train-labels-idx1-ubyte.gz"] == "unchecked"
    damaged = cli_here("data", "verify", *local_mnist, cwd=tmp_path)
    assert damaged.returncode == 1
    assert str(labels) in damaged.stderr
    assert re.fullmatch(rf"3 of 4 files in {cache} are as declared, \d+ are not there\.\n", damaged.stdout)
    assert cli_here("data", "prepare", "mnist", *local_mnist, cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("prepare", "nothing"), "no task 'nothing'"),
        (("prepare", "digits"), "digits needs no files"),
        (("verify", "digits"), "digits needs no files"),
        (("prepare", "imagenet"), "put or link the folders"),
    ],
)
def test_user_mistakes(arguments: tuple[str, ...], message: str, cache: Path, cli_here: Cli, tmp_path: Path) -> None:
    """A wrong name is one line and exit code 2, and an object with --json."""
    done = cli_here("data", *arguments, "--json", cwd=tmp_path)

    assert done.returncode == 2
    assert message in json.loads(done.stdout)["error"]
    assert len(done.stderr.splitlines()) == 1


def test_folders_of_the_user_are_named_once(cache: Path) -> None:
    """A task whose files cannot be downloaded says where to put them, and names no command that would not help."""
    (imagenet,) = [task for task in load_plugins(only=[]).tasks if task.item.name == "imagenet"]
    with pytest.raises(DataError) as error:
        check_availability(select(["imagenet"], [imagenet], "task"))

    assert str(error.value) == (
        f"task imagenet: there is nothing in {cache / 'imagenet/train'} and {cache / 'imagenet/val'}: put or link the "
        "folders of this name there that image-net.org gives you, in each a folder for every class"
    )


def test_a_folder_of_the_user_has_no_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list gives no size for ImageNet, which users bring themselves, rather than a size of 0."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path))
    lines = CliRunner().invoke(make_app(VERBS), ["data", "list"]).output.splitlines()

    (imagenet,) = [line for line in lines if line.startswith("imagenet")]
    assert imagenet.split()[1:3] == ["missing", "yours"]
