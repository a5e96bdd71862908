"""Fake installed plugins: folders with a module and a `*.dist-info`, put on `sys.path`."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archbench._plugins import Plugins, PluginStatus, Problem, load_plugins

FAKES = Path(__file__).parent / "fakes"


class Fakes:
    """Loads fake plugins beside a healthy one, and checks that they do not change how the built-ins load."""

    def __init__(self, prepend: Callable[[str], None]) -> None:
        self._prepend = prepend
        self._without = _built_in(load_plugins())
        self.folders: list[str] = []

    def install(self, *folders: str | Path) -> None:
        """Put these folders on the path, in the order given; a name without a path is that of a folder in `fakes/`."""
        for folder in reversed(folders):
            self.folders.append(str(FAKES / folder))
            self._prepend(self.folders[-1])

    def load(self, *folders: str | Path, **arguments: Any) -> Plugins:
        """Load all plugins with these folders on the path."""
        self.install(*folders, "healthy")
        plugins = load_plugins(**arguments)
        assert "healthy-net/healthy-net@3" in {r.canonical for r in plugins.architectures}
        assert "healthy-net/healthy-task@1" in {r.canonical for r in plugins.tasks}
        assert _built_in(plugins) == self._without
        return plugins

    @staticmethod
    def problems(plugins: Plugins) -> list[Problem]:
        """Return the problems that are not about built-ins."""
        return [problem for problem in plugins.problems if not problem.plugin.startswith("archbench:")]

    @staticmethod
    def status(plugins: Plugins, name: str) -> PluginStatus:
        """Return the status of one plugin."""
        return next(status for status in plugins.statuses if status.name == name)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fakes]:
    """Fake plugins for one test; their modules are forgotten after it."""
    monkeypatch.delenv("ARCHBENCH_PLUGINS", raising=False)
    before = set(sys.modules)
    made = Fakes(monkeypatch.syspath_prepend)
    yield made
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(tuple(made.folders)):
            del sys.modules[name]


@pytest.fixture
def run_python() -> Callable[..., str]:
    """`run_python(code, *folders, **environment)` returns the output of a fresh interpreter with these folders."""
    return _run_python


def _run_python(code: str, *folders: str | Path, **environment: str) -> str:
    inherited = {key: value for key, value in os.environ.items() if key != "ARCHBENCH_PLUGINS"}
    paths = [*(str(FAKES / folder) for folder in folders), *filter(None, [inherited.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, "PYTHONPATH": os.pathsep.join(paths), **environment},
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
