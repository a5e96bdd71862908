"""Commands that a verb suggests, and the folder that they name: they can be copied and work."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

import archbench
from support import Cli

PLUGIN = """
import archbench

RULES = archbench.Protocol(name="p", steps=archbench.equal_steps(2), batch_size=4, seeds=3, for_studies=True)
PART = archbench.Part(architectures=("mlp",), tasks=("digits",), protocol=RULES)


@archbench.hookimpl
def archbench_studies():
    yield archbench.Study(name="mine", question="?", sizes={"quick": (PART,)}, analyse=len)


@archbench.hookimpl
def archbench_claims():
    yield archbench.Claim(
        name="gate-helps", statement="?", source="?", study="mine", effect="?", statistic=len, rule="above",
        threshold=0.0, noise=1.0,
    )
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a plugin of a study and a claim, whose name needs quotes, and an empty folder of records."""
    (tmp_path / "my study.py").write_text(PLUGIN)
    (tmp_path / "out").mkdir()
    return tmp_path


def test_claims_are_decided_with_their_plugin(cli_here: Cli, folder: Path) -> None:
    """The command is there for a claim of a file; those of the suite do without the file."""
    where = ("--plugin", "my study.py", "--out", "out")
    one = cli_here("claims", "gate-helps", *where, cwd=folder).stdout
    every = cli_here("claims", *where, cwd=folder).stdout

    assert "to decide:    benchmark run mine --plugin 'my study.py' --out out" in one
    assert [line.split("it: ")[1] for line in every.splitlines() if " run mine" in line] == [
        "benchmark run mine --plugin 'my study.py' --out out"
    ]
    assert every.count("--plugin") == 2
    assert every.endswith("More about one: benchmark claims NAME --plugin 'my study.py' --out out\n")


def test_studies_are_trained_with_their_plugin(cli_here: Cli, folder: Path) -> None:
    """A file elsewhere is named by its whole path."""
    (folder / "below").mkdir()
    where = ("--plugin", "../my study.py")
    shown = cli_here("study", "show", "mine", *where, cwd=folder / "below").stdout
    listed = cli_here("study", "list", *where, cwd=folder / "below").stdout

    assert shown.endswith(f"Train it: benchmark run mine --plugin '{folder}/my study.py'\n")
    assert listed.endswith(f"Details of one: benchmark study show NAME --plugin '{folder}/my study.py'\n")


NET = """
import archbench


def build(task, options):
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(64, task.outputs))


@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="my-net", build=build, inputs=("image",))
"""


def test_a_comparison_goes_on_with_its_options(cli_here: Cli, folder: Path) -> None:
    """The command that would decide it asks the same question of the same plugins, trained in the same way."""
    (folder / "my net.py").write_text(NET)
    asked = ("my-net", "mlp", "--task", "digits", "--protocol", "smoke")
    how = ("--margin", "0.35", "--device", "cpu", "--timeout", "90.5")
    where = ("--plugin", "my net.py", "--no-plugin", "archbench:gru", "--no-plugin", "archbench:lstm", "--out", "out")
    done = cli_here("compare", *asked, "--seeds", "3", *how, *where, "--json", cwd=folder)

    assert json.loads(done.stdout)["command"] == shlex.join(["benchmark", "compare", *asked, *how, *where])


NEEDY = """
import archbench

FILE = archbench.RemoteFile(path="needy/a.bin", urls=("https://data.invalid/a.bin",), size=3, sha256="0" * 64)


@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(5, 1), outputs=2)
    for name in ("needy", "needy-too"):
        yield archbench.Task(name=name, info=info, load=print, loss="cross_entropy", metric="accuracy", chance=0.5,
                             oracle=1.0, summary="Needs a file", files=(FILE,), by_default=False)
"""


@pytest.mark.parametrize(
    ("arguments", "prepared"),
    [
        (("run", "mlp", "--task", "needy", "--plugin", "my task.py"), "needy"),
        (("run", "mlp", "--task", "needy*", "--plugin", "my task.py"), "needy needy-too"),
        (("check", "needy", "--plugin", "my task.py"), "needy"),
        (("check", "./my task.py"), "needy"),
    ],
)
def test_data_are_prepared_with_their_plugin(
    cli_here: Cli, folder: Path, arguments: tuple[str, ...], prepared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal of a task without its data is the same for its name and its file, and names the file."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(folder / "data"))
    (folder / "my task.py").write_text(NEEDY)
    done = cli_here(*arguments, cwd=folder)

    assert done.returncode == 2
    assert f"`benchmark data prepare {prepared} --plugin 'my task.py'`" in done.stderr
    listed = cli_here("data", "list", "--plugin", "my task.py", cwd=folder).stdout
    assert listed.endswith("benchmark data prepare NAME... --plugin 'my task.py'\n")
    everything = cli_here("list", "--plugin", "my task.py", cwd=folder).stdout
    assert everything.splitlines()[-2:] == [
        "Data that are missing: benchmark data prepare NAME --plugin 'my task.py'",
        "Details of one: benchmark show NAME --plugin 'my task.py'",
    ]


@pytest.mark.parametrize("verb", [("run", "mlp"), ("claims",), ("status",)])
def test_a_folder_without_a_name_is_refused(cli_here: Cli, folder: Path, verb: tuple[str, ...]) -> None:
    """An empty `--out`, as of a shell variable that is not set, would else be this folder."""
    done = cli_here(*verb, "--out", "", cwd=folder)

    assert done.returncode == 2
    assert done.stderr == "benchmark: --out is ''; name a folder, or '.' for this one\n"
    assert sorted(path.name for path in folder.iterdir()) == ["my study.py", "out"]


@pytest.mark.parametrize(
    "verb",
    [
        ("run", "mlp", "--task", "digits", "--out"),
        ("run", "mlp", "--task", "digits", "--dry-run", "--out"),
        ("run", "mlp", "--task"),
        ("claims", "--out"),
        ("status", "--out"),
        ("leaderboard", "--out"),
        ("data", "sample", "text"),
    ],
)
def test_a_path_that_the_system_refuses_is_one_line(cli_here: Cli, folder: Path, verb: tuple[str, ...]) -> None:
    """A name longer than a file system takes, like a folder that is locked, fails already where one looks for it."""
    name = "x" * 300
    done = cli_here(*verb, f"text:{name}" if verb[-1] == "--task" else name, cwd=folder)

    assert done.returncode == 2
    assert re.match(f"benchmark: cannot (use|read) {name}", done.stderr.splitlines()[-1])
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["my study.py", "out"]


def test_python_names_a_folder_that_the_system_refuses(tmp_path: Path) -> None:
    """From Python it is an error of the suite, as the command line has it."""
    out, observer = tmp_path / ("x" * 300), archbench.Observer()

    with pytest.raises(archbench.StoreError, match="File name too long; choose another folder"):
        archbench.run("mlp", tasks="digits", protocol="smoke", out=out, observer=observer)


@pytest.mark.parametrize("verb", ["run", "compare", "tune"])
def test_a_file_in_the_place_of_a_name(cli_here: Cli, folder: Path, verb: str) -> None:
    """`check` takes the file of a plugin, so people give it here, too; the answer says how."""
    more = ("--trials", "2") if verb == "tune" else ()
    done = cli_here(verb, "./my_net.py", "mlp", "--task", "digits", *more, cwd=folder)

    assert done.returncode == 2
    assert done.stderr == (
        "benchmark: no architecture './my_net.py'; give a plugin in one file with --plugin ./my_net.py, and here the "
        "name that it registers\n"
    )
