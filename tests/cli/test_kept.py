"""Answers of `list` and `plugins` that are kept: equal to new ones, and made again when what decides them changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STRANGER = """
import json, pathlib, sys
import archbench
print("IMPORTED", file=sys.stderr)
NAME = json.loads((pathlib.Path(__file__).parent / "more" / "names.json").read_text())
@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name=NAME, build="stranger:build", inputs=("image",))
"""

MINE = """
import archbench
def build(task, options):
    raise NotImplementedError
def archbench_tasks():
    pass
@archbench.hookimpl
def archbench_architectures():
    file = archbench.RemoteFile(path="mine/weights", urls=("https://example.org/weights",), size=1, sha256="0" * 64)
    yield archbench.Architecture(name="NAME", build=build, inputs=("image",), files=(file,))
"""

Ask = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """`ask(verb, ...)` runs a verb with JSON where an editable plugin is installed, and a file is given as a plugin."""
    information = tmp_path / "site" / "stranger-1.0.dist-info"
    for folder in (information, tmp_path / "source" / "stranger" / "more", tmp_path / "here", tmp_path / "data"):
        folder.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[archbench]\nstranger = stranger\n")
    (information / "direct_url.json").write_text('{"url": "file:///source", "dir_info": {"editable": true}}')
    (tmp_path / "source" / "stranger" / "__init__.py").write_text(STRANGER)
    (tmp_path / "source" / "stranger" / "more" / "names.json").write_text('"first-name"')
    (tmp_path / "mine.py").write_text(MINE.replace("NAME", "mine-1"))
    paths = [str(tmp_path / "site"), str(tmp_path / "source"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",  # else the folders of the plugins change while they are first imported
        "ARCHBENCH_DATA": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTEST_CURRENT_TEST": "",
    }

    def run(*words: str, stdout: Any = subprocess.PIPE, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "archbench", *words, "--json", "--plugin", str(tmp_path / "mine.py")]
        here = tmp_path / "here"
        return subprocess.run(
            command, cwd=here, env=environment | more, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
        )

    return run


def names(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The listed architectures that are none of the suite's own, with the state of their data."""
    rows = json.loads(done.stdout)["architectures"]
    return {row["name"]: row["data"] for row in rows if not row["id"].startswith("archbench/")}


def made_anew(done: subprocess.CompletedProcess[str]) -> bool:
    """True if the plugins were imported for an answer."""
    return "IMPORTED" in done.stderr


@pytest.mark.parametrize("verb", ["list", "plugins"])
def test_a_kept_answer_is_the_first_one(ask: Ask, verb: str) -> None:
    """The second answer is the first one with its warnings, and imports no plugin; a full disk is still named."""
    cold, warm = ask(verb), ask(verb)
    with open("/dev/full", "w") as full:
        failed = ask(verb, stdout=full)

    assert (made_anew(cold), made_anew(warm)) == (True, False)
    assert (warm.returncode, warm.stdout) == (0, cold.stdout)
    assert warm.stderr.splitlines() == [line for line in cold.stderr.splitlines() if line != "IMPORTED"]
    assert "archbench_tasks looks like a hook but is not marked" in warm.stderr
    assert failed.returncode == 2
    assert "cannot write to standard output" in failed.stderr


def test_a_change_makes_a_new_answer(ask: Ask, tmp_path: Path) -> None:
    """What changes in a file of a plugin, in its data or in the data folder shows at once; so does a broken plugin."""
    ask("list")
    assert names(ask("list")) == {"first-name": "", "mine-1": "missing"}

    (tmp_path / "mine.py").write_text(MINE.replace("NAME", "mine-2"))
    assert names(ask("list")) == {"first-name": "", "mine-2": "missing"}

    (tmp_path / "source" / "stranger" / "more" / "names.json").write_text('"other-name"')
    assert names(ask("list")) == {"other-name": "", "mine-2": "missing"}

    (tmp_path / "data" / "mine").mkdir()
    (tmp_path / "data" / "mine" / "weights").touch()
    assert names(ask("list")) == {"other-name": "", "mine-2": "unchecked"}
    assert not made_anew(ask("list"))

    (tmp_path / "source" / "stranger" / "__init__.py").write_text("raise RuntimeError('out of order')")
    for done in (ask("list"), ask("list")):
        assert (done.returncode, names(done)) == (1, {"mine-2": "unchecked"})
        assert "problem: stranger:stranger: importing it raised" in done.stderr


def test_a_cache_that_cannot_be_used(ask: Ask, tmp_path: Path) -> None:
    """Garbage in the cache, or a cache folder that cannot be made, changes no answer."""
    first = ask("list")
    (kept,) = (tmp_path / "cache" / "archbench" / "answers").iterdir()
    whole = kept.read_bytes()
    for garbage in (b"", whole[:-9], b"[1]", b'{"paths": {}}', b"[" * 100_000, b"\xff"):
        kept.write_bytes(garbage)
        done = ask("list")
        assert made_anew(done)
        assert done.stdout == first.stdout
        assert kept.read_bytes() == whole
    (tmp_path / "file").touch()
    done = ask("list", XDG_CACHE_HOME=str(tmp_path / "file"))

    assert made_anew(done)
    assert done.stdout == first.stdout


def test_the_kept_help_is_the_help(tmp_path: Path) -> None:
    """The help is the one of the first command, and follows the width of the terminal."""
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    def ask(**more: str) -> str:
        command = [sys.executable, "-m", "archbench", "--help"]
        return subprocess.run(command, env=environment | more, capture_output=True, text=True, check=True).stdout

    first = ask()
    assert list(tmp_path.rglob("answers/*"))
    assert ask() == first
    assert "leaderboard" in first
    assert max(map(len, ask(COLUMNS="50").splitlines())) < max(map(len, first.splitlines()))
