"""Blocking, the allow-list, loading a plugin again in a worker, and the data of `benchmark plugins --json`."""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench import PluginError
from archbench._plugins import PluginSource, describe, load_plugins, load_source, plugins_from_environment
from archbench._records import Origin

TWIN = PluginSource(distribution="twin-a", entry_point="twin", value="twin_a")
TWIN_ORIGIN = Origin(distribution="twin-a", version="1.0", entry_point="twin")


@pytest.mark.parametrize("name", ["writes", "writes-on-import", "Writes_On_Import", "writes-on-import:writes"])
def test_blocked_before_import(fakes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A blocked plugin is not imported, whichever of its names blocks it."""
    trace = tmp_path / "trace"
    monkeypatch.setenv("TRACE_OF_IMPORT", str(trace))

    plugins = fakes.load("writes_on_import", blocked=[name])

    status = fakes.status(plugins, "writes-on-import:writes")
    assert (status.status, status.message) == ("blocked", f"blocked by the name {name!r}")
    assert fakes.problems(plugins) == []
    assert not trace.exists()
    assert fakes.load(blocked=[]).problems == plugins.problems
    assert trace.exists()


def test_blocking_one_of_two_with_one_name(fakes: Any) -> None:
    """An entry-point name blocks every plugin of that name, and `distribution:entry_point` only one."""
    fakes.install("same_entry_point")

    both = fakes.load(blocked=["twin"])
    one = fakes.load(blocked=["twin-b:twin"])

    assert [fakes.status(both, f"twin-{x}:twin").status for x in "ab"] == ["blocked", "blocked"]
    assert [fakes.status(one, f"twin-{x}:twin").status for x in "ab"] == ["active", "blocked"]


def test_name_that_matches_nothing(fakes: Any) -> None:
    """A name that no plugin answers to gives a warning with the nearest name, in either list."""
    plugins = fakes.load("same_entry_point", blocked=["twim"], only=["healthy", "zzz"])

    assert [(p.plugin, p.message, p.fatal) for p in fakes.problems(plugins)] == [
        ("twim", "asked to block 'twim', which no installed plugin is called; did you mean 'twin'?", False),
        (
            "zzz",
            "the allow-list has 'zzz', which no installed plugin is called; "
            "see `benchmark plugins` for the names there are",
            False,
        ),
    ]


def test_allow_list_keeps_the_built_ins(fakes: Any) -> None:
    """The allow-list leaves out every plugin that is not on it, except the built-ins."""
    plugins = fakes.load("same_entry_point", only=["healthy-net"])

    status = fakes.status(plugins, "twin-a:twin")
    assert status.status == "blocked"
    assert status.message == "not on the allow-list; add 'twin-a' to ARCHBENCH_PLUGINS, or unset it"
    assert "twin_a" not in sys.modules


def test_empty_allow_list(fakes: Any) -> None:
    """With an empty allow-list only the built-ins are active."""
    fakes.install("healthy", "same_entry_point")

    plugins = load_plugins(only=[])

    assert {s.origin.distribution for s in plugins.statuses if s.status == "active"} <= {"archbench"}


def test_built_ins_can_be_blocked() -> None:
    """Built-ins can be blocked one by one, or all by the name of the distribution."""
    one = load_plugins(blocked=["resnet"])
    none = load_plugins(blocked=["archbench"])

    assert next(s.status for s in one.statuses if s.name == "archbench:resnet") == "blocked"
    assert [s.name for s in none.statuses if s.origin.distribution == "archbench" and s.status != "blocked"] == []


@pytest.mark.parametrize(
    ("value", "names"), [(None, None), ("", []), (" , ", []), ("a", ["a"]), ("a, b-c ,", ["a", "b-c"])]
)
def test_allow_list_from_environment(monkeypatch: pytest.MonkeyPatch, value: str | None, names: list[str]) -> None:
    """The variable holds names separated by commas; empty means no plugin, and not set means all."""
    monkeypatch.delenv("ARCHBENCH_PLUGINS", raising=False)
    if value is not None:
        monkeypatch.setenv("ARCHBENCH_PLUGINS", value)

    assert plugins_from_environment() == names


def test_order_is_that_of_names(fakes: Any) -> None:
    """Plugins are sorted by distribution and entry point, whatever the order of the path."""
    fakes.install("healthy", "same_architecture", "class_plugin", "same_name_twice")

    names = [status.name for status in load_plugins().statuses]

    assert names == sorted(names)


def test_worker_loads_one_plugin(fakes: Any) -> None:
    """A worker loads the same plugin from its source, and imports no other."""
    fakes.install("same_entry_point", "healthy")

    plugins = load_source(TWIN, TWIN_ORIGIN)

    assert [r.canonical for r in plugins.architectures] == ["twin-a/twin-a@1"]
    assert (plugins.architectures[0].source, plugins.architectures[0].origin) == (TWIN, TWIN_ORIGIN)
    assert [status.name for status in plugins.statuses] == ["twin-a:twin"]
    assert not {"twin_b", "healthy_net"} & set(sys.modules)


def test_worker_refuses_another_version(fakes: Any) -> None:
    """A worker refuses another version of a plugin than the run was planned with."""
    fakes.install("same_entry_point")
    planned = msgspec.structs.replace(TWIN_ORIGIN, version="0.9")

    with pytest.raises(PluginError) as caught:
        load_source(TWIN, planned)

    assert str(caught.value) == (
        "plugin twin-a:twin is twin-a 1.0 twin_a in this process, but the run was planned with twin-a 0.9 twin_a; "
        "use one environment for both"
    )


def test_worker_without_the_plugin() -> None:
    """A worker without the plugin raises an error that says so."""
    with pytest.raises(PluginError, match=r"^plugin twin-a:twin is not installed for .+; install it there"):
        load_source(TWIN, TWIN_ORIGIN)


def test_worker_with_a_broken_plugin(fakes: Any) -> None:
    """In a worker a fault of the plugin is an error, not a `Problem`."""
    fakes.install("half_generator")
    source = PluginSource(distribution="half-generator", entry_point="half", value="half_generator")
    origin = Origin(distribution="half-generator", version="1.0", entry_point="half")

    with pytest.raises(PluginError, match=r"^plugin half-generator:half: archbench_architectures raised RuntimeError"):
        load_source(source, origin)


def test_description_is_json(fakes: Any) -> None:
    """Every status can be written as JSON together with the problems of its plugin."""
    plugins = fakes.load("half_generator")

    described = json.loads(json.dumps(describe(plugins)))

    half = next(entry for entry in described if entry["name"] == "half-generator:half")
    assert half["status"] == "failed"
    assert half["origin"]["version"] == "1.0"
    assert [problem["stage"] for problem in half["problems"]] == ["collect"]
