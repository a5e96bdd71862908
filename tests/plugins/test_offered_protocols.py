"""Protocols that plugins register: chosen by name, checked, and named with their provider."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archbench import PluginError
from archbench._plugins import load_plugins
from archbench._selection import choose_protocol
from support import Cli

PLUGIN = """
import archbench

@archbench.hookimpl
def archbench_protocols():
    yield archbench.Protocol(name={name!r}, summary="Ours", steps=archbench.equal_steps(7), batch_size=8, seeds=2,
                             {more})
"""


def write(folder: Path, name: str = "lab", more: str = "timeout=60") -> Path:
    """Write a plugin with one protocol."""
    path = folder / "rules.py"
    path.write_text(PLUGIN.format(name=name, more=more))
    return path


def test_the_protocol_is_chosen_by_its_name(tmp_path: Path, cli_here: Cli) -> None:
    """A dry run, `list`, `show` and `plugins` know it; the list says who brings it."""
    plugin = ("--plugin", str(write(tmp_path)))
    run = ("run", "mlp", "--task", "digits", "--protocol", "lab", "--dry-run", "--json", *plugin)
    (cell,) = json.loads(cli_here(*run, cwd=tmp_path).stdout)["cells"]
    listed = json.loads(cli_here("list", "--json", *plugin, cwd=tmp_path).stdout)["protocols"]
    (mine,) = [protocol for protocol in listed if protocol["name"] == "lab"]
    shown = json.loads(cli_here("show", "lab", "--json", *plugin, cwd=tmp_path).stdout)
    status = json.loads(cli_here("plugins", "--json", *plugin, cwd=tmp_path).stdout)["plugins"][-1]

    assert cell["protocol"] == "lab"
    assert (mine["provider"], mine["budget"], mine["seeds"]) == ("rules.py", "7", 2)
    assert {protocol["provider"] for protocol in listed} == {"archbench", "rules.py"}
    assert (shown["kind"], shown["provider"]) == ("protocol", "rules.py")
    assert status["protocols"] == ["lab"]
    assert "[rules.py]" in cli_here("list", *plugin, cwd=tmp_path).stdout


def test_its_identity_is_that_of_its_rules(tmp_path: Path) -> None:
    """Equal rules are one protocol, whether a plugin or a file of the user brings them."""
    (registered,) = load_plugins(files=[write(tmp_path)]).protocols
    path = tmp_path / "lab.toml"
    path.write_text('name = "lab"\nsteps = 7\nbatch_size = 8\n')

    assert registered.item.key == choose_protocol(path, []).key
    assert registered.item.timeout == 60.0
    assert type(registered.item.timeout) is float


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("quick", "", "has the name of a built-in protocol"),
        ("Lab", "", "Protocol name is 'Lab'"),
        ("lab", "revision=0", "revision is 0"),
        ("lab", "validations=0", "Expected `int` >= 1"),
        ("lab", "for_studies=True", "belongs into a study"),
    ],
)
def test_wrong_protocols_are_refused(name: str, more: str, message: str, tmp_path: Path) -> None:
    """A protocol with a wrong name or value is a fault of its plugin."""
    with pytest.raises(PluginError, match=message):
        load_plugins(files=[write(tmp_path, name, more)])


def test_an_unknown_name_lists_it(tmp_path: Path, cli_here: Cli) -> None:
    """The message about an unknown protocol knows those of plugins."""
    done = cli_here("run", "mlp", "--protocol", "lob", "--plugin", str(write(tmp_path)), cwd=tmp_path)

    assert done.returncode == 2
    assert "did you mean 'lab'?" in done.stderr
