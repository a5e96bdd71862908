"""`benchmark new`: what it writes works at once, and nothing is overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import archbench
from archbench.testing._scaffold import version_bounds

KINDS = pytest.mark.parametrize(
    ("arguments", "kind", "codes"),
    [(("tiny-net",), "architectures", 23), (("tiny-net", "--task-plugin"), "tasks", 14)],
    ids=["architecture", "task"],
)


def pretend_install(folder: Path, site: Path) -> None:
    """What pip would leave: the modules on a path, and a dist-info folder beside them."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    information = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        + "".join(f"Requires-Dist: {requirement}\n" for requirement in project["dependencies"])
    )
    points = "".join(f"{name} = {value}\n" for name, value in project["entry-points"]["archbench"].items())
    (information / "entry_points.txt").write_text(f"[archbench]\n{points}")
    for module in (folder / "src").iterdir():
        (site / module.name).symlink_to(module)


def environment(site: Path) -> dict[str, str]:
    """This environment, with a folder of installed packages more."""
    return {**os.environ, "PYTHONPATH": str(site)}


@KINDS
def test_new_package_is_found_and_passes(cli, tmp_path, arguments, kind, codes):
    """Generated, put on the path, listed under its name and conformant, without a single edit."""
    made = cli("new", *arguments, "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    pretend_install(tmp_path / json.loads(made.stdout)["folder"], tmp_path / "site")

    listed = cli("list", "--json", cwd=tmp_path, env=environment(tmp_path / "site"))
    checked = cli("check", "tiny-net", "--json", cwd=tmp_path, env=environment(tmp_path / "site"))
    results = json.loads(checked.stdout)["checked"][0]["checks"]

    assert "archbench-tiny-net/tiny-net@1" in [item["id"] for item in json.loads(listed.stdout)[kind]]
    assert listed.stderr == ""
    assert checked.returncode == 0, checked.stdout
    assert len(results) == codes
    assert {r["code"] for r in results if r["status"] != "passed"} <= {"B501", "B502", "T501"}


def test_name_flows_everywhere(cli, tmp_path):
    """Distribution, module, entry point and architecture follow from NAME; no placeholder is left."""
    cli("new", "tiny-net", cwd=tmp_path)
    folder = tmp_path / "archbench-tiny-net"
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]

    assert project["name"] == "archbench-tiny-net"
    assert project["entry-points"]["archbench"] == {"tiny-net": "archbench_tiny_net"}
    assert project["dependencies"] == ["archbench" + version_bounds(archbench.__version__)]
    assert 'name="tiny-net"' in (folder / "src/archbench_tiny_net/__init__.py").read_text()
    assert not [path for path in folder.rglob("*") if path.is_file() and "$" in path.read_text()]


@pytest.mark.parametrize("arguments", [(), ("--task-plugin",)], ids=["architecture", "task"])
def test_what_is_written_is_clean(cli, tmp_path, arguments):
    """The written code passes the linter that this project uses."""
    cli("new", "tiny-net", *arguments, cwd=tmp_path)

    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length", "120", "--select", "E,F,I,D1,N,UP"]
    done = subprocess.run(
        [*command, "--ignore", "D107", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    shape = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--check", "."]
    formatted = subprocess.run(shape, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert formatted.returncode == 0, formatted.stdout


def test_nothing_is_overwritten(cli, tmp_path):
    """A second time, or over a file, is an error and changes nothing."""
    cli("new", "tiny-net", cwd=tmp_path)
    readme = tmp_path / "archbench-tiny-net" / "README.md"
    readme.write_text("mine")

    done = cli("new", "tiny-net", cwd=tmp_path)

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
        ("mlp", "there is architecture 'mlp' already"),
        ("resnet-20", "there is architecture 'resnet-20' already"),
    ],
)
def test_bad_names_are_refused(cli, tmp_path, name, says):
    """A name that would not work somewhere is refused before anything is written."""
    done = cli("new", name, cwd=tmp_path)

    assert done.returncode == 2
    assert says in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "bounds"),
    [("0.1.0", ">=0.1,<0.2"), ("0.9.3", ">=0.9,<0.10"), ("1.2.0", ">=1.2,<2"), ("2.0", ">=2.0,<3")],
)
def test_upper_bound(version, bounds):
    """The bound is the next release that may break something."""
    assert version_bounds(version) == bounds


class Environment:
    """A fresh virtual environment that sees the packages of this one, and installs into itself."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.python = folder / "bin" / "python"
        # addsitedir and not a plain path: it follows the *.pth files there, of which an editable install is one.
        below = [path for path in sys.path if path.endswith("site-packages")]
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "below.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in below))

    def __call__(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run `python -m ...` there."""
        return subprocess.run(
            [str(self.python), "-m", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
        )


def succeeds(done: subprocess.CompletedProcess[str]) -> str:
    """Its standard output, if it went well."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


PIP = ("pip", "--disable-pip-version-check", "--no-input")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_nothing_to_the_leaderboard_and_back(tmp_path):
    """New, install, list, check, test, run, leaderboard with provenance, uninstall; the rest works afterwards."""
    run = Environment(tmp_path / "venv")
    succeeds(run("archbench", "new", "tiny-net", cwd=tmp_path))
    package = str(tmp_path / "archbench-tiny-net")
    succeeds(run(*PIP, "install", "--no-deps", "--no-build-isolation", package, cwd=tmp_path))

    assert "tiny-net" in succeeds(run("archbench", "list", cwd=tmp_path))
    assert "FAIL" not in succeeds(run("archbench", "check", "tiny-net", "--slow", cwd=tmp_path))
    assert "failed" not in succeeds(run("pytest", "-q", "-p", "no:cacheprovider", package, cwd=tmp_path))
    trained = ("archbench", "run", "tiny-net", "--protocol", "smoke", "--task", "digits", "--workers", "1", "--json")
    summary = json.loads(succeeds(run(*trained, cwd=tmp_path)))
    record = json.loads(next((tmp_path / "leaderboard").glob("records/*/*.json")).read_text())["record"]
    page = (tmp_path / "leaderboard" / "index.html").read_text()

    assert [trial["status"] for trial in summary["trials"]] == ["ok"]
    assert record["architecture_origin"]["distribution"] == "archbench-tiny-net"
    assert record["architecture_origin"]["version"] == "0.1.0"
    assert "tiny-net" in page
    assert "archbench-tiny-net" in page

    succeeds(run(*PIP, "uninstall", "--yes", "archbench-tiny-net", cwd=tmp_path))

    assert "tiny-net" not in succeeds(run("archbench", "list", cwd=tmp_path))
    assert "FAIL" not in succeeds(run("archbench", "check", "mlp", cwd=tmp_path))
    assert "1 records" in succeeds(run("archbench", "leaderboard", cwd=tmp_path))
    assert run("archbench", "check", "tiny-net", cwd=tmp_path).returncode == 2
