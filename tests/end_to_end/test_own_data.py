"""Runs on people's own files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support import Cli


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with images of two classes, one image torn, and a csv file of sequences."""
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


def test_own_files_from_one_command(files: Path, cli: Cli, records: Any) -> None:
    """Networks train on own files, the page names them, no path is kept, and moved files need no new training."""
    environment = {**os.environ, "ARCHBENCH_DATA": str(files / "cache")}
    options = "[size=8,skip_bad=true]"
    arguments = ("--protocol", "smoke", "--json", "--out", str(files / "out"))

    def run(folder: str) -> Any:
        tasks = ("--task", f"images:{folder}/my spots{options}", "--task", f"sequences:{folder}/walks.csv")
        done = cli("run", "lenet", "lstm", *tasks, *arguments, cwd=files, env=environment)
        assert done.returncode == 0, done.stderr
        return done

    done = run("here")
    first = json.loads(done.stdout)
    assert first["trained"] == 3  # an LSTM reads images as well
    assert "warning: images:my spots@" in done.stderr
    assert "1 unreadable images are left out: light/torn.png" in done.stderr
    shutil.move(files / "here", files / "there: now")
    shutil.rmtree(files / "cache")
    again = json.loads(run("there: now").stdout)
    assert again["trained"] == 0
    assert {trial["id"] for trial in again["trials"]} == {trial["id"] for trial in first["trials"]}

    for path in (files / "out").rglob("*"):
        assert not path.is_file() or str(files) not in path.read_text()
    shutil.rmtree(files / "there: now")
    page = cli("leaderboard", "--out", str(files / "out"), cwd=files)
    assert page.returncode == 0, page.stderr
    assert "images:my spots@" in (files / "out" / "index.html").read_text()
    assert {record["status"] for record in records(files / "out")} == {"ok"}


def test_mistakes_are_found_before_training(files: Path, cli: Cli) -> None:
    """A torn image, a missing folder and an unknown scheme end with exit code 2 and leave no file."""
    environment = {**os.environ, "ARCHBENCH_DATA": str(files / "cache")}
    for task, says in {
        "images:here/my spots": "the image light/torn.png in ",
        "images:nowhere": "there is no file or folder",
        "movies:here": "nothing reads 'movies'",
    }.items():
        done = cli("run", "lenet", "--task", task, "--json", cwd=files, env=environment)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert says in json.loads(done.stdout)["error"]
    assert not (files / "leaderboard").exists()


def test_data_can_be_looked_at(files: Path, cli: Cli) -> None:
    """`show` prints the classes, the splits and the images left out; `list` prints the kinds of files."""
    environment = {**os.environ, "ARCHBENCH_DATA": str(files / "cache")}
    shown = cli("show", "images:here/my spots[size=8,skip_bad=true]", "--json", cwd=files, env=environment)
    described = json.loads(shown.stdout)

    assert described["classes"] == {"dark": 30, "light": 30}
    assert described["splits"] == {"train": 42, "validation": 6, "test": 12}
    assert described["left out"] == ["1 unreadable images are left out: light/torn.png"]
    listed = json.loads(cli("list", "--json", cwd=files).stdout)
    assert {"images:PATH", "sequences:PATH"} <= {entry["name"] for entry in listed["own data"]}
    kind = json.loads(cli("show", "images", "--json", cwd=files).stdout)
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
    environment = {**os.environ, "ARCHBENCH_DATA": str(files / "cache")}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=files, env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
