"""What a node must have: the versions, code and files of the machine that planned the run."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import msgspec
import pytest

from archbench._execution._fitness import Expected, complain, expect_here
from archbench._plugins import PluginSource

BUILT_IN = PluginSource(distribution="archbench", entry_point="mlp", value="archbench_plugins.mlp")


def test_this_machine_fits_itself(tmp_path: Path) -> None:
    """A node that is like the planning machine has nothing to complain of, also after the way as JSON."""
    plugin = tmp_path / "mine.py"
    plugin.write_text("WIDTH = 3\n")
    expected = expect_here([BUILT_IN, PluginSource(distribution="mine.py", path=str(plugin))], [str(tmp_path)])

    assert complain(msgspec.json.decode(msgspec.json.encode(expected), type=Expected)) == []
    assert expected.versions["torch"] == metadata.version("torch")
    assert [code.source.value or code.source.distribution for code in expected.code] == [
        "archbench", "archbench_plugins.mlp", "mine.py",
    ]  # fmt: skip


def test_versions_that_differ() -> None:
    """Each distribution of another version is named with both versions."""
    expected = expect_here([BUILT_IN], [])
    others = msgspec.structs.replace(expected, versions={**expected.versions, "torch": "1.0", "no-such-plugin": "2"})
    found = complain(others)

    assert found == [
        f"torch is {metadata.version('torch')} there and 1.0 here; install the same on every node",
        "no-such-plugin is not installed there and 2 here; install the same on every node",
    ]


@pytest.mark.parametrize("name", ["archbench", "archbench_plugins"])
def test_code_that_differs(name: str) -> None:
    """An equal version says little about an installation that is edited; the files decide."""
    expected = expect_here([BUILT_IN], [])
    code = [
        msgspec.structs.replace(code, content="0" * 12) if code.source.value.split(".")[0] == name else code
        for code in expected.code
    ]

    assert complain(msgspec.structs.replace(expected, code=code)) == [
        f"{name} has other code there than here; install the same on every node"
    ]


def test_files_that_are_missing_or_differ(tmp_path: Path) -> None:
    """A one-file plugin and own data must lie at the same path; the rule and the path are named."""
    plugin, data = tmp_path / "mine.py", tmp_path / "flowers"
    plugin.write_text("WIDTH = 3\n")
    data.mkdir()
    expected = expect_here([PluginSource(distribution="mine.py", path=str(plugin))], [str(data)])
    plugin.write_text("WIDTH = 4\n")
    assert complain(expected) == [f"{plugin} has other code there than here; install the same on every node"]
    plugin.unlink()
    data.rmdir()

    assert complain(expected) == [
        f"there is no {plugin}; a plugin file must lie at the same path on every node, as in a shared folder",
        f"there is no {data}; own data must lie at the same path on every node, as in a shared folder",
    ]
