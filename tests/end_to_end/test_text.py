"""Text from the command line: own files, and sets that need further packages."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from support import Cli, ReadRecords

NEWS = """
import dataclasses
import archbench
from archbench_tasks import text_classification

@archbench.hookimpl
def archbench_tasks():
    news, reviews = text_classification.archbench_tasks()
    packages = {packages}
    yield dataclasses.replace(news, name="small-news", files=(), packages=packages or news.packages)
    yield dataclasses.replace(reviews, name="small-reviews", files=(), packages=packages or reviews.packages)
"""


def test_own_text_is_trained_on(cli_here: Cli, tmp_path: Path, records: ReadRecords) -> None:
    """Two architectures train on a text file and beat guessing by frequency, and no path is recorded."""
    words = random.Random(0).choices(["the", "cat", "sat", "on", "mats", "\n"], k=4_000)
    (tmp_path / "cats.txt").write_text(" ".join(words))
    done = cli_here(
        "run", "lstm", "transformer", "--task", "text:cats.txt", "--protocol", "smoke", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = records(tmp_path / "leaderboard")

    assert [record["status"] for record in found] == ["ok", "ok"]
    for record in found:
        facts = record["task_facts"]
        assert facts["metric"] == "bits_per_character"
        assert 0 < record["scores"]["test"] < facts["chance"] == pytest.approx(3.3, abs=0.3)
        assert str(tmp_path) not in json.dumps(record)
    page = (tmp_path / "leaderboard/README.md").read_text()
    assert "Bits per character, lower is better" in page


def test_text_that_cannot_be_used(cli_here: Cli, tmp_path: Path) -> None:
    """Text that is not UTF-8 ends the command before training, with one line and exit code 2."""
    (tmp_path / "latin.txt").write_bytes("caf\xe9 ".encode("latin-1") * 400)
    done = cli_here("run", "lstm", "--task", "text:latin.txt", "--protocol", "smoke", cwd=tmp_path)

    assert done.returncode == 2
    assert "latin.txt is not UTF-8: byte 3 is 0xe9" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "leaderboard").exists()


def test_missing_package_is_said_before_training(cli_here: Cli, tmp_path: Path) -> None:
    """Naming a task that lacks a package ends the command with the line that installs it."""
    plugin = tmp_path / "news.py"
    plugin.write_text(NEWS.format(packages={"no_such_module": "pip install 'archbench[text]'"}))
    done = cli_here("run", "lstm", "--task", "small-news", "--plugin", str(plugin), cwd=tmp_path)

    assert done.returncode == 2
    assert "small-news needs the package no_such_module; get it with `pip install 'archbench[text]'`" in done.stderr


@pytest.mark.slow
def test_tokenizers_in_forked_workers(cli: Cli, tmp_path: Path, small_data: Path, records: ReadRecords) -> None:
    """Two forked workers tokenise news and reviews at a time; no trial hangs or leaks a semaphore."""
    plugin = tmp_path / "news.py"
    plugin.write_text(NEWS.format(packages=None))
    tasks = ("--task", "small-news", "--task", "small-reviews[length=50]")
    done = cli(
        *("run", "lstm", "transformer", *tasks, "--plugin", str(plugin), "--protocol", "smoke", "--workers", "2"),
        *("--timeout", "100"),
        cwd=tmp_path,
        env={**os.environ, "ARCHBENCH_DATA": str(small_data), "TOKENIZERS_PARALLELISM": "true"},
    )

    assert done.returncode == 0, done.stderr
    assert [record["status"] for record in records(tmp_path / "leaderboard")] == ["ok"] * 4
    assert "could not be loaded ahead" not in done.stderr  # pyarrow must start no thread in the server
    assert "leaked semaphore" not in done.stderr
