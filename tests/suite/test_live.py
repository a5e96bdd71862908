"""The page while a run trains: it says how far the run is, and changes nothing of what is there at the end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import archbench
from archbench import Observer
from archbench._records import TEMPORARY
from archbench._suite import _live
from archbench._suite._live import PageBuilder, SamePlugins
from support import MakeRecord

WANTED: dict[str, Any] = {"tasks": "digits", "protocol": "smoke", "seeds": 2, "workers": 1, "device": "cpu"}


class Waiting(Observer):
    """Lets the run wait, after its first trial, until a page is there, and keeps it."""

    def __init__(self, out: Path) -> None:
        self.out, self.pages, self.finished = out, [], False

    def trial_finished(self, record: archbench.Record) -> None:
        """Let `waiting` look at the folder from now on."""
        self.finished = True

    def waiting(self) -> None:
        """Keep the first page of the running suite, when it is whole."""
        page = self.out / "preview.png"  # the last file that is written
        if self.finished and not self.pages and page.exists():
            self.pages = [(self.out / name).read_text() for name in ("index.html", "leaderboard.json")]


@pytest.mark.slow
def test_a_page_of_a_running_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is there while trials train, says how many are finished, and the last one is that of a run without."""
    monkeypatch.setattr(_live, "EVERY", 0.0)
    out = tmp_path / "out"
    waiting = Waiting(out)
    slow = _slow_plugin(tmp_path)
    archbench.run(["mlp", "slow"], out=out, observer=waiting, plugin_files=[slow], **WANTED)
    pages = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file() and path.suffix}
    archbench.run(["mlp", "slow"], out=out, observer=Observer(), live=False, plugin_files=[slow], **WANTED)

    assert "of 4 trials are finished" in waiting.pages[0]
    assert "running: " in waiting.pages[1]
    assert "running: " not in (out / "leaderboard.json").read_text()
    assert pages == {path.name: path.read_bytes() for path in out.iterdir() if path.is_file() and path.suffix}
    assert not list(out.rglob(f"{TEMPORARY}*"))


def _slow_plugin(folder: Path) -> Path:
    path = folder / "slow.py"
    path.write_text(
        "import math, time\nimport archbench\n"
        "def build(task, options):\n"
        "    from torch import nn\n"
        "    time.sleep(12)\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs))\n"
        "@archbench.hookimpl\ndef archbench_architectures():\n"
        "    yield archbench.Architecture(name='slow', build=build, inputs=('image',))\n"
    )
    return path


class Clock:
    """A clock that goes on when it is told."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_when_a_page_is_built(make_record: MakeRecord, tmp_path: Path) -> None:
    """The first page comes a minute after the start, none without a new record, and a slow one makes the next rarer."""
    clock = Clock()
    builder = PageBuilder(tmp_path, SamePlugins(), clock)  # its processes end at once: no run has left a status

    def built_by(seconds: float) -> int:
        clock.now = seconds
        builder.waiting()
        if builder._process is not None:
            builder._process.wait()
            clock.now += 10  # seconds that it took
            builder.waiting()
        return builder.built

    builder.training_started(9, 0)
    assert built_by(61) == 0  # nothing is finished yet
    builder.trial_finished(make_record(0))
    assert built_by(62) == 1
    assert built_by(1000) == 1  # nothing new
    builder.trial_finished(make_record(1))
    assert built_by(1001) == 2
    builder.trial_finished(make_record(2))
    assert [built_by(seconds) for seconds in (1100, 1210, 1212)] == [2, 2, 3]
    builder.training_ended()


def test_the_end_of_training_ends_the_page(make_record: MakeRecord, tmp_path: Path) -> None:
    """A page that is being built when training ends is given up at once, and leaves no file."""
    builder = PageBuilder(tmp_path, SamePlugins(), Clock())
    builder.training_started(2, 0)
    builder.trial_finished(make_record(0))
    builder._due = 0.0
    builder.waiting()
    process = builder._process
    (tmp_path / f"{TEMPORARY}{process.pid}-index.html.part").write_text("half a p")
    start = time.monotonic()
    builder.training_ended()

    assert process.poll() is not None
    assert time.monotonic() - start < 5
    assert list(tmp_path.iterdir()) == []
