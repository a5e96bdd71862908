"""Runs on people's own files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archbench import Observer, run
from support import Cli


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images of two classes, one image torn, and a csv file of sequences; what is read is kept in it."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))
    draw = np.random.default_rng(0)
    for number in range(60):
        folder = tmp_path / "here" / "my spots" / ("dark", "light")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 100, (9, 8, 3)) + 150 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    (folder / "torn.png").write_bytes(b"no image")
    rows = [
        f"{sequence},{draw.normal() + sequence % 2},{sequence % 2}"
        for sequence in range(60)
        for _ in range(3 + sequence % 5)
    ]
    (tmp_path / "here" / "walks.csv").write_text("\n".join(["id,x,label", *rows]))
    return tmp_path


def test_own_files_from_one_command(files: Path, cli: Cli, cli_here: Cli, records: Any) -> None:
    """Networks train on own files, the page names them, no path is kept, and moved files need no new training."""
    options = "[size=8,skip_bad=true]"
    arguments = ("--protocol", "smoke", "--json", "--out", str(files / "out"))

    def run(folder: str, command: Cli) -> Any:
        tasks = ("--task", f"images:{folder}/my spots{options}", "--task", f"sequences:{folder}/walks.csv")
        done = command("run", "lenet", "lstm", *tasks, *arguments, cwd=files)
        assert done.returncode == 0, done.stderr
        return done

    done = run("here", cli)
    first = json.loads(done.stdout)
    assert first["trained"] == 3  # an LSTM reads images as well
    assert "warning: images:my spots@" in done.stderr
    assert "1 unreadable images are left out: light/torn.png" in done.stderr
    assert re.search(r"^sequences:walks.csv@\w+: features x$", done.stderr, re.MULTILINE)
    walks, spots = sorted(first["own_data"].values(), key=lambda facts: facts["warnings"])
    assert (walks["features"], walks["warnings"], walks["splits"]) == (
        ["x"],
        [],
        {"train": 42, "validation": 6, "test": 12},
    )
    assert spots["warnings"] == ["1 unreadable images are left out: light/torn.png"]
    shutil.move(files / "here", files / "there: now")
    shutil.rmtree(files / "cache")
    again = json.loads(run("there: now", cli_here).stdout)
    assert again["trained"] == 0
    assert {trial["id"] for trial in again["trials"]} == {trial["id"] for trial in first["trials"]}

    for path in (files / "out").rglob("*"):
        assert not path.is_file() or str(files).encode() not in path.read_bytes()
    shutil.rmtree(files / "there: now")
    page = cli_here("leaderboard", "--out", str(files / "out"), cwd=files)
    assert page.returncode == 0, page.stderr
    assert "images:my spots@" in (files / "out" / "index.html").read_text()
    assert {record["status"] for record in records(files / "out")} == {"ok"}


def test_mistakes_are_found_before_training(files: Path, cli_here: Cli) -> None:
    """A torn image, a missing folder and an unknown scheme end with exit code 2 and leave no file."""
    for task, says in {
        "images:here/my spots": "the image light/torn.png in ",
        "images:nowhere": "there is no file or folder",
        "movies:here": "nothing reads 'movies'",
    }.items():
        done = cli_here("run", "lenet", "--task", task, "--json", cwd=files)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert says in json.loads(done.stdout)["error"]
    assert not (files / "leaderboard").exists()


def test_data_can_be_looked_at(files: Path, cli_here: Cli) -> None:
    """`show` prints the classes, the splits and the images left out; `list` prints the kinds of files."""
    shown = cli_here("show", "images:here/my spots[size=8,skip_bad=true]", "--json", cwd=files)
    described = json.loads(shown.stdout)

    assert described["classes"] == {"dark": 30, "light": 30}
    assert described["splits"] == {"train": 42, "validation": 6, "test": 12}
    assert described["warnings"] == ["1 unreadable images are left out: light/torn.png"]
    listed = json.loads(cli_here("list", "--json", cwd=files).stdout)
    assert {"images:PATH", "sequences:PATH"} <= {entry["name"] for entry in listed["own data"]}
    kind = json.loads(cli_here("show", "images", "--json", cwd=files).stdout)
    assert kind["options"]["size"]["default"] == 32


def test_looking_at_data_is_light(files: Path) -> None:
    """Inspecting folders and files imports neither torch nor Lightning."""
    code = (
        "import sys\n"
        "from archbench._selection import open_own_data\n"
        "from archbench._plugins import load_plugins\n"
        "for selector in ('images:here/my spots[skip_bad=true]', 'sequences:here/walks.csv'):\n"
        "    open_own_data(selector, load_plugins(only=[]).readers)\n"
        "print([name for name in ('torch', 'lightning', 'sklearn') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=files, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.fixture
def leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A csv file of 400 walks of noise, whose session number is above 100 for one of two labels."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))
    draw = np.random.default_rng(0)
    lines = ["id,x,y,session no,label"]
    for walk, label in enumerate(draw.integers(0, 2, 400)):
        session = 100 * label + draw.integers(100)
        lines += [f"{walk},{draw.normal()},{draw.normal()},{session},{label}" for _ in range(5)]
    (tmp_path / "walks.csv").write_text("\n".join(lines))
    return tmp_path / "walks.csv"


class Listener(Observer):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warnings: list[str] = []

    def informed(self, message: str) -> None:
        """Keep it."""
        self.said.append(message)

    def warned(self, message: str) -> None:
        """Keep it."""
        self.warnings.append(message)


@pytest.mark.slow
def test_column_that_names_the_walk_is_warned_of_and_can_be_dropped(leak: Path, tmp_path: Path) -> None:
    """A network learns the label from a column that only names the session; without that column it is at chance."""
    listener = Listener()
    tasks = [f"sequences:{leak}{options}" for options in ("", "[drop=session no]", "[features=x,y]")]
    results = run("gru", tasks=tasks, protocol="smoke", seeds=1, out=tmp_path / "out", observer=listener)
    scores = {record.trial.task.label.partition("@")[2][6:]: record.scores for record in results.records}
    leaking, *clean = [scores[key].test for key in ("", "[drop=session no]", "[features=x,y]")]

    assert leaking > 0.9
    assert max(clean) < 0.62  # 80 walks in the test, .5 by chance: two standard errors are .11
    assert [line.partition(": ")[2] for line in listener.said] == [
        "features x, y, session no",
        "features x, y",
        "features x, y",
    ]
    assert len(listener.warnings) == 2
    assert all("'session no'" in line and "drop=session no" in line for line in listener.warnings)


def test_dry_run_describes_own_data(leak: Path, cli: Cli) -> None:
    """A dry run prints the features and warnings before it measures, and has them in its JSON."""
    task = f"sequences:{leak}[group=session no]"
    done = cli("run", "gru", "--task", task, "--protocol", "smoke", "--dry-run", "--json", cwd=leak.parent)
    assert done.returncode == 0, done.stderr
    (facts,) = json.loads(done.stdout)["own_data"].values()

    assert facts["features"] == ["x", "y"]
    assert facts["warnings"] == []
    assert sum(facts["groups"].values()) == len({line.split(",")[3] for line in leak.read_text().splitlines()[1:]})
    assert "[group=session no]: features x, y" in done.stderr
