"""The example plugins, and the guide for authors that quotes them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import torch

import archbench
from archbench._training._probes import find_blocks, skipped
from archbench.testing import check_codes

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "authors.md").read_text()
TINYNET = ROOT / "examples" / "archbench-tinynet"
TIMM = ROOT / "examples" / "timm_nets.py"


def blocks(language: str) -> list[str]:
    """Return the code blocks of the guide in one language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def failures(output: str) -> list[str]:
    """Return the failed and blocked checks in the output of `benchmark check --json`, warnings included."""
    found = [check for checked in json.loads(output)["checked"] for check in checked["checks"]]
    assert found
    return [f"{c['code']} {c['message']}" for c in found if c["status"] not in ("passed", "expected", "skipped")]


def test_guide_quotes_the_example_as_it_is():
    """Every longer excerpt in the guide that names the network of the example is in a file of the example."""
    files = [path.read_text() for path in TINYNET.rglob("*.py")]
    _, *excerpts = [block for block in blocks("python") if block.count("\n") > 2]
    excerpts = [excerpt for excerpt in excerpts if "tinynet" in excerpt.lower()]

    assert len(excerpts) == 2
    assert all(any(excerpt in text for text in files) for excerpt in excerpts)


def test_blocks_of_the_guide_can_be_skipped():
    """The network of the guide that names its blocks has nine, and with all of them skipped it is its head."""
    (excerpt,) = [block for block in blocks("python") if "archbench_blocks" in block]

    class Residual(torch.nn.Module):
        def __init__(self, width):
            super().__init__()
            self.F = torch.nn.Linear(width, width)

        def forward(self, x):
            return x + self.F(x)

    names = {"archbench": archbench, "torch": torch, "Residual": Residual}
    exec(excerpt, names)
    network, x = names["Deep"](4, 2), torch.randn(3, 4)
    found = find_blocks(network)
    with skipped(found):
        assert torch.equal(network(x), network.head(x))

    assert [block.name for block in found] == [str(n) for n in range(1, 10)]


def test_guide_explains_every_check():
    """The tables of the guide list all checks, in order."""
    listed = re.findall(r"^\| ([BT]\d{3}) \|", GUIDE, re.MULTILINE)

    assert tuple(listed) == check_codes("architecture") + check_codes("task")


def test_file_of_the_guide_passes(cli_here, tmp_path):
    """The one-file plugin of the guide is conformant."""
    (tmp_path / "my_net.py").write_text(blocks("python")[0])

    done = cli_here("check", "./my_net.py", "--json", cwd=tmp_path)

    assert failures(done.stdout) == []


@pytest.mark.slow
def test_tinynet_passes(cli, pretend_install, tmp_path):
    """The example distribution is found through its entry point, and is conformant."""
    environment = pretend_install(TINYNET)

    done = cli("check", "tinynet", "--json", cwd=tmp_path, env=environment)
    (checked,) = json.loads(done.stdout)["checked"]

    assert failures(done.stdout) == []
    assert checked["id"] == "archbench-tinynet/tinynet@1"


@pytest.mark.slow
def test_timm_networks_pass(cli, tmp_path):
    """Networks of timm pass with no declared exception, through a wrapper of at most 25 lines."""
    pytest.importorskip("timm")

    done = cli("check", str(TIMM), "--json", cwd=tmp_path)

    assert failures(done.stdout) == []
    assert len(json.loads(done.stdout)["checked"]) == 2
    assert len(TIMM.read_text().splitlines()) <= 25


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_commands_of_the_guide(fresh, tmp_path):
    """Every command of the guide works, in order, in an environment into which the example was really installed."""
    (tmp_path / "my_net.py").write_text(blocks("python")[0])
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines() if line]
    fresh.install(TINYNET)

    for program, *arguments in commands:
        assert program == "benchmark"
        fresh("archbench", *arguments, cwd=tmp_path)

    page = (tmp_path / "leaderboard" / "index.html").read_text()
    assert "archbench-tinynet" in page
    assert "my_net.py" in page
    fresh.uninstall("archbench-tinynet")
