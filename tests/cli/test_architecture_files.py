"""`benchmark data` for an architecture, and runs of one whose files are missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import Cli, ReadRecords

PLUGIN = """
import archbench

FILE = archbench.RemoteFile(path="set/start.txt", urls=({address!r},), size={size}, sha256={sha256!r})

def build(task, options, files):
    import math
    from torch import nn
    assert files["set/start.txt"].read_text() == "weights"
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs))

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="pretrained", build=build, inputs=("image",), files=(FILE,), summary="Starts")
"""


@pytest.fixture
def plugin(tmp_path: Path, site: Any, cache: Path) -> list[str]:
    """Options that load an architecture whose file lies on the local server."""
    file = site.remote("start.txt", b"weights")
    path = tmp_path / "pretrained.py"
    path.write_text(PLUGIN.format(address=file.urls[0], size=file.size, sha256=file.sha256))
    return ["--plugin", str(path)]


@pytest.mark.slow
def test_prepare_then_run(
    plugin: list[str], cli: Cli, cli_here: Cli, tmp_path: Path, site: Any, records: ReadRecords
) -> None:
    """A run names the command that gets the file and asks no server; after that command it trains."""
    run = ["run", "pretrained", "--task", "digits", "--protocol", "smoke", *plugin]
    refused = cli_here(*run, cwd=tmp_path)
    assert refused.returncode == 2
    assert "`benchmark data prepare pretrained --plugin pretrained.py` does it" in refused.stderr
    assert site.asked == []

    prepared = cli_here("data", "prepare", "pretrained", "--json", *plugin, cwd=tmp_path)
    assert prepared.returncode == 0, prepared.stderr
    assert json.loads(prepared.stdout)["files"] == [{"path": "set/start.txt", "bytes": 7, "new": True}]
    done = cli(*run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = records(tmp_path / "leaderboard")
    assert record["status"] == "ok"
    assert list(record["trial"]["architecture"]["files"]) == ["set/start.txt"]


def test_patterns_leave_it_out(plugin: list[str], cli_here: Cli, tmp_path: Path) -> None:
    """Chosen by a pattern beside others, it is left out with one line."""
    done = cli_here("run", "mlp", "pre*", "--task", "digits", "--protocol", "smoke", "--dry-run", *plugin, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "left out: architecture pretrained: 1 file (7 B) must be downloaded" in done.stderr


def test_lists(plugin: list[str], cli_here: Cli, tmp_path: Path) -> None:
    """`data list`, `list` and `show` say that its file is missing, and a table of tasks lists tasks only."""
    answers = [
        json.loads(cli_here(*words, "--json", *plugin, cwd=tmp_path).stdout)
        for words in (("data", "list"), ("list",), ("show", "pretrained"))
    ]
    (mine,) = answers[0]["architectures"]

    assert (mine["name"], mine["state"], mine["bytes"]) == ("pretrained", "missing", 7)
    assert "pretrained" not in {task["name"] for task in answers[0]["tasks"]}
    assert {row["name"]: row["data"] for row in answers[1]["architectures"]}["pretrained"] == "missing"
    assert answers[2]["files"] == {"set/start.txt": "missing"}


def test_what_needs_no_files(plugin: list[str], cli_here: Cli, tmp_path: Path) -> None:
    """An architecture without files says so."""
    done = cli_here("data", "prepare", "mlp", *plugin, cwd=tmp_path)

    assert done.returncode == 2
    assert "mlp needs no files" in done.stderr
