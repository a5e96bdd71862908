"""Seconds until verbs that train nothing are done."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from support.speed.rows import Row, in_pairs, values

PLUGINS = 20
VERBS = ("--help", "list", "plugins")
PLUGIN = """
import archbench

def build(task, options):
    raise NotImplementedError

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="{name}", build=build, inputs=("image",))
"""


def with_plugins(site: Path) -> dict[str, str]:
    """Write twenty installed plugins below a folder, and return the environment of a process that finds them."""
    for number in range(PLUGINS):
        module = f"plugin_of_a_stranger_{number}"
        information = site / f"{module}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[archbench]\n{module} = {module}\n")
        (site / f"{module}.py").write_text(PLUGIN.format(name=f"stranger-{number}"))
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def start_up(verb: str, environment: dict[str, str], count: int) -> Row:
    """Return the row of the seconds that a verb takes longer than an empty Python."""

    def run(*command: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], capture_output=True, check=True, env=environment)
        return time.perf_counter() - start

    pairs = in_pairs(lambda: run("-m", "archbench", verb), lambda: run("-c", "pass"), count, warm_up=1)
    longer = [ours - empty for ours, empty in pairs]
    name = f"`benchmark {verb}` over an empty Python, {PLUGINS} more plugins installed"
    return values(name, longer, "s", at_most=0.2)
