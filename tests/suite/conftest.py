"""Small runs from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import archbench
from archbench import Observer, Record, Results, Trial
from archbench._records import Store
from support import MakeNewer


class Recorder(Observer):
    """Keeps the names of what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.lines: list[str] = []

    def informed(self, message: str) -> None:
        """Keep the line."""
        self.lines.append(message)

    def warned(self, message: str) -> None:
        """Keep the line."""
        self.lines.append(f"warning: {message}")

    def training_started(self, total: int, kept: int) -> None:
        """Keep the numbers."""
        self.events.append(f"{total} to train, {kept} kept")

    def trial_started(self, trial: Trial) -> None:
        """Keep the seed."""
        self.events.append(f"started {trial.seed}")

    def trial_finished(self, record: Record) -> None:
        """Keep seed and status."""
        self.events.append(f"{record.status} {record.trial.seed}")

    def trial_refused(self, record: Record) -> None:
        """Keep the reason."""
        self.events.append(f"refused: {record.message}")

    def training_ended(self) -> None:
        """Keep that it ended."""
        self.events.append("ended")

    def interrupted(self, finished: int, total: int, out: Path) -> None:
        """Keep the numbers."""
        self.events.append(f"interrupted after {finished} of {total}")


@pytest.fixture
def recorder() -> Recorder:
    """An observer that remembers."""
    return Recorder()


@pytest.fixture
def make_newer() -> MakeNewer:
    """A function that turns the record of a trial in a folder into one of a newer version, and returns its bytes."""

    def make(out: Path, trial_id: str) -> bytes:
        path = Store(out).path(trial_id)
        path.write_bytes(path.read_bytes().replace(b'{"schema":2', b'{"schema":99', 1))
        return path.read_bytes()

    return make


ERROR = """
import archbench

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(9, 1), outputs=1)
    yield archbench.Task(
        name="error", info=info, load="never:called", loss="mean_squared_error", metric="mean_squared_error",
        chance=1.0, oracle=0.0, margin={margin},
    )
"""


@pytest.fixture
def on_error(tmp_path: Path) -> Callable[[float | None], dict[str, Any]]:
    """`on_error(margin)` returns options that compare on a task whose metric is an error, with this margin or none."""

    def declare(margin: float | None) -> dict[str, Any]:
        (tmp_path / "error.py").write_text(ERROR.format(margin=margin))
        return {"tasks": "error", "plugin_files": [tmp_path / "error.py"]}

    return declare


@pytest.fixture(scope="session")
def small_results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The results of two architectures on two tasks with two seeds; do not change the folder."""
    return archbench.run(
        ["lstm", "plain[depth=8]"],
        tasks=["digits", "adding"],
        protocol="smoke",
        seeds=2,
        out=tmp_path_factory.mktemp("results") / "out",
        observer=Observer(),
    )
