"""Terminals and pipes whose encoding lacks letters."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from support import Cli

ASCII = {**os.environ, "PYTHONIOENCODING": "ascii"}
REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference" / "records"
NET = """
import archbench
from torch import nn

def build(task, options):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, task.outputs))

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="net", build=build, inputs=("image",), summary="Größe 😀 ─")
"""


def test_a_comparison_is_shown(cli: Cli, tmp_path: Path) -> None:
    """The plot of an interval is question marks there, and the answer beside it is as ever."""
    shutil.copytree(REFERENCE, tmp_path / "leaderboard" / "records")
    shown = cli("compare", "rnn", "lstm", "--task", "noisy-digits", cwd=tmp_path, env=ASCII)

    assert shown.returncode == 0, shown.stderr
    assert "??" in shown.stdout
    assert "hold together with 95% probability" in shown.stdout


def test_json_keeps_every_letter(cli: Cli, tmp_path: Path) -> None:
    """JSON has escapes for letters that the encoding lacks."""
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    shown = cli("show", "net", "--plugin", "net.py", "--json", cwd=tmp_path, env=ASCII)

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.isascii()
    assert "Größe 😀 ─" in json.dumps(json.loads(shown.stdout), ensure_ascii=False)
