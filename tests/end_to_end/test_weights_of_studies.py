"""A stranger's study whose probes keep weights: run, loaded, predicted with, reproduced, and asked for what is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

import archbench
from archbench import Observer, RecordError, Results
from archbench._execution._node import _collect
from archbench._records import Store
from support import Cli

PLUGIN = """
import archbench

RULES = archbench.Protocol(
    name="weighed", steps=archbench.equal_steps(20), batch_size=16, validations=4, seeds=1, for_studies=True,
    timeout=600, probes=archbench.Probes(measure=("weights",), at=(0, 0.5, 1)),
)


def analyse(data):
    (first,) = data.readings("weights", first=True).values()
    (last,) = data.readings("weights").values()
    return archbench.Findings(text=f"From step {first.step} to step {last.step}.")


@archbench.hookimpl
def archbench_studies():
    part = archbench.Part(architectures=("mlp[width=4]",), tasks=("digits",), protocol=RULES)
    yield archbench.Study(name="weighed", question="Do weights grow?", sizes={"quick": (part,)}, analyse=analyse)
"""


class Lines(Observer):
    """Keeps what a run warns of."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warned(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)


def study(folder: Path) -> tuple[Results, list[str]]:
    """Run the study, or go on with it; return its results and warnings."""
    observer = Lines()
    plugins = [folder / "weighed.py"]
    results = archbench.run("weighed", out=folder / "out", plugin_files=plugins, workers=1, observer=observer)
    return results, observer.lines


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin, and the run of its study in `out`."""
    folder = tmp_path_factory.mktemp("weighed")
    (folder / "weighed.py").write_text(PLUGIN)
    results, lines = study(folder)

    assert [record.status for record in results.records] == ["ok"], results.records[0].detail
    assert lines == []
    assert [found.findings.text for found in results.studies] == ["From step 0 to step 20."]
    return folder


def test_networks_of_a_strangers_study(folder: Path) -> None:
    """`load` gives the network of each step that the record names, which differ; errors name the steps there are."""
    (record,) = archbench.read(folder / "out").records
    steps = [reading.step for reading in record.readings if reading.probe == "weights"]
    networks = [archbench.load(record, step=step, out=folder / "out") for step in steps]
    inputs = torch.ones(3, 1, 8, 8)

    assert steps == [0, 10, 20]
    outputs = [network(inputs) for network in networks]
    assert not torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[1], outputs[2])
    file = folder / "out" / "networks" / f"{record.id}.step-10.safetensors"
    assert torch.equal(archbench.load(file)(inputs), outputs[1])
    assert torch.equal(archbench.load(file, step=20)(inputs), outputs[2])
    assert archbench.export(file, folder / "ten.safetensors") < 1e-4
    exported = safetensors.torch.load_file(folder / "ten.safetensors")
    assert all(torch.equal(value, exported[name]) for name, value in networks[1].state_dict().items())
    with pytest.raises(RecordError, match="there are those after 0, 10, 20"):
        archbench.load(record, step=5, out=folder / "out")
    with pytest.raises(RecordError, match="no network of trial"):
        archbench.load(record, out=folder / "out")


def test_a_node_sends_the_weights_back(folder: Path) -> None:
    """What a trial leaves on a node without the folder of the run holds all its files, and none stays there."""
    (record,) = archbench.read(folder / "out").records
    store = Store(folder / "node")
    store.networks.mkdir(parents=True)
    for path in (folder / "out" / "networks").iterdir():
        (store.networks / path.name).write_bytes(path.read_bytes())
    left = _collect(store, record, sent_back=True)

    assert set(left.networks) == {path.name for path in (folder / "out" / "networks").iterdir()}
    assert len(left.networks) == 6
    assert list(store.networks.iterdir()) == []


def test_weights_that_are_lost_are_told(folder: Path) -> None:
    """The same study again trains nothing, and says that weights are not there once a file was lost."""
    (record,) = archbench.read(folder / "out").records
    path = folder / "out" / "networks" / f"{record.id}.step-10.safetensors"
    data = path.read_bytes()
    path.unlink()
    results, lines = study(folder)
    path.write_bytes(data)

    assert results.trained == 0
    assert [line for line in lines if "weights at chosen steps of 1 finished trials are not in" in line] == lines != []
    assert study(folder)[1] == []


@pytest.mark.slow
def test_merge_and_reproduce(folder: Path, cli_here: Cli) -> None:
    """A record comes out again bit for bit, norms included, its files stay, and a merge takes them with the record."""
    (record,) = archbench.read(folder / "out").records
    before = {path: path.read_bytes() for path in (folder / "out" / "networks").iterdir()}
    again = cli_here("reproduce", f"out/{record.id[:8]}", "--plugin", "weighed.py", "--json", cwd=folder)
    (check,) = json.loads(again.stdout)["checks"]
    merged = cli_here("merge", "out", "--out", "both", "--plugin", "weighed.py", cwd=folder)

    assert (again.returncode, merged.returncode) == (0, 0)
    assert check["verdict"] == "reproduced"
    assert "readings" in check["compared"]
    assert {path: path.read_bytes() for path in (folder / "out" / "networks").iterdir()} == before
    assert [one.id for one in archbench.read(folder / "both").records] == [record.id]
    assert {path.name: data for path, data in before.items()} == {
        path.name: path.read_bytes() for path in (folder / "both" / "networks").iterdir()
    }
