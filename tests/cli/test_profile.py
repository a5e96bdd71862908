"""`benchmark profile`: its JSON, tables and files, and how it ends when there is nothing to show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._planning._profile import Profile
from support import Cli

DIES = """
import os
import archbench

def build(task, options):
    import torch
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.Linear(64, 10)
        def forward(self, x):
            print("printed by a plugin")
            if self.training:
                WHAT
            return self.net(x.flatten(1))
    return Net()

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="dies", build=build, inputs=("image",))
"""


@pytest.fixture(scope="module")
def folder(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the profile of one architecture as JSON, its trace and its flame graph."""
    place = tmp_path_factory.mktemp("profile")
    task = ("--task", "digits", "--device", "cpu", "--threads", "1", "--steps", "15")
    done = cli("profile", "mlp[depth=3]", *task, "--trace", "t.json", "--flame", "f.html", "--json", cwd=place)

    assert done.returncode == 0, done.stderr
    (place / "profile.json").write_text(done.stdout)
    return place


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    """The JSON of that profile."""
    profile: dict[str, Any] = json.loads((folder / "profile.json").read_text())
    return profile


def test_json_has_every_field(found: dict[str, Any]) -> None:
    """The JSON has all fields of a profile, and the exit code."""
    assert found.keys() == {"exit_code", *Profile.__struct_fields__}
    assert (found["exit_code"], found["task"], found["device"]["threads"], found["steps"]) == (0, "digits", 1, 15)
    assert found["peak_memory_bytes"] > 1_000_000


def test_phases_add_up_to_the_step(found: dict[str, Any]) -> None:
    """The medians of the phases add up to the median of the step within 20 %."""
    phases = {phase["name"]: phase["seconds"]["median"] for phase in found["phases"]}

    assert list(phases) == ["data", "forward", "backward", "clip", "optimizer", "host"]
    assert sum(phases.values()) == pytest.approx(found["step"]["median"], rel=0.2)


def test_every_layer_is_there(found: dict[str, Any]) -> None:
    """Each layer has its times, and their parameters are those of the network."""
    leaves = [layer for layer in found["layers"] if layer["leaf"]]

    assert [leaf["type"] for leaf in leaves] == ["Flatten", *["Linear", "ReLU"] * 3, "Linear"]
    assert all(leaf["calls"] == 1 and leaf["forward_seconds"] > 0 for leaf in leaves)
    assert leaves[0]["backward_seconds"] is None  # nothing asks for a gradient of the data
    assert all(leaf["backward_seconds"] > 0 for leaf in leaves[1:])
    assert sum(layer["parameters"] for layer in found["layers"]) == found["parameters"]


def test_trace_is_json_with_events(folder: Path) -> None:
    """The trace is one that browsers open: JSON with complete events, layers among them."""
    events = json.loads((folder / "t.json").read_text())["traceEvents"]

    assert "1 (Linear)" in {event["name"] for event in events if event.get("ph") == "X"}


def test_flame_graph_names_the_layers_and_no_host(folder: Path, found: dict[str, Any]) -> None:
    """The page has a box for each phase and each layer that took time, and asks the network for nothing."""
    page = (folder / "f.html").read_text()
    titles = re.findall(r"<title>(.*?): [^<]*</title>", page)

    assert re.findall(r"https?://|src=|href=|url\(|@import", page) == []
    assert {phase["name"] for phase in found["phases"]} <= set(titles)
    for layer in found["layers"]:
        times = titles.count(f"{layer['name']} {layer['type']}".strip())
        assert times == bool(layer["forward_seconds"]) + (bool(layer["backward_seconds"]) or not layer["name"]), layer


def test_table(found: dict[str, Any], cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --json there are two tables, the slowest layers first, and a sum of those that are not shown."""
    profile = msgspec.convert({**found, "type": "Profile"}, Profile)
    monkeypatch.setattr("archbench._suite._profile.profile_cell", lambda *arguments: profile)
    done = cli_here("profile", "mlp", "--task", "digits", "--layers", "2", cwd=tmp_path)
    lines = done.stdout.splitlines()
    slowest = max(profile.layers, key=lambda layer: layer.seconds)
    head = next(number for number, line in enumerate(lines) if line.startswith("layer "))

    assert done.returncode == 0
    assert [line.split()[0] for line in lines if line.startswith(("data", "forward", "step"))] == [
        "data",
        "forward",
        "step",
    ]
    assert lines[head + 1].split()[:2] == [slowest.name, slowest.type]
    assert lines[head + 3].startswith(f"{len(profile.layers) - 2} more, see --layers")
    assert f"{profile.flops_per_example:,} FLOPs in a forward pass" in done.stdout


def test_recurrent_kernels_have_no_flops(
    found: dict[str, Any], cli_here: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where operations cannot be counted, the table says so and names the peak only."""
    unknown = dict.fromkeys(("flops_per_example", "flops_per_step", "flops_per_second", "peak_share"))
    profile = msgspec.convert({**found, **unknown, "type": "Profile"}, Profile)
    monkeypatch.setattr("archbench._suite._profile.profile_cell", lambda *arguments: profile)
    done = cli_here("profile", "mlp", "--task", "digits", cwd=tmp_path)

    assert "FLOPs cannot be counted in this network; the peak is the " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mpl", "--task", "digits"), "no architecture 'mpl'; did you mean 'mlp'?"),
        (("mlp", "--task", "digts"), "no task 'digts'; did you mean 'digits'?"),
        (("mlp",), "missing option '--task'"),
        (("rnn", "*lstm", "--task", "digits"), "unexpected extra argument"),
        (("*lstm", "--task", "digits"), "a profile is of one architecture, and 3 are selected (lstm, min-lstm, xlstm)"),
        (("mlp", "--task", "adding", "--task", "digits"), "a profile is of one task, and 2 are selected"),
        (("resnet", "--task", "adding"), "takes image, the task gives sequence"),
        (("rnn", "--task", "digits", "--protocol", "paper"), "rnn on digits is not trained: no own recipe"),
        (("mlp", "--task", "digits", "--steps", "0"), "invalid value for '--steps'"),
        (("mlp", "--task", "digits", "--trace", "absent/t.json"), "absent/t.json cannot be written"),
        (("mlp", "--task", "digits", "--flame", "."), "cannot be written; give a file"),
    ],
)
def test_wrong_commands_are_one_line_and_exit_code_2(
    cli_here: Cli, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """A command that cannot be carried out says why before anything is measured."""
    done = cli_here("profile", *arguments, cwd=tmp_path)

    assert done.returncode == 2
    assert message in done.stderr.lower() if "'--" in message else message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("os._exit(3)", "the process ended with exit code 3 and left no answer"),
        ("os.kill(os.getpid(), 11)", "the process was ended by SIGSEGV"),
        ("os.kill(os.getpid(), 40)", "the process was ended by signal 40"),
        ("raise ValueError('no luck')", "ValueError: no luck"),
        ("import time; time.sleep(300)", "not finished after 3 s; raise the limit with --timeout"),
    ],
)
def test_a_network_that_dies_is_one_line_and_exit_code_1(
    cli_here: Cli, tmp_path: Path, what: str, message: str
) -> None:
    """Whatever a network does to its process, the command says how it ended."""
    (tmp_path / "dies.py").write_text(DIES.replace("WHAT", what))
    limit = ("--timeout", "3" if "sleep" in what else "200")
    done = cli_here("profile", "dies", "--task", "digits", "--plugin", "dies.py", *limit, cwd=tmp_path)

    assert done.returncode == 1
    assert done.stdout == ""
    assert [line.removesuffix(" (more with --json)") for line in done.stderr.splitlines()[1:]] == [
        f"benchmark: the profile failed: {message}"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["dies.py"]


@pytest.mark.slow
def test_a_network_that_dies_as_json(cli_here: Cli, tmp_path: Path) -> None:
    """With --json the failure is an object with the traceback."""
    (tmp_path / "dies.py").write_text(DIES.replace("WHAT", "raise ValueError('no luck')"))
    done = cli_here("profile", "dies", "--task", "digits", "--plugin", "dies.py", "--json", cwd=tmp_path)
    answer = json.loads(done.stdout)

    assert (done.returncode, answer["exit_code"], answer["error"]) == (1, 1, "ValueError: no luck")
    assert "in forward" in answer["detail"]
