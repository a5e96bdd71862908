"""The specimens: sound networks, and broken ones. Loaded once, under names that pickle finds again."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

HERE = Path(__file__).parent


def load(name: str) -> ModuleType:
    """A module beside this file, importable by its name afterwards."""
    full = f"conformance_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, HERE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks are faster on one thread, and the machine is shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per specimen."""
    if "sound" in metafunc.fixturenames:
        specimens = load("sound").SOUND
        metafunc.parametrize("sound", specimens, ids=[specimen.name for specimen in specimens])
    if "mutant" in metafunc.fixturenames:
        specimens = load("mutants").MUTANTS
        metafunc.parametrize("mutant", specimens, ids=[specimen.id for specimen in specimens])
    for name, listed in (("sound_task", "SOUND"), ("task_mutant", "MUTANTS")):
        if name in metafunc.fixturenames:
            specimens = getattr(load("task_mutants"), listed)
            metafunc.parametrize(name, specimens, ids=[getattr(s, "id", None) or s.name for s in specimens])


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
