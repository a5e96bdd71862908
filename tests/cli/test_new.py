"""`benchmark new`: the new package works at once, and nothing is overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import pytest

import archbench
from archbench.cli._scaffold import version_bounds


@pytest.mark.parametrize(
    ("arguments", "kind", "codes"),
    [
        pytest.param(("tiny-net",), "architectures", 39, id="architecture"),
        pytest.param(("tiny-net", "--task-plugin"), "tasks", 23, id="task", marks=pytest.mark.slow),
    ],
)
def test_new_package_is_found_and_passes(cli, cli_here, pretend_install, tmp_path, arguments, kind, codes):
    """A new package that is put on the path is listed under its name and passes every check, without an edit."""
    made = cli_here("new", *arguments, "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    environment = pretend_install(tmp_path / json.loads(made.stdout)["folder"])

    listed = cli("list", "--json", cwd=tmp_path, env=environment)
    checked = cli("check", "tiny-net", "--json", cwd=tmp_path, env=environment)
    results = json.loads(checked.stdout)["checked"][0]["checks"]

    assert "archbench-tiny-net/tiny-net@1" in [item["id"] for item in json.loads(listed.stdout)[kind]]
    assert listed.stderr == ""
    assert checked.returncode == 0, checked.stdout
    assert len(results) == codes
    assert {r["code"] for r in results if r["status"] != "passed"} <= {"B111", "B209", "B501", "B502", "B601", "T501"}


def test_name_flows_everywhere(cli_here, tmp_path):
    """Distribution, module, entry point and architecture follow from NAME, and no placeholder is left."""
    cli_here("new", "tiny-net", cwd=tmp_path)
    folder = tmp_path / "archbench-tiny-net"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]

    assert project["name"] == "archbench-tiny-net"
    assert project["entry-points"]["archbench"] == {"tiny-net": "archbench_tiny_net"}
    assert project["dependencies"] == ["archbench" + version_bounds(archbench.__version__)]
    assert 'name="tiny-net"' in (folder / "src/archbench_tiny_net/__init__.py").read_text()
    assert not [path for path in folder.rglob("*") if path.is_file() and "$" in path.read_text()]


@pytest.mark.parametrize("arguments", [(), ("--task-plugin",)], ids=["architecture", "task"])
def test_new_code_is_clean(cli_here, tmp_path, arguments):
    """The new code passes the linter and the formatter that this project uses."""
    cli_here("new", "tiny-net", *arguments, cwd=tmp_path)

    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "120", "--select", "E,F,I,D1,N,UP"]
    done = subprocess.run(
        [*command, "--ignore", "D107", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    shape = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--check", "."]
    formatted = subprocess.run(shape, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert formatted.returncode == 0, formatted.stdout


def test_nothing_is_overwritten(cli_here, tmp_path):
    """Writing a package again is an error and changes no file."""
    cli_here("new", "tiny-net", cwd=tmp_path)
    readme = tmp_path / "archbench-tiny-net" / "README.md"
    readme.write_text("mine")

    done = cli_here("new", "tiny-net", cwd=tmp_path)

    assert done.returncode == 2
    assert "exists already and is left as it is" in done.stderr
    assert readme.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Tiny", "lower-case letters"),
        ("tiny_net", "lower-case letters"),
        ("../tiny", "lower-case letters"),
        ("7net", "a letter first"),
        ("tiny--net", "single '-'"),
        ("x" * 51, "lower-case letters"),
        ("archbench-tiny", "leave out 'archbench-'"),
        ("plugins", "the suite uses itself"),
        ("studies", "the suite uses itself"),
        ("mlp", "there is architecture 'mlp' already"),
        ("resnet-20", "there is architecture 'resnet-20' already"),
        ("depth", "there is study 'depth' already, see `benchmark study show depth`"),
    ],
)
def test_bad_names_are_refused(cli_here, tmp_path, name, says):
    """A name that cannot be used is refused before anything is written."""
    done = cli_here("new", name, cwd=tmp_path)

    assert done.returncode == 2
    assert says in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "bounds"),
    [("0.1.0", ">=0.1,<0.2"), ("0.9.3", ">=0.9,<0.10"), ("1.2.0", ">=1.2,<2"), ("2.0", ">=2.0,<3")],
)
def test_upper_bound(version, bounds):
    """The upper bound is the next release that may break something."""
    assert version_bounds(version) == bounds


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_nothing_to_the_leaderboard_and_back(fresh, tmp_path):
    """A new package can be installed, listed, checked, tested, run and uninstalled; the rest works afterwards."""
    fresh("archbench", "new", "tiny-net", cwd=tmp_path)
    package = str(tmp_path / "archbench-tiny-net")
    fresh.install(package)

    assert "tiny-net" in fresh("archbench", "list", cwd=tmp_path)
    assert "FAIL" not in fresh("archbench", "check", "tiny-net", "--slow", cwd=tmp_path)
    assert "failed" not in fresh("pytest", "-q", "-p", "no:cacheprovider", package, cwd=tmp_path)
    trained = ("archbench", "run", "tiny-net", "--protocol", "smoke", "--task", "digits", "--workers", "1", "--json")
    summary = json.loads(fresh(*trained, cwd=tmp_path))
    record = json.loads(next((tmp_path / "leaderboard").glob("records/*/*.json")).read_text())["record"]
    page = (tmp_path / "leaderboard" / "index.html").read_text()

    assert [trial["status"] for trial in summary["trials"]] == ["ok"]
    assert record["architecture_origin"]["distribution"] == "archbench-tiny-net"
    assert record["architecture_origin"]["version"] == "0.1.0"
    assert "tiny-net" in page
    assert "archbench-tiny-net" in page

    fresh.uninstall("archbench-tiny-net")

    assert "tiny-net" not in fresh("archbench", "list", cwd=tmp_path)
    assert "FAIL" not in fresh("archbench", "check", "mlp", cwd=tmp_path)
    assert "1 records" in fresh("archbench", "leaderboard", cwd=tmp_path)
    assert "no architecture 'tiny-net'" in fresh("archbench", "check", "tiny-net", cwd=tmp_path, code=2)
