"""Environments that plugins are installed into, for real or as pip would have left them."""

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
    """`pretend_install(folder)`: what pip would leave of this project, as an environment that sees it."""

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
    """A fresh virtual environment that sees the packages of this one, and installs into itself."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.python = folder / "bin" / "python"
        # addsitedir and not a plain path: it follows the *.pth files there, of which an editable install is one.
        below = [path for path in sys.path if path.endswith("site-packages")]
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "below.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in below))

    def __call__(self, *arguments: str, cwd: Path, code: int = 0) -> str:
        """Standard output of `python -m ...` there, which must end with this code; of an error, standard error."""
        done = subprocess.run(
            [str(self.python), "-m", *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def install(self, package: str | Path) -> None:
        """Install a folder, without a network."""
        self._pip("install", "--no-deps", "--no-build-isolation", str(package))

    def uninstall(self, distribution: str) -> None:
        """Remove it again."""
        self._pip("uninstall", "--yes", distribution)

    def _pip(self, *arguments: str) -> None:
        self("pip", "--disable-pip-version-check", "--no-input", *arguments, cwd=self.python.parent)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """One fresh environment; what a test installs there it also removes."""
    return Fresh(tmp_path_factory.mktemp("fresh") / "venv")
