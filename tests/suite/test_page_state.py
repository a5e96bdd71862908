"""A run that changes nothing leaves the page as it is; whatever the page may depend on has it built again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import pytest

from archbench import Observer, Results
from archbench._errors import DeviceError
from archbench._execution import Wanted
from archbench._plugins import Plugins, load_plugins
from archbench._records import Store
from archbench._suite import RunSettings, _page_state
from archbench._suite._leaderboard import load_page_code
from archbench._suite._run import Run
from support.speed.scale import REFERENCE, nets, plan_all, write_records

SECTIONS = """
import archbench

@archbench.hookimpl
def archbench_leaderboard_sections(records):
    yield archbench.Section(title="The time", text="now")
"""
HEARS = """
import archbench

@archbench.hookimpl
def archbench_trial_finished(trial, record):
    pass
"""
ADDS = """
import archbench

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="unused", build="torch.nn:Linear", inputs=("image",), summary="{}")
"""


class Folder:
    """An output folder whose plan is done, with a second plugin of which the plan has nothing."""

    def __init__(self, root: Path) -> None:
        self.root, self.out, self.other = root, root / "out", root / "other.py"
        nets(root, architectures=1)
        self.other.write_text(ADDS.format("first"))
        write_records(plan_all(self.plugins(), seeds=1), self.out)

    def plugins(self) -> Plugins:
        """Return the plugins as they are on disk."""
        return load_plugins(files=[self.root / "nets.py", self.other], only=[])

    def run(self, observer: Observer | None = None) -> Results:
        """Go on with the plan."""
        plugins = self.plugins()
        found = Run(plan_all(plugins, seeds=1), RunSettings(out=self.out), plugins=plugins, observer=observer)
        return found.carry_out()

    def times(self) -> dict[Path, int]:
        """Return when each file was written."""
        return {path: path.stat().st_mtime_ns for path in self.out.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder that has its page."""
    made = Folder(tmp_path)
    assert "index.html" in made.run().files
    return made


def test_nothing_changed(folder: Folder, recorder: Any) -> None:
    """No file is written, the observer hears it, and the results have every number and warning of the page."""
    before, first = folder.times(), (folder.out / "leaderboard.json").read_bytes()
    again = folder.run(recorder)
    shown = msgspec.json.format(msgspec.json.encode(again.leaderboard, order="deterministic"), indent=1) + b"\n"

    assert (again.trained, again.files) == (0, ())
    assert folder.times() == before
    assert "the page is up to date" in " ".join(recorder.lines)
    assert shown == first


def edit_record(folder: Folder) -> None:
    """Give a record another score."""
    store = Store(folder.out)
    record = next(iter(store.scan()[0].values()))
    store.write(msgspec.structs.replace(record, scores=msgspec.structs.replace(record.scores, test=0.5)))


def set_aside(folder: Folder) -> None:
    """Let the folder have a file that is no record."""
    (folder.out / "records" / "broken.json").write_text("{")


CHANGES: dict[str, Callable[[Folder], object]] = {
    "edited record": edit_record,
    "broken record": set_aside,
    "deleted page": lambda folder: (folder.out / "index.html").unlink(),
    "edited page": lambda folder: (folder.out / "trials.csv").write_text("mine"),
    "page of a task that is gone": lambda folder: _write(folder.out / "details" / "old.html"),
    "changed plugin": lambda folder: folder.other.write_text(ADDS.format("second")),
    "damaged note": lambda folder: (folder.out / _page_state.NAME).write_text("[]"),
}
USUAL_CHANGES = {"edited record", "edited page", "changed plugin"}


def _write(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("old")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=name, marks=() if name in USUAL_CHANGES else pytest.mark.slow)
        for name, change in CHANGES.items()
    ],
)
def test_a_change_builds_the_page_again(folder: Folder, change: Callable[[Folder], object]) -> None:
    """After each of these changes the page is built again, once."""
    change(folder)
    found = folder.run().files, folder.run().files

    assert "index.html" in found[0]
    assert found[1] == ()
    assert "mine" not in (folder.out / "trials.csv").read_text()
    assert not (folder.out / "details" / "old.html").exists()


@pytest.mark.slow
def test_another_version_builds_the_page_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither another version of the suite nor another state of its files keeps the page."""
    monkeypatch.setattr(_page_state, "__version__", "99")
    assert "index.html" in folder.run().files
    assert folder.run().files == ()

    (folder.root / "package").mkdir()
    (folder.root / "package" / "_overview.html").write_text("changed")
    monkeypatch.setattr(_page_state, "_PACKAGE", folder.root / "package")
    assert "index.html" in folder.run().files


@pytest.mark.slow
@pytest.mark.parametrize("text", [SECTIONS, HEARS], ids=["sections", "hears of trials"])
def test_hooks_build_the_page_every_time(folder: Folder, text: str) -> None:
    """What a plugin shows, or does when a trial ends, may depend on anything."""
    folder.other.write_text(text)

    assert all("index.html" in folder.run().files for _ in range(2))


@pytest.mark.slow
def test_studies_build_the_page_every_time(folder: Folder) -> None:
    """Where the folder has trials of studies, their analyses are made again by every run."""
    studied = next(r for r in Store(REFERENCE).scan()[0].values() if r.trial.protocol.for_studies)
    Store(folder.out).write(studied)

    assert all("index.html" in folder.run().files for _ in range(2))


def test_page_code_is_loaded_while_libraries_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run asks its executor to import what makes the page meanwhile."""

    def refuse(wanted: Wanted) -> NoReturn:
        asked.append(wanted.meanwhile)
        raise DeviceError("no device")

    asked: list[Callable[[], None]] = []
    nets(tmp_path, architectures=1)
    plugins = load_plugins(files=[tmp_path / "nets.py"], only=[])
    monkeypatch.setattr("archbench._suite._run.open_executor", refuse)
    with pytest.raises(DeviceError):
        Run(plan_all(plugins, seeds=1), RunSettings(out=tmp_path / "out"), plugins=plugins).carry_out()

    assert asked == [load_page_code]
