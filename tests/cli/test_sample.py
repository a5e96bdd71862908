"""`benchmark data sample`: small files of own data that can be trained on as they are."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from support import Cli

KINDS = ("images", "sequences", "text")
PLUGIN = """
import archbench

def inspect(path, options):
    raise archbench.DataError("no")

def sample(folder):
    (folder / "a.txt").write_text("1 2 3")
    return "a.txt[width=3]"

def fails(folder):
    (folder / "a.txt").write_text("1 2 3")
    return None

@archbench.hookimpl
def archbench_readers():
    yield archbench.Reader(scheme="numbers", inspect=inspect, load=inspect, sample=sample)
    yield archbench.Reader(scheme="broken", inspect=inspect, load=inspect, sample=fails)
    yield archbench.Reader(scheme="bare", inspect=inspect, load=inspect)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_samples_can_be_trained_on(kind: str, cli_here: Cli, tmp_path: Path) -> None:
    """The selector that is printed names a task which `show` describes without a warning; the files are small."""
    written = json.loads(cli_here("data", "sample", kind, "mine", "--json", cwd=tmp_path).stdout)
    shown = cli_here("show", written["selector"], "--json", cwd=tmp_path)
    size = sum((tmp_path / "mine" / file).stat().st_size for file in written["files"])

    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["warnings"] == []
    assert len(written["files"]) <= 100
    assert 5_000 < size < 300_000


def test_samples_are_the_same_every_time(cli_here: Cli, tmp_path: Path) -> None:
    """Two samples have equal bytes, so that two people who try them see one task."""

    def digests(folder: str) -> dict[str, str]:
        for kind in KINDS:
            assert cli_here("data", "sample", kind, folder, cwd=tmp_path).returncode == 0
        paths = sorted(path for path in (tmp_path / folder).rglob("*") if path.is_file())
        return {str(p.relative_to(tmp_path / folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}

    assert digests("one") == digests("two")


def test_nothing_is_overwritten(cli_here: Cli, tmp_path: Path) -> None:
    """A file that is there stays, and nothing else is written beside it."""
    (tmp_path / "daisy").mkdir()
    (tmp_path / "daisy" / "3.png").write_text("mine")
    done = cli_here("data", "sample", "images", ".", cwd=tmp_path)

    assert done.returncode == 2
    assert "3.png is there already; nothing was written" in done.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["3.png"]
    assert (tmp_path / "daisy" / "3.png").read_text() == "mine"


def test_samples_of_plugins(cli_here: Cli, tmp_path: Path) -> None:
    """A reader of a plugin brings its own sample; one without, or one that fails, says so."""
    (tmp_path / "numbers.py").write_text(PLUGIN)
    answers = {
        scheme: cli_here("data", "sample", scheme, "mine", "--plugin", "numbers.py", cwd=tmp_path)
        for scheme in ("numbers", "broken", "bare", "numberz")
    }

    assert answers["numbers"].stdout == (
        "Wrote 1 file into mine. Try: benchmark run mlp lstm --task 'numbers:mine/a.txt[width=3]'\n"
    )
    assert "the sample of the reader broken: of numbers.py failed: it returned NoneType" in answers["broken"].stderr
    assert "bare has no sample" in answers["bare"].stderr
    assert "did you mean 'numbers:'?" in answers["numberz"].stderr
    assert [answers[scheme].returncode for scheme in ("broken", "bare", "numberz")] == [2, 2, 2]


def test_a_folder_that_no_trial_could_use(cli_here: Cli, tmp_path: Path) -> None:
    """No sample is written into a folder whose name is no UTF-8."""
    done = cli_here("data", "sample", "images", os.fsdecode(b"bl\xfften"), cwd=tmp_path)

    assert done.returncode == 2
    assert "is no valid UTF-8" in done.stderr
    assert list(tmp_path.iterdir()) == []
