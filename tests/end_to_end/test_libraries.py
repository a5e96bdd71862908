"""Libraries that a plugin names are loaded once, ahead of all trials."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support import Cli

LIBRARY = """
import os

with open(os.environ["LOADED"], "a") as file:
    print("loaded", file=file)
"""
PLUGIN = """
import math

import archbench
import slow_library
from torch import nn

def build(task, options):
    assert slow_library
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs))

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("image",), libraries=LIBRARIES)
"""


@pytest.mark.parametrize(("libraries", "times"), [(("slow_library",), 1), ((), 3)])
def test_each_process_finds_the_library_loaded(
    cli: Cli, tmp_path: Path, libraries: tuple[str, ...], times: int
) -> None:
    """Three trials load it once if it is named, and else each of them does."""
    (tmp_path / "slow_library.py").write_text(LIBRARY)
    (tmp_path / "net.py").write_text(PLUGIN.replace("LIBRARIES", repr(libraries)))
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, "PYTHONPATH": path, "LOADED": str(tmp_path / "loaded")}
    command = ("run", "mine", "--plugin", "net.py", "--task", "digits", "--protocol", "smoke", "--seeds", "3", "--json")
    done = cli(*command, "--device", "cpu", cwd=tmp_path, env=environment)

    assert json.loads(done.stdout)["trained"] == 3, done.stderr
    assert len((tmp_path / "loaded").read_text().splitlines()) == times
