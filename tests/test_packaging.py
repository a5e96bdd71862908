"""The parts of the distribution that no other test would miss."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import archbench

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_plugin_file_has_an_entry_point() -> None:
    """The entry points in pyproject.toml are the folders of the architectures, the tasks' modules, and the studies."""
    listed = set(PROJECT["project"]["entry-points"]["archbench"].values())
    folders = (path.parent.name for path in (ROOT / "plugins" / "archbench_plugins").glob("*/__init__.py"))
    modules = (path.stem for path in (ROOT / "tasks" / "archbench_tasks").glob("*.py"))
    architectures = {f"archbench_plugins.{name}" for name in folders if name != "shared"}
    tasks = {f"archbench_tasks.{name}" for name in modules if not name.startswith("_")}

    assert architectures | tasks | {"archbench_studies"} == listed


def test_installed_entry_points_are_current() -> None:
    """The installed entry points are those of pyproject.toml; if not, run pip install -e . again."""
    installed = {e.name: e.value for e in entry_points(group="archbench") if e.dist and e.dist.name == "archbench"}

    assert PROJECT["project"]["entry-points"]["archbench"] == installed


def test_facade_is_sorted_and_complete() -> None:
    """`__all__` is sorted, constants first, and names every public attribute of the facade."""
    submodules = {"cli", "hookspecs", "testing", "worker"}
    for_loading = {"TYPE_CHECKING", "importlib"}
    loaded = {name for name in vars(archbench) if not name.startswith("_")} - submodules - for_loading
    public = loaded | set(archbench._ON_DEMAND)

    assert sorted(archbench.__all__, key=lambda name: (not name.isupper(), name)) == archbench.__all__
    assert public == set(archbench.__all__)


def test_versions_agree() -> None:
    """The package and pyproject.toml carry one version, and the changelog has a dated section for it."""
    version = PROJECT["project"]["version"]

    assert archbench.__version__ == version
    assert re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_lightning_releases_with_malware_are_not_admitted() -> None:
    """The dependency on lightning excludes 2.6.2 and 2.6.3."""
    from packaging.requirements import Requirement

    (lightning,) = [
        requirement
        for requirement in map(Requirement, PROJECT["project"]["dependencies"])
        if requirement.name == "lightning"
    ]

    assert not lightning.specifier.contains("2.6.2")
    assert not lightning.specifier.contains("2.6.3")
    assert lightning.specifier.contains("2.6.6")


def test_the_facade_loads_nothing_heavy() -> None:
    """Importing the facade and the command line leaves torch, lightning and numpy alone."""
    code = (
        "import archbench, archbench.cli, sys; print([m for m in ('torch', 'lightning', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
