"""Verbs that train nothing start at once, because they leave torch alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "lightning", "torchvision", "torchmetrics", "numpy", "scipy", "sklearn", "jinja2")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list"], ["list", "--json"], ["show", "resnet"], ["plugins"], ["run", "--help"]]
)
def test_no_heavy_module_is_loaded(arguments: list[str]) -> None:
    """`benchmark --help`, `list`, `show` and `plugins` finish without any of the heavy libraries."""
    code = (
        "import atexit, sys\n"
        f"sys.argv = ['benchmark', *{arguments!r}]\n"
        f"atexit.register(lambda: print('LOADED', [m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr))\n"
        "from archbench.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[-1] == "LOADED []"
    assert done.stdout
