"""Checks that need a plugin in a file, other processes or a kept file: B001, B302 on import, B501 and B502."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from archbench._plugins import Registered, load_plugins
from archbench.testing import check_architecture
from archbench.testing._fingerprints import write_kept
from archbench.testing.architecture import CHECKS, Subject, fingerprint

NET = """
import math
import archbench

def build(task, options):
    from torch import nn
    width = math.prod(task.input_shape)
    return nn.Sequential(nn.Flatten(), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, task.outputs))

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="filed", build=build, inputs=("image",), summary="A net in a file", revision=1)
"""
READS_RANK = NET.replace("    width =", '    import os\n    assert "RANK" not in os.environ, "alone only"\n    width =')
GROWS_BY_RANK = NET.replace(
    "    width =", '    import os\n    extra = int(os.environ.get("RANK", 0))\n    width ='
).replace(
    "nn.Linear(width, 32), nn.ReLU(), nn.Linear(32,", "nn.Linear(width, 32 + extra), nn.ReLU(), nn.Linear(32 + extra,"
)
NEEDS_MAIN = NET.replace(
    "    width =",
    '    import sys\n    assert "pytest" in sys.modules  # not so in a worker\n    width =',
)


def load(path: Path, text: str) -> Registered[Any]:
    """Write a one-file plugin and return its architecture."""
    path.write_text(text)
    return load_plugins(files=[path], only=[]).architectures[-1]


def failed(results):
    """Return the codes of the failed checks."""
    return [result.code for result in results if result.status == "failed"]


def test_sound_file_passes(tmp_path):
    """A one-file plugin passes, and only the checks that need a kept file, processes or blocks are skipped."""
    results = check_architecture(load(tmp_path / "net.py", NET))

    assert failed(results) == []
    assert {r.code for r in results if r.status == "skipped"} == {"B111", "B209", "B501", "B502", "B601"}


def test_heavy_import_is_caught(tmp_path):
    """B001 names the library that loading the plugin imports."""
    results = check_architecture(load(tmp_path / "net.py", "import torch\ntorch.get_num_threads()\n" + NET))

    assert failed(results) == ["B001"]
    assert "imports torch" in results[0].message


@pytest.mark.slow
def test_slow_import_is_caught(tmp_path, monkeypatch):
    """B001 says how long loading takes, unless only the first time takes long."""
    monkeypatch.setattr("archbench.testing._packaging.MOST_MILLISECONDS", 1500.0)
    once = (
        "import os, time\nif not os.path.exists('been-here'):\n    open('been-here', 'w').close()\n    time.sleep(2)\n"
    )
    monkeypatch.chdir(tmp_path)
    slow = load(tmp_path / "net.py", "import time\ntime.sleep(1.6)\n" + NET)
    at_first = load(tmp_path / "other.py", once + NET)
    (tmp_path / "been-here").unlink()
    (always,) = check_architecture(slow, only=["B001"])
    (first,) = check_architecture(at_first, only=["B001"])

    assert always.status == "failed"
    assert re.fullmatch(r"loading the plugin takes \d\.\d s, and 1\.5 s are allowed", always.message)
    assert first.status == "passed"


def test_a_network_without_a_gradient_is_one_failure(tmp_path):
    """Only B202 reports that the output is detached; B302, which trains a step too, passes."""
    inner = "nn.Sequential(nn.Flatten(), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, task.outputs))"
    assert inner in NET
    detached = NET.replace(
        f"return {inner}",
        f"net = {inner}\n    net.register_forward_hook(lambda module, given, output: output.detach())\n    return net",
    )
    results = check_architecture(load(tmp_path / "net.py", detached), only=["B202", "B302"])

    assert [(result.code, result.status) for result in results] == [("B202", "failed"), ("B302", "passed")]


def keep(registered: Registered[Any], path: Path) -> None:
    """Write the fingerprint of an architecture to a file."""
    write_kept(path, dict([fingerprint(Subject(registered.item, registered=registered))]))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("32", "33"), "2,213 parameters"),
        (("nn.ReLU()", "nn.Tanh()"), "the numbers differ"),
    ],
)
def test_change_without_a_new_revision_is_caught(tmp_path, change, says):
    """B501 finds another shape, and other numbers in the same shape; with a new revision either passes."""
    kept = tmp_path / "fingerprints.json"
    keep(load(tmp_path / "net.py", NET), kept)
    changed = NET.replace(*change)

    (result,) = check_architecture(load(tmp_path / "net.py", changed), only=["B501"], fingerprints=kept)
    raised = load(tmp_path / "net.py", changed.replace("revision=1", "revision=2"))
    (after,) = check_architecture(raised, only=["B501"], fingerprints=kept)

    assert (result.status, after.status) == ("failed", "passed")
    assert says in result.message
    assert "revision 1 is kept, this is 2" in after.message


def test_unchanged_network_keeps_its_fingerprint(tmp_path):
    """B501 passes if the file of the network has not changed."""
    kept = tmp_path / "fingerprints.json"
    keep(load(tmp_path / "net.py", NET), kept)

    (result,) = check_architecture(load(tmp_path / "net.py", NET), only=["B501"], fingerprints=kept)

    assert result.status == "passed"


def test_import_with_side_effects_is_caught(tmp_path, monkeypatch):
    """B302 also finds global state that importing the module of `build` changes, which happens only once."""
    (tmp_path / "greedy_network.py").write_text("import torch\ntorch.set_num_threads(1)\n" + NET)
    monkeypatch.syspath_prepend(str(tmp_path))
    registered = load(tmp_path / "net.py", NET.replace("build=build", 'build="greedy_network:build"'))

    results = check_architecture(registered)

    assert failed(results) == ["B302"]
    assert "importing the module of build changes torch.get_num_threads" in next(
        r.message for r in results if r.code == "B302"
    )


@pytest.mark.slow
def test_sound_file_trains_elsewhere(tmp_path):
    """B502 passes: two gloo processes take two steps together, and a real worker runs a trial of two steps."""
    (result,) = check_architecture(load(tmp_path / "net.py", NET), only=["B502"], slow=True)

    assert result.status == "passed", result.message
    assert "trained on noisy-digits" in result.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "says"),
    [(READS_RANK, "alone only"), (GROWS_BY_RANK, "in one of two processes"), (NEEDS_MAIN, "AssertionError")],
    ids=["reads-rank", "grows-by-rank", "needs-main"],
)
def test_network_that_works_in_one_process_only_is_caught(tmp_path, text, says):
    """Only B502 finds a network that depends on the process in which it is."""
    results = check_architecture(load(tmp_path / "net.py", text), slow=True)

    (alone,) = [result for result in results if result.code == "B502"]

    assert failed(results) == ["B502"]
    assert says in alone.message


def test_every_code_is_listed_once():
    """Every check has one result, and results are ordered by code."""
    results = check_architecture(load_plugins(only=[]).architectures[0])

    assert [result.code for result in results] == sorted(check.code for check in CHECKS)
