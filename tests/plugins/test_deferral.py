"""One-file plugins with torch at the top: listed without it, and complete when a network is built."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from archbench import TaskInfo
from archbench._declarations import resolve
from archbench._plugins import load_plugins
from archbench.testing import check_architecture

TASK = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=3)
NET = '''
"""A network in one file."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archbench

WIDTH = 32
ACTIVATION = nn.Tanh()


@dataclass(frozen=True)
class Options:
    """The options."""

    width: int = WIDTH


class Net(nn.Module):
    """A convolution and a linear layer."""

    def __init__(self, task: archbench.TaskInfo, options: Options) -> None:
        super().__init__()
        self.conv = nn.Conv2d(task.input_shape[0], options.width, 3, padding=1)
        self.head = nn.Linear(options.width, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(ACTIVATION(F.relu(self.conv(x))).mean((2, 3)))


def build(task: archbench.TaskInfo, options: Options) -> nn.Module:
    """Return the network."""
    return Net(task, options)


@archbench.hookimpl
def archbench_architectures():
    """Register the network."""
    yield archbench.Architecture(name="own", build=build, inputs=("image",), options=Options, summary="A network")
'''
BY_CLASS = NET.replace("build=build", "build=Net")
ON_ONE_LINE = NET.replace("import torch\n", "import torch, archbench\n").replace("\nimport archbench\n", "")


def load(path, text):
    """Write a one-file plugin and return its architecture."""
    path.write_text(text)
    return load_plugins(files=[path], only=[]).architectures[-1]


@pytest.mark.slow
@pytest.mark.parametrize("text", [NET, BY_CLASS], ids=["function", "class"])
def test_own_module_class_passes(tmp_path, text):
    """A file with torch at its top and a module class of its own is conformant."""
    results = check_architecture(load(tmp_path / "own.py", text))

    assert [str(r) for r in results if r.status not in ("passed", "skipped")] == []
    assert next(r.status for r in results if r.code == "B001") == "passed"


@pytest.mark.parametrize("text", [NET, BY_CLASS, ON_ONE_LINE], ids=["function", "class", "one line"])
def test_listing_does_not_import_torch(tmp_path, text):
    """A file with torch at its top is loaded, with its options, before torch is imported."""
    (tmp_path / "own.py").write_text(text)
    code = (
        "import sys; from pathlib import Path; from archbench._plugins import load_plugins\n"
        "item = load_plugins(files=[Path('own.py')], only=[]).architectures[-1].item\n"
        "print(item.name, item.options().width, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["own", "32", "False"]


def test_built_network_belongs_to_the_file(tmp_path):
    """The class of a built network is found in its module, so that the network can be pickled."""
    item = load(tmp_path / "own.py", NET).item
    network = resolve(item.build)(TASK, item.options())

    assert type(pickle.loads(pickle.dumps(network))) is type(network)
    assert network.head.out_features == 3


def test_error_names_the_line_of_the_file(tmp_path):
    """An error in a function is reported at its line in the file as it was written."""
    text = NET.replace("    return Net(task, options)", "    return Net(task)")
    item = load(tmp_path / "own.py", text).item
    with pytest.raises(TypeError) as caught:
        resolve(item.build)(TASK, item.options())

    line = text.splitlines().index("    return Net(task)") + 1
    assert any(entry.path.name == "own.py" and entry.lineno + 1 == line for entry in caught.traceback)


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", ["torch.get_num_threads()", "if WIDTH:\n    SIZE = torch.Size([2])"], ids=["call", "if"]
)
def test_file_that_does_more_runs_at_once(tmp_path, line):
    """A file that uses torch at its top other than to define things runs whole, and B001 finds it."""
    text = NET.replace("WIDTH = 32", f"WIDTH = 32\n{line}")
    (result,) = check_architecture(load(tmp_path / "own.py", text), only=["B001"])

    assert result.status == "failed"
    assert "imports torch" in result.message


def test_missing_library_is_reported_at_once(tmp_path):
    """A library that is not installed is an error when the file is loaded, not when a network is built."""
    from archbench import PluginError

    with pytest.raises(PluginError, match="no_such_library"):
        load(tmp_path / "own.py", NET.replace("import torch\n", "import torch\nimport no_such_library\n"))
