"""A process that has the libraries loaded, and forks for every run of the tests: a run then starts in a second.

It reads one request in JSON from each line of the standard input, and answers with a line of JSON.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any

LIBRARIES = (
    "_hypothesis_pytestplugin",
    "anyio.pytest_plugin",
    "cloudpickle",
    "coverage",
    "http.server",
    "hypothesis.strategies",
    "jinja2",
    "lightning.pytorch",
    "msgspec",
    "pandas",
    "PIL.PngImagePlugin",
    "platformdirs",
    "pyarrow.parquet",
    "pytest_cov.plugin",
    "pytest_timeout",
    "scipy.integrate",
    "scipy.optimize",
    "scipy.stats",
    "threadpoolctl",
    "torch._dynamo",
    "torchmetrics",
    "typer",
    "venv",
    "xdist.looponfail",
    "xdist.plugin",
)
"""Libraries that tests import, and none of our own code: a mutant must be imported afresh."""


def main() -> None:
    """Answer requests until there are no more."""
    from _pytest.config import default_plugins

    for name in (*LIBRARIES, *(f"_pytest.{plugin}" for plugin in default_plugins)):
        importlib.import_module(name)
    gc.freeze()  # pytest collects garbage at its end; the libraries are none
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run the tests of a request in a fork and return what came of it.

    Args:
        request: `files`, the files of tests in order; `only`, the names of the tests to run, or None for all; `but`,
            beginnings of those to leave out; `limits`, seconds for single tests; `limit`, seconds for all; `modules`,
            files whose lines are noted, by test; `log`, a file for the output.

    Returns:
        `code` of pytest, or -1 if the time was over; `failed`, the first test that failed; `seconds` of each test; and
        `lines`, for each module and line the tests that ran it.
    """
    result = Path(request["log"]).with_suffix(".json")
    result.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        try:
            run(request, result)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(0)
    end = time.monotonic() + request["limit"]
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return {"code": -1, "failed": "out of time"}
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what a test left behind
    if not result.exists():
        return {"code": -1, "failed": "the tests died"}
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def run(request: dict[str, Any], result: Path) -> None:
    """Run pytest in this process and write what came of it into a file."""
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    import coverage
    import hypothesis
    import pytest

    class Plugin(Observer):
        pytest_fixture_setup = pytest.hookimpl(wrapper=True)(Observer.pytest_fixture_setup)

    observer = Plugin(request)
    no_shrinking = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("mutants", phases=no_shrinking, derandomize=True, database=None)
    hypothesis.settings.load_profile("mutants")
    if request["modules"]:
        observer.coverage = coverage.Coverage(data_file=None, config_file=False, include=request["modules"])
        observer.coverage.start()
    options = ["-x", "-q", "-n0", "-p", "no:cacheprovider", f"--basetemp={result.with_suffix('.tmp')}"]
    if request["only"]:
        options += ["--tb=line"]  # nobody reads how a mutant fails
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of the libraries that are loaded
    options += ["-m", "not slow and not performance and not browser and not gpu"]
    code = int(pytest.main([*options, *request["files"]], plugins=[observer]))
    found = {"code": code, "failed": observer.failed, "seconds": observer.seconds, "lines": observer.lines()}
    result.write_text(json.dumps(found))


class Observer:
    """A plugin of pytest that picks the tests of a request and notes how each goes."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.coverage: Any = None
        self.failed: str | None = None
        self.seconds: dict[str, float] = {}
        self.users: dict[str, list[str]] = {}  # the tests that use each fixture

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Leave the tests that the request names, each with its limit of time."""
        import pytest

        only, but, limits = self.request["only"], tuple(self.request["but"]), self.request["limits"]
        wanted = None if only is None else set(only)
        items[:] = [i for i in items if not i.nodeid.startswith(but) and (wanted is None or i.nodeid in wanted)]
        for item in items:
            if item.nodeid in limits:
                item.add_marker(pytest.mark.timeout(limits[item.nodeid]))

    def pytest_collectreport(self, report: Any) -> None:
        """Note a file of tests that cannot be imported."""
        if report.failed:
            self.failed = self.failed or f"import of {report.nodeid}"

    def pytest_runtest_protocol(self, item: Any) -> None:
        """Note the lines that follow as those of this test."""
        self._note(item.nodeid)
        for name in item.fixturenames:
            for fixture in item._fixtureinfo.name2fixturedefs.get(name, ()):
                self.users.setdefault(key(fixture), []).append(item.nodeid)

    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        """Note the lines of a fixture that several tests share as those of all of them."""
        if fixturedef.scope == "function":
            return (yield)
        self._note(key(fixturedef))
        try:
            return (yield)
        finally:
            self._note(request._pyfuncitem.nodeid)

    def _note(self, context: str) -> None:
        if self.coverage:
            self.coverage.switch_context(context)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the seconds of a test, and the first that failed."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            late = " (out of time)" if "Failed: Timeout" in str(report.longrepr) else ""
            self.failed = self.failed or report.nodeid + late

    def lines(self) -> dict[str, dict[int, list[str]]]:
        """Return for each module and line the tests that ran it; lines that an import ran are left out."""
        if not self.coverage:
            return {}
        self.coverage.stop()
        data = self.coverage.get_data()
        return {path: self._tests(data.contexts_by_lineno(path)) for path in data.measured_files()}

    def _tests(self, contexts: dict[int, list[str]]) -> dict[int, list[str]]:
        return {
            n: [test for name in names if name for test in self.users.get(name, [name])]
            for n, names in contexts.items()
        }


def key(fixture: Any) -> str:
    """Return a name for a fixture."""
    return f"fixture {fixture.argname} of {fixture.baseid}"


if __name__ == "__main__":
    main()
