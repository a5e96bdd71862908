"""Files that an architecture is built from: prepared like data, checked, part of the identity, never fetched here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import safetensors.torch
import torch

import archbench
from archbench import DeclarationError, Record
from archbench._downloads._prepare import prepare
from archbench._planning import Device, Job, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import read_sidecar, read_weights
from archbench._selection import select
from archbench._training import run_trial
from archbench._training._rebuilding import rebuild
from archbench._training._trial_run import TrialRun
from archbench.testing import check_architecture

PLUGIN = """
import archbench

FILE = archbench.RemoteFile(path="set/start.safetensors", urls=({address!r},), size={size}, sha256={sha256!r})

def build(task, options, files):
    import math
    from safetensors.torch import load_file
    from torch import nn
    net = nn.Linear(math.prod(task.input_shape), task.outputs)
    weights = load_file(files["set/start.safetensors"])
    net.load_state_dict({{name: value[: task.outputs] for name, value in weights.items()}}, strict=True)
    return nn.Sequential(nn.Flatten(), net)

@archbench.hookimpl
def archbench_architectures():
    takes_digits = lambda task, options: None if task.input_shape == (1, 8, 8) else "other shapes than (1, 8, 8)"
    yield archbench.Architecture(name="pretrained", build=build, inputs=("image",), files=(FILE,),
                                 incompatible=takes_digits, summary="Starts from a file")
"""


def weights(seed: int) -> bytes:
    """Return a file of weights."""
    torch.manual_seed(seed)
    return safetensors.torch.save({"weight": torch.randn(10, 64), "bias": torch.randn(10)})


@pytest.fixture
def plugin(tmp_path: Path, site: Any, cache: Path) -> Path:
    """A plugin whose weights lie on the local server."""
    return write_plugin(tmp_path / "pretrained.py", site, weights(0))


def write_plugin(path: Path, site: Any, content: bytes) -> Path:
    """Write the plugin with these weights on the local server."""
    file = site.remote("start.safetensors", content)
    path.write_text(PLUGIN.format(address=file.urls[0], size=file.size, sha256=file.sha256))
    return path


def registered(plugin: Path) -> Any:
    """Return the architecture of the plugin."""
    return next(a for a in load_plugins(files=[plugin]).architectures if a.item.name == "pretrained")


def make_job(plugin: Path) -> Job:
    """Return a job of the smoke protocol."""
    plugins = load_plugins(files=[plugin])
    entrants = select(["pretrained"], plugins.architectures, "architecture")
    (planned,) = make_plan(
        entrants, select(["digits"], plugins.tasks, "task"), protocol=find_protocol("smoke"), seeds=1
    ).trials
    return planned.job(Device(kind="cpu"))


def fetch_files(plugin: Path) -> None:
    """Prepare the files, as `benchmark data prepare` does."""
    prepare(registered(plugin).item.files, lambda event, needed, done=0: None)


def test_the_network_starts_from_the_file(plugin: Path) -> None:
    """`build` gets the path of the prepared file, and the network begins with its numbers."""
    fetch_files(plugin)
    run = TrialRun(make_job(plugin))
    run.prepare()
    wanted = safetensors.torch.load(weights(0))
    assert run.module is not None
    state = run.module.network.state_dict()

    assert torch.equal(state["1.weight"], wanted["weight"])
    assert torch.equal(state["1.bias"], wanted["bias"])


def test_a_trial_fetches_nothing(plugin: Path, site: Any) -> None:
    """Without its file a trial fails with the command that gets it, and asks no server."""
    record = run_trial(make_job(plugin))

    assert record.status == "failed"
    assert "architecture pretrained: 1 file" in record.message
    assert f"`benchmark data prepare pretrained --plugin {plugin}` does it" in record.message
    assert site.asked == []


def test_the_file_is_part_of_the_identity(plugin: Path, site: Any) -> None:
    """The trial holds the sha256 of the file; two files of one name are two trials."""
    before = make_job(plugin).trial
    (file,) = registered(plugin).item.files
    other = msgspec.structs.replace(before.architecture, files={file.path: "0" * 64})
    without = msgspec.structs.replace(before.architecture, files={})
    ids = {msgspec.structs.replace(before, architecture=part).id for part in (before.architecture, other, without)}

    assert before.architecture.files == {"set/start.safetensors": file.sha256}
    assert len(ids) == 3
    assert len({part.lineage for part in (before.architecture, other, without)}) == 1


def test_a_kept_network_is_rebuilt_with_its_files(plugin: Path, tmp_path: Path) -> None:
    """A network that was kept can be loaded again where its files are."""
    fetch_files(plugin)
    job = msgspec.structs.replace(make_job(plugin), keep="last")
    record: Record = run_trial(job, networks=tmp_path / "networks")
    sidecar = read_sidecar(tmp_path / "networks", record.id)
    network = rebuild(sidecar, read_weights(tmp_path / "networks", sidecar), registered(plugin).item, None)

    assert record.status == "ok", record.detail
    assert not torch.equal(network.state_dict()["1.weight"], safetensors.torch.load(weights(0))["weight"])


def test_the_kit_builds_with_the_files(plugin: Path) -> None:
    """The conformance kit says what is missing, and passes once it is there."""
    lacking = {result.code: result for result in check_architecture(registered(plugin), only=["B101", "B103"])}
    fetch_files(plugin)
    there = check_architecture(registered(plugin), only=["B003", "B103"])

    assert lacking["B101"].status == "failed"
    assert f"`benchmark data prepare pretrained --plugin {plugin}` does it" in lacking["B101"].message
    assert lacking["B103"].status == "blocked"
    assert [result.status for result in there] == ["passed"] * 2, there


def test_a_file_needs_its_sha256(site: Any) -> None:
    """A weaker checksum does not tell two files apart."""
    file = site.remote("a.bin", b"abc", sha256="", md5="900150983cd24fb0d6963f7d28e17f72")
    with pytest.raises(DeclarationError, match=r"'set/a\.bin' has no sha256"):
        archbench.Architecture(name="a", build="torch.nn:Linear", inputs=("image",), files=(file,))
