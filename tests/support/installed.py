"""Environments with installed plugins: really installed, or with the files that pip would write."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def pretend_install(tmp_path: Path) -> Callable[[Path], dict[str, str]]:
    """Return a function that writes the files of an installed project, as pip would.

    It takes the folder of the project and returns the environment variables of a process that finds it installed.
    """

    def install(folder: Path) -> dict[str, str]:
        site = tmp_path / "site"
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
        return {**os.environ, "PYTHONPATH": str(site)}

    return install


class Fresh:
    """A virtual environment that sees the packages of the current one; plugins are installed into it."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.python = folder / "bin" / "python"
        # addsitedir instead of a plain path, because it follows *.pth files, of which an editable install is one.
        below = [path for path in sys.path if path.endswith("site-packages")]
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "below.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in below))

    def __call__(self, *arguments: str, cwd: Path, code: int = 0) -> str:
        """Run `python -m ...` there and return its standard output, or standard error if `code` is not 0.

        The process must end with `code`.
        """
        done = subprocess.run(
            [str(self.python), "-m", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def install(self, package: str | Path) -> None:
        """Install the project in a folder, without using the network."""
        self._pip("install", "--no-deps", "--no-build-isolation", str(package))

    def uninstall(self, distribution: str) -> None:
        """Remove a distribution."""
        self._pip("uninstall", "--yes", distribution)

    def _pip(self, *arguments: str) -> None:
        self("pip", "--disable-pip-version-check", "--no-input", *arguments, cwd=self.python.parent)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """Return one environment for all tests; a test must uninstall what it installs."""
    return Fresh(tmp_path_factory.mktemp("fresh") / "venv")
