"""Fake installed plugins: folders with a module and a `*.dist-info`, put on `sys.path`."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archbench._plugins import Plugins, PluginStatus, Problem, load_plugins

FAKES = Path(__file__).parent / "fakes"


class Fakes:
    """Loads fake plugins beside a healthy one, and sees to it that all others are as they would be without."""

    def __init__(self, install: Callable[[Path], None]) -> None:
        self._install = install
        self._without = _built_in(load_plugins())

    def load(self, *cases: str, **arguments: list[str] | None) -> Plugins:
        """Load with these folders of `fakes/` on the path."""
        return self.load_folders(*(FAKES / case for case in cases), **arguments)

    def load_folders(self, *folders: Path, **arguments: list[str] | None) -> Plugins:
        """Load with any folders on the path; the first given comes first."""
        for folder in (FAKES / "healthy", *reversed(folders)):
            self._install(folder)
        plugins = load_plugins(**arguments)
        assert "healthy-net/healthy-net@3" in {r.canonical for r in plugins.architectures}
        assert "healthy-net/healthy-task@1" in {r.canonical for r in plugins.tasks}
        assert _built_in(plugins) == self._without
        return plugins


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fakes]:
    """Fake plugins for one test; their modules are forgotten after it."""
    before = set(sys.modules)
    yield Fakes(lambda folder: monkeypatch.syspath_prepend(str(folder)))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FAKES)):
            del sys.modules[name]
    importlib.invalidate_caches()


def problems_of(plugins: Plugins, prefix: str) -> list[Problem]:
    """The problems of plugins whose name starts so."""
    return [problem for problem in plugins.problems if problem.plugin.startswith(prefix)]


def status_of(plugins: Plugins, name: str) -> PluginStatus:
    """The status of one plugin."""
    return next(status for status in plugins.statuses if status.name == name)


def run_python(code: str, *path: Path, **environment: str) -> str:
    """What a fresh interpreter prints that has these folders on its path."""
    inherited = {key: value for key, value in os.environ.items() if key != "ARCHBENCH_PLUGINS"}
    paths = os.pathsep.join([*map(str, path), *filter(None, [inherited.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _built_in(plugins: Plugins) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    built_in = [s for s in plugins.statuses if s.origin.distribution == "archbench"]
    return [(s.name, s.status, s.architectures, s.tasks) for s in built_in]
