"""An installed plugin whose source is edited between two runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support import Cli

PLUGIN = """
import archbench

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="tinynet", build="tinynet.network:build", inputs=("image",))
"""
NETWORK = """
import math
from torch import nn

def build(task, options):
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), 16), nn.Tanh(), nn.Linear(16, 10))
"""


def install(site: Path) -> dict[str, str]:
    """Write the plugin as an editable installation leaves it, and return the environment that has it."""
    information = site / "tinynet-0.1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tinynet\nVersion: 0.1\n")
    (information / "entry_points.txt").write_text("[archbench]\ntinynet = tinynet\n")
    (information / "direct_url.json").write_text('{"url": "file:///tinynet", "dir_info": {"editable": true}}')
    (site / "tinynet").mkdir()
    (site / "tinynet" / "__init__.py").write_text(PLUGIN)
    (site / "tinynet" / "network.py").write_text(NETWORK)
    return {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


@pytest.mark.slow
def test_an_edit_counts_as_a_new_state_of_the_entrant(cli: Cli, tmp_path: Path) -> None:
    """After an edit the network is trained again, the run says why, and the older row is superseded on the page."""
    environment = install(tmp_path / "site")
    command = ("run", "tinynet", "--task", "digits", "--protocol", "smoke", "--json")
    first = cli(*command, cwd=tmp_path, env=environment)
    network = tmp_path / "site" / "tinynet" / "network.py"
    network.write_text(NETWORK.replace("nn.Tanh()", "nn.Tanh(), nn.ReLU()"))
    dry = cli(*command, "--dry-run", cwd=tmp_path, env=environment)
    second = cli(*command, cwd=tmp_path, env=environment)
    third = cli(*command, cwd=tmp_path, env=environment)
    network.write_text(NETWORK)
    back = cli(*command, cwd=tmp_path, env=environment)
    runs = [json.loads(done.stdout) for done in (first, second, third, back)]
    page = json.loads((tmp_path / "leaderboard" / "leaderboard.json").read_text())
    rows = {entrant["label"]: entrant["superseded_by"] for entrant in page["entrants"]}

    assert [run["trained"] for run in runs] == [1, 1, 0, 0]
    assert runs[0]["trials"] == runs[3]["trials"] != runs[1]["trials"] == runs[2]["trials"]
    said = "tinynet: source changed since 1 kept trial; training again"
    assert [said in done.stderr for done in (first, dry, second, third)] == [False, True, True, False]
    assert "another source was trained last and is the one that the page ranks" in back.stderr
    assert sorted(rows.values()) == ["", "tinynet"]
    assert rows["tinynet"] == ""


@pytest.mark.slow
def test_another_version_keeps_its_trials_and_says_so(cli: Cli, tmp_path: Path) -> None:
    """A new release of a plugin with the old revision trains nothing, and the run names both versions."""
    environment = install(tmp_path / "site")
    information = tmp_path / "site" / "tinynet-0.1.dist-info"
    (information / "direct_url.json").unlink()
    command = ("run", "tinynet", "--task", "digits", "--protocol", "smoke", "--json")
    cli(*command, cwd=tmp_path, env=environment)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: tinynet\nVersion: 0.2\n")
    again = cli(*command, cwd=tmp_path, env=environment)

    assert json.loads(again.stdout)["trained"] == 0
    assert "tinynet: trials of tinynet 0.1 are kept, and tinynet 0.2 is installed; its revision is the same" in (
        again.stderr
    )
    assert "to train all of them with this one, raise the revision, or give another --out" in again.stderr
