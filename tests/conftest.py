"""Fixtures that tests of several rooms use: declarations, records, commands, a data folder."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from filelock import FileLock

import archbench
from archbench._declarations import Architecture, Task
from archbench._plugins import PluginSource, Registered
from archbench._protocols import find_protocol
from archbench._records import (
    Curves,
    Environment,
    Origin,
    Pairing,
    Record,
    Scores,
    TaskFacts,
    Training,
    Trial,
)
from archbench._selection import make_component
from archbench.cli import main
from support import Cli, Make, MakeRecord, ReadRecords, small_sets

pytest_plugins = ["support.installed", "support.web_site"]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return 2 for the whole suite, whose tests mostly wait; 0, so no other process, for a part or for timings."""
    whole = config.args == config.getini("testpaths")
    return 2 if whole and config.option.markexpr != "performance" else 0


EXPECTED_SKIPS = (
    "needs a CUDA device",
    "this machine has a CUDA device",
    "root may write anywhere",
    "no fingerprint is kept; --accept keeps one",  # checks of the conformance kit that wait for an option
    "slow; add --slow",
    "it takes no long sequences",
    "it returns no penalties",
    "torch.compile traces neither nn.LSTM nor nn.GRU nor nn.RNN",
)
"""Reasons for which a test may be skipped in CI: what they need is not part of every machine or of this run."""

CAMPAIGN = "campaign: "
"""How the names of the properties of reports begin that count faults; see `count`."""

UNEXPECTED = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the list of skips that CI does not expect; let processes beside each other use one thread each."""
    if config.getoption("numprocesses", None):
        # The workers inherit it. A trial may use all cores: its threads would burn them while they wait for each other.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if hasattr(config, "workerinput"):
        import torch  # not at the top: a single file of tests may do without it

        torch.set_num_threads(1)
    config.stash[UNEXPECTED] = []
    config.pluginmanager.register(Skips(config))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, which would take a fifth of the time: nearly all of it stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class Skips:
    """Counts skipped tests; in CI one for another reason than `EXPECTED_SKIPS` fails the run.

    A browser or a library that is missing would otherwise turn its tests off in silence.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skip for a reason that is not expected."""
        if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            if not reason.startswith(EXPECTED_SKIPS):
                self.config.stash[UNEXPECTED].append(f"{report.nodeid}: {reason}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file of tests that was skipped as a whole."""
        if report.skipped and isinstance(report.longrepr, tuple):
            self.config.stash[UNEXPECTED].append(f"{report.nodeid}: {report.longrepr[2]}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if CI skipped a test that it should have run."""
        if os.environ.get("CI") and self.config.stash[UNEXPECTED] and session.exitstatus == 0:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the unexpected skips, and how often campaigns of faults struck."""
        for line in self.config.stash[UNEXPECTED]:
            terminalreporter.write_line(f"unexpected skip: {line}", red=True)
        counts: Counter[str] = Counter()
        for status in ("passed", "failed"):
            for report in terminalreporter.stats.get(status, ()):
                for name, number in report.user_properties:
                    counts[f"{name}: {status}"] += number if name.startswith(CAMPAIGN) else 0
        for line, number in sorted((+counts).items()):
            terminalreporter.write_line(f"{number} {line.removeprefix(CAMPAIGN)}")


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Callable[[int, str], None]:
    """Tell the summary how many things of a kind this test tries, such as 8 kills; workers of xdist pass it on."""
    return lambda number, what: record_property(CAMPAIGN + what, number)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The cache folder of all tests, so that none reads or changes what the user's commands found out on plugins."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def own_temporary_files() -> Iterator[None]:
    """The folder for temporary files of all commands that tests start: those that a test kills cannot remove theirs."""
    tempfile.gettempdir()  # that of the tests themselves, which Python looks up once
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="tests-", ignore_cleanup_errors=True) as folder,
    ):
        patch.setenv("TMPDIR", folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of all tests, with small sets, so that no test sees or changes the user's downloads."""
    folder = tmp_path_factory.mktemp("data")
    small_sets.write_all(folder)
    before = os.environ.get("ARCHBENCH_DATA")
    os.environ["ARCHBENCH_DATA"] = str(folder)
    yield folder
    del os.environ["ARCHBENCH_DATA"]
    if before is not None:
        os.environ["ARCHBENCH_DATA"] = before


@pytest.fixture
def forked_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions of plugins are called in a copy of this process, whatever threads other tests have left in it.

    The other way, in a fresh interpreter, asks for plugins that are installed; those of most tests are not.
    """
    monkeypatch.setattr("archbench._plugins._calling.can_fork", lambda: True)


@dataclass(frozen=True)
class ToyOptions:
    """An option of every type."""

    depth: Annotated[int, archbench.Meta(ge=1, description="layers")] = 2
    rate: float = 0.5
    gated: bool = False
    cell: str = "tanh"


def registered(item: Any, distribution: str = "toys", version: str = "1.0") -> Registered[Any]:
    """Return a declaration as the loader registers it."""
    return Registered(
        item=item,
        origin=Origin(distribution=distribution, version=version, entry_point="toy"),
        source=PluginSource(distribution=distribution, entry_point="toy", value="toy"),
    )


@pytest.fixture
def make_architecture() -> Make:
    """`make_architecture(name, **changes)` returns a registered architecture with `ToyOptions`."""

    def make(
        name: str = "toy", distribution: str = "toys", version: str = "1.0", **changes: Any
    ) -> Registered[Architecture]:
        declared: dict[str, Any] = {
            "name": name,
            "build": "toy:build",
            "inputs": ("image",),
            "options": ToyOptions,
            "variants": {f"{name}-9": {"depth": 9}},
        }
        return registered(Architecture(**{**declared, **changes}), distribution, version)

    return make


@pytest.fixture
def make_task() -> Make:
    """`make_task(name, kind, **changes)` returns a registered task."""

    def make(name: str = "pictures", kind: str = "image", **changes: Any) -> Registered[Task]:
        shape = (1, 8, 8) if kind == "image" else (5, 2)
        declared: dict[str, Any] = {
            "name": name,
            "info": archbench.TaskInfo(kind=kind, input_shape=shape, outputs=3),  # type: ignore[arg-type]
            "load": "toy:load",
            "loss": "cross_entropy",
            "metric": "accuracy",
            "chance": 1 / 3,
            "oracle": 1.0,
        }
        return registered(Task(**{**declared, **changes}))

    return make


@pytest.fixture
def make_record(make_architecture: Make, make_task: Make) -> MakeRecord:
    """`make_record(seed, **changes)` returns the record of a finished trial."""

    def make(seed: int = 0, **changes: Any) -> Record:
        architecture, task = make_architecture(), make_task()
        trial = Trial(
            architecture=make_component(architecture, ToyOptions()),
            task=make_component(task, None),
            protocol=find_protocol("smoke"),
            seed=seed,
        )
        values: dict[str, Any] = {
            "id": trial.id,
            "trial": trial,
            "status": "ok",
            "architecture_origin": architecture.origin,
            "task_origin": task.origin,
            "task_facts": TaskFacts(
                kind="image", metric="accuracy", higher_is_better=True, chance=1 / 3, oracle=1.0, summary=""
            ),
            "scores": Scores(test=0.75, test_last=0.7, validation=0.8, selected_step=10, train_loss=0.125),
            "curves": Curves(step=[10, 20], train_loss=[1.0, 0.5], validation=[0.8, 0.6], seconds=[0.1, 0.2]),
            "training": Training(
                track="house recipe",
                recipe=trial.settings,
                batch_size=trial.batch_size,
                examples=100,
                planned_steps=20,
                steps=20,
                stopped="budget",
            ),
            "pairing": Pairing(splits="splits", batches="batches"),
            "environment": Environment(
                archbench="0.1.0",
                python="3.11.7",
                torch="2.13.0",
                lightning="2.6.6",
                platform="Linux-x86_64",
                processor="A processor",
                device="cpu",
                threads=1,
            ),
        }
        return Record(**{**values, **changes})

    return make


@pytest.fixture(scope="session")
def cli() -> Cli:
    """`cli("run", "all", cwd=folder)` runs `benchmark run all` in a folder, in a process of its own."""

    def run(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "archbench", *arguments]
        options.setdefault("timeout", 600)
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)

    return run


@pytest.fixture
def heard_signals() -> Iterator[None]:
    """Commands that a test starts get all signals, even if the tests run in the background or under nohup."""
    ignored = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *_: None)  # children start with the default in its place
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def one_cluster() -> Iterator[None]:
    """No other test has a Ray cluster on this machine meanwhile: two of them starve each other, and lose actors."""
    with FileLock(Path(tempfile.gettempdir()) / "archbench-tests-ray.lock"):
        yield


@pytest.fixture
def cli_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """`cli_here(...)` runs a command like `cli`, but in this process, which is faster if nothing is trained."""

    def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        assert gc.isenabled(), "the command left the collection of garbage off for the tests that follow"
        return subprocess.CompletedProcess(arguments, int(end.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def records() -> ReadRecords:
    """`records(folder)` returns the records below an output folder as plain data."""

    def read(out: Path) -> list[dict[str, Any]]:
        return [json.loads(path.read_text())["record"] for path in sorted(out.glob("records/*/*.json"))]

    return read
