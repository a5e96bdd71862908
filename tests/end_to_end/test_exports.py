"""Trained networks in the formats of other tools."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import safetensors
import safetensors.torch
import torch
from torch.onnx._internal.exporter._errors import TorchExportError

import archbench
from archbench import DataError, Observer, Record, SelectionError
from archbench._training._exporting import describe_failure
from support import Cli

BRANCHES = """
import archbench
def build(task, options):
    import torch
    from torch import nn
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 10)
        def forward(self, x):
            y = self.layer(x.flatten(1))
            return y if len(x) == 2 else -y
    return Branching()
def build_fixed(task, options):
    import torch
    from torch import nn
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(64, 10)
        def forward(self, x):
            return self.layer(x.flatten(1)) + torch.zeros(len(x), 10)
    return Fixed()
@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="branching", build=build, inputs=("image",))
    yield archbench.Architecture(name="fixed", build=build_fixed, inputs=("image",))
"""


def train(folder: Path, name: str, task: str, *plugins: Path) -> Record:
    """Return the record of one short trial whose network is kept."""
    rules: dict[str, Any] = {"protocol": "smoke", "keep": "last", "out": folder, "workers": 1, "observer": Observer()}
    results = archbench.run(name, tasks=task, plugin_files=plugins, **rules)
    (record,) = results.records
    assert record.status == "ok", record.detail
    return record


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Record]:
    """A convolutional network with batch normalisation, trained on digits."""
    out = tmp_path_factory.mktemp("kept") / "out"
    return out, train(out, "resnet[depth=8]", "digits")


def digits(number: int) -> torch.Tensor:
    """Random pictures."""
    return torch.randn(number, 1, 8, 8, generator=torch.Generator().manual_seed(5))


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning", "ignore:.torch.jit:DeprecationWarning")
def test_torchscript(kept: tuple[Path, Record], tmp_path: Path) -> None:
    """The file answers as the network does, for a batch of a size that it was not traced with."""
    out, record = kept
    difference = archbench.export(record, tmp_path / "net.pt", out=out)
    found = torch.jit.load(tmp_path / "net.pt")(digits(5))

    assert difference < 1e-5
    torch.testing.assert_close(found, archbench.load(record, out=out)(digits(5)), rtol=1e-5, atol=1e-5)


def test_onnx(kept: tuple[Path, Record], tmp_path: Path, cli_here: Cli) -> None:
    """ONNX Runtime answers as the network does; the metadata name the trial, and every step is told meanwhile."""
    out, record = kept
    done = cli_here("export", f"{out}/{record.id[:8]}", "--out", "net.onnx", cwd=tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    (found,) = session.run(["logits"], {"inputs": digits(5).numpy()})

    np.testing.assert_allclose(found, archbench.load(record, out=out)(digits(5)).detach(), rtol=1e-4, atol=1e-4)
    assert session.get_modelmeta().custom_metadata_map["archbench.trial"] == record.id
    assert re.sub(r"\d+", "N", done.stderr).splitlines() == [
        "Exporting: tracing (N s)",
        "Exporting: taking operations apart (N s)",
        "Exporting: translating the graph (N s)",
        "Exporting: optimising the graph (N s)",
    ]


def test_a_large_graph_is_not_optimised(
    kept: tuple[Path, Record], tmp_path: Path, cli_here: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above so many nodes the step that takes minutes is left out, and ONNX Runtime answers as the network does."""
    out, record = kept
    monkeypatch.setattr("archbench._training._exporting.MOST_OPTIMISED", 50)
    done = cli_here("export", f"{out}/{record.id[:8]}", "--out", "net.onnx", cwd=tmp_path)
    (found,) = onnxruntime.InferenceSession(tmp_path / "net.onnx").run(["logits"], {"inputs": digits(5).numpy()})

    np.testing.assert_allclose(found, archbench.load(record, out=out)(digits(5)).detach(), rtol=1e-4, atol=1e-4)
    assert "translating the graph" in done.stderr
    assert "optimising the graph" not in done.stderr


def test_safetensors(kept: tuple[Path, Record], tmp_path: Path) -> None:
    """The weights are those of the network, with a header that says what they are of."""
    out, record = kept
    archbench.export(record, tmp_path / "net.safetensors", out=out)
    weights = safetensors.torch.load_file(tmp_path / "net.safetensors")
    with safetensors.safe_open(tmp_path / "net.safetensors", "pt") as file:
        said = file.metadata()

    expected = archbench.load(record, out=out).state_dict()
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert (said["archbench.trial"], said["archbench.architecture"]) == (record.id, "resnet[depth=8]")
    assert said["archbench.input"] == "image (batch, 1, 8, 8)"


@pytest.mark.slow
def test_command(kept: tuple[Path, Record], tmp_path: Path, cli: Cli, cli_here: Cli) -> None:
    """Without --out the file gets the name of the architecture and the first digits of the trial; --json says all."""
    out, record = kept
    done = cli("export", f"{out}/{record.id[:8]}", "--format", "torchscript", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (0, "")
    assert said["path"] == f"resnet-{record.id[:8]}.pt"
    assert said["bytes"] == (tmp_path / said["path"]).stat().st_size > 10_000
    assert said["largest_relative_difference"] < 1e-5
    done = cli_here("export", f"{out}/{record.id[:8]}", "--out", "net.pickle", cwd=tmp_path)
    assert done.returncode == 2
    assert "the ending of net.pickle names no format; give one of safetensors, torchscript, onnx" in done.stderr


def test_a_network_that_answers_otherwise_there_is_not_written(tmp_path: Path) -> None:
    """A trace holds one branch of a network that looks at the size of its batch, and the comparison finds it."""
    plugin = tmp_path / "mine.py"
    plugin.write_text(BRANCHES)
    record = train(tmp_path / "out", "branching", "digits", plugin)
    with pytest.raises(DataError, match=r"branching as torchscript gives outputs that differ by 2 of the largest"):
        archbench.export(record, tmp_path / "net.pt", out=tmp_path / "out", plugin_files=[plugin])

    assert not (tmp_path / "net.pt").exists()


def test_a_network_that_fails_there_says_why(tmp_path: Path) -> None:
    """Of an error of many lines, the one is shown that says what is wrong: here, the batch of the trace stayed."""
    plugin = tmp_path / "mine.py"
    plugin.write_text(BRANCHES)
    record = train(tmp_path / "out", "fixed", "digits", plugin)
    for ending, reason in (("pt", "RuntimeError: The size of tensor a"), ("onnx", r"InvalidArgument: .* index: 0 Got")):
        with pytest.raises(DataError, match=rf"cannot be exported as \w+: {reason}.*; archbench\.load gives"):
            archbench.export(record, tmp_path / f"net.{ending}", out=tmp_path / "out", plugin_files=[plugin])


def test_the_reason_within_the_advice_of_an_exporter() -> None:
    """The exporter of torch says how to report what it wraps; shown is what it wraps, without advice of its own."""
    wrapped = TorchExportError("Failed to export the model. Next steps:\n- Debug it")
    wrapped.__cause__ = ValueError("no such\noperation\n\nFor more, set TORCH_LOGS")

    assert describe_failure(wrapped) == "ValueError: no such operation"
    assert describe_failure(RuntimeError("x " * 999)).endswith(" x ...")
    assert len(describe_failure(RuntimeError("x " * 999))) <= 400


@pytest.mark.slow
def test_sequences_for_onnx(tmp_path: Path) -> None:
    """A convolutional net on tokens answers there as here, for a batch of another size than it was traced with."""
    record = train(tmp_path / "out", "tcn", "parity")
    archbench.export(record, tmp_path / "net.onnx", out=tmp_path / "out")
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")

    inputs = torch.randint(2, (3, session.get_inputs()[0].shape[1]))
    (found,) = session.run(None, {"inputs": inputs.numpy()})
    expected = archbench.load(record, out=tmp_path / "out")(inputs).detach()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_loop_with_its_own_gradient(tmp_path: Path) -> None:
    """A recurrent net whose gradient is written by hand becomes TorchScript, as a loop of plain operations."""
    record = train(tmp_path / "out", "gru", "temporal-order")

    assert archbench.export(record, tmp_path / "net.pt", out=tmp_path / "out") < 1e-5


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning", "ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("ending", ["pt", "onnx"])
@pytest.mark.parametrize("name", ["lstm", "min-gru"])
def test_lengths(name: str, ending: str, tmp_path: Path) -> None:
    """A net that reads its answer at the last real step of each sequence answers batches of any size there, too."""
    draw = np.random.default_rng(1)
    lengths = draw.integers(3, 9, 60)
    values = draw.normal(size=(lengths.sum(), 2)).astype(np.float32)
    np.savez(tmp_path / "walks.npz", values=values, lengths=lengths, targets=draw.integers(2, size=60))
    record = train(tmp_path / "out", name, f"sequences:{tmp_path / 'walks.npz'}")

    assert archbench.export(record, tmp_path / f"net.{ending}", out=tmp_path / "out") < 1e-5


def test_missing_libraries(kept: tuple[Path, Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ONNX Runtime the message names what to install."""
    out, record = kept
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SelectionError, match=r"needs onnxruntime, .* pip install 'archbench\[onnx\]'"):
        archbench.export(record, tmp_path / "net.onnx", out=out)
