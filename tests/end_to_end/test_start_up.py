"""Verbs that train nothing start at once, because they do not load torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import Cli

HEAVY = ("torch", "lightning", "torchvision", "torchmetrics", "numpy", "scipy", "sklearn", "jinja2")


def test_show_reads_well(cli_here: Cli, tmp_path: Path) -> None:
    """Choices, large numbers and lists are written for people, and an architecture without an own recipe says none."""
    shown = cli_here("show", "highway", cwd=tmp_path).stdout.splitlines()
    (activation,) = [line for line in shown if line.startswith("  activation:")]

    assert "choices tanh | relu, description nonlinearity of H" in activation
    assert "  highway-b: 2,256,838" in shown
    assert "own recipe: none" in shown
    assert "  milestones: 0.5, 0.75, 0.875" in cli_here("show", "highway-b", cwd=tmp_path).stdout.splitlines()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["list", "--json"],
        ["show", "resnet"],
        ["plugins"],
        ["run", "--help"],
        ["profile", "--help"],
    ],
)
def test_no_heavy_module_is_loaded(arguments: list[str]) -> None:
    """`benchmark --help`, `list`, `show` and `plugins` load none of the heavy libraries."""
    code = (
        "import atexit, sys\n"
        f"sys.argv = ['benchmark', *{arguments!r}]\n"
        f"atexit.register(lambda: print('LOADED', [m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr))\n"
        "from archbench.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[-1] == "LOADED []"
    assert done.stdout
