"""A plugin with a fault is left out with a message of its own; all others still load."""

import sys
from pathlib import Path
from typing import Any

import pytest

from archbench._plugins import Plugins, Problem, load_plugins


def only_problem(fakes: Any, plugins: Plugins) -> Problem:
    """Return the problem, which must be the only one."""
    problems: list[Problem] = fakes.problems(plugins)
    assert len(problems) == 1, problems
    return problems[0]


def test_nothing_wrong(fakes: Any) -> None:
    """A healthy plugin is active and causes no problem; its status has its items, hooks and provenance."""
    plugins = fakes.load("class_plugin")

    healthy = fakes.status(plugins, "healthy-net:healthy")
    assert fakes.problems(plugins) == []
    assert (healthy.status, healthy.architectures, healthy.tasks) == ("active", ("healthy-net",), ("healthy-task",))
    assert len(healthy.hooks) == 5
    assert healthy.import_milliseconds is not None
    assert (healthy.origin.version, healthy.origin.commit) == ("1.0", "0123456789abcdef")


def test_class_as_plugin(fakes: Any) -> None:
    """A class is instantiated, and its methods are hooks; an editable install is marked."""
    plugins = fakes.load("class_plugin")

    status = fakes.status(plugins, "class-plugin:class_plugin")
    assert status.architectures == ("method-net",)
    assert status.origin.editable


@pytest.mark.parametrize(
    ("case", "plugin", "stage", "message"),
    [
        (
            "broken_import",
            "broken-import:broken",
            "import",
            "importing it raised ModuleNotFoundError: No module named 'a_module_that_nobody_has'; "
            "repair it, or leave it out with --no-plugin broken-import:broken",
        ),
        (
            "exits_at_import",
            "exits-at-import:exits",
            "import",
            "importing it raised SystemExit: no licence found; "
            "repair it, or leave it out with --no-plugin exits-at-import:exits",
        ),
        (
            "half_generator",
            "half-generator:half",
            "collect",
            "archbench_architectures raised RuntimeError: the second half is missing; nothing of it is registered",
        ),
        (
            "misspelt_hook",
            "misspelt-hook:misspelt",
            "register",
            "archbench_architecture is not a hook; did you mean 'archbench_architectures'?",
        ),
        (
            "default_argument",
            "default-argument:default",
            "register",
            "archbench_trial_finished gives 'record' a default value; "
            "remove it, pluggy 1.6 never passes an argument that has one",
        ),
    ],
)
def test_fault(fakes: Any, case: str, plugin: str, stage: str, message: str) -> None:
    """A plugin with a fault is left out with a message about that fault, and the others load."""
    plugins = fakes.load(case)

    problem = only_problem(fakes, plugins)
    assert (problem.plugin, problem.stage, problem.message, problem.fatal) == (plugin, stage, message, True)
    status = fakes.status(plugins, plugin)
    assert (status.status, status.message, status.architectures) == ("failed", message, ())
    assert not [r for r in plugins.architectures if r.origin.distribution == plugin.partition(":")[0]]


def test_traceback_is_kept(fakes: Any) -> None:
    """The problem has the traceback of the plugin's own exception."""
    plugins = fakes.load("half_generator")

    assert "half_generator.py" in only_problem(fakes, plugins).traceback


def test_wrong_items(fakes: Any) -> None:
    """An item of the wrong type rejects the whole plugin, and so does a single item in place of a list."""
    plugins = fakes.load("wrong_item")

    assert [(problem.plugin, problem.message) for problem in fakes.problems(plugins)] == [
        (
            "wrong-item:dict",
            "archbench_architectures gave an object of type dict; give only archbench.Architecture objects",
        ),
        (
            "wrong-item:single",
            "archbench_architectures returned an object of type Architecture; return a list, or yield the items",
        ),
    ]
    assert not {"lost", "single"} & {r.item.name for r in plugins.architectures}


def test_unmarked_hook(fakes: Any) -> None:
    """A forgotten mark is a warning if another hook is marked, and a fault if the plugin then has no hook."""
    plugins = fakes.load("unmarked_hook")

    looks = "archbench_tasks looks like a hook but is not marked @archbench.hookimpl; mark it, or rename it"
    only, beside = fakes.problems(plugins)[::-1]
    assert (beside.plugin, beside.message, beside.fatal) == ("unmarked-hook:beside", looks, False)
    assert only.plugin == "unmarked-hook:only"
    assert only.message == f"has no function marked @archbench.hookimpl; {looks}"
    assert only.fatal
    assert fakes.status(plugins, "unmarked-hook:beside").architectures == ("beside",)


def test_same_entry_point_name(fakes: Any) -> None:
    """Two distributions may use one entry-point name; pluggy alone would silently drop one of them."""
    plugins = fakes.load("same_entry_point")

    assert fakes.problems(plugins) == []
    assert {"twin-a/twin-a@1", "twin-b/twin-b@1"} <= {r.canonical for r in plugins.architectures}


def test_same_architecture_name(fakes: Any) -> None:
    """Two distributions may declare one architecture name; both are kept under their canonical names."""
    plugins = fakes.load("same_architecture")

    assert fakes.problems(plugins) == []
    assert {"rival-a/rival@1", "rival-b/rival@1"} <= {r.canonical for r in plugins.architectures}


def test_same_name_twice_in_one_distribution(fakes: Any) -> None:
    """A name that one distribution declares twice is a clash, and the message names both plugins."""
    plugins = fakes.load("same_name_twice")

    problem = only_problem(fakes, plugins)
    assert problem.plugin == "copycat:two"
    assert problem.message == (
        "architecture 'copycat' of copycat:two clashes with architecture 'copycat' of copycat:one: "
        "a distribution may use a name once; rename one of them"
    )
    assert [r.source.value for r in plugins.architectures if r.item.name == "copycat"] == ["copycat_one"]


def test_variant_clash(fakes: Any) -> None:
    """A variant counts as a name of its distribution."""
    plugins = fakes.load("variant_clash")

    assert only_problem(fakes, plugins).message == (
        "architecture 'deep-net' of variants:extra clashes with variant 'deep-net' of architecture 'net' of "
        "variants:base: a distribution may use a name once; rename one of them"
    )


def test_requirement_on_a_newer_suite(fakes: Any) -> None:
    """A plugin that requires another version of the suite is not imported; requirements of extras do not count."""
    plugins = fakes.load("newer_suite")

    problem = only_problem(fakes, plugins)
    assert problem.plugin == "newer-suite:newer"
    assert problem.message == (
        "needs archbench<100,>=99, and this is archbench 0.1.0; install a version of newer-suite that fits"
    )
    assert fakes.status(plugins, problem.plugin).status == "incompatible"
    assert "newer_suite" not in sys.modules


@pytest.mark.parametrize("stale_first", [True, False])
def test_stale_egg_info(fakes: Any, tmp_path: Path, stale_first: bool) -> None:
    """An old egg-info does not hide the plugin, wherever it is on the path, but gives a warning."""
    folder = tmp_path / "twin_a.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: twin-a\nVersion: 0.3\n")
    folders = [tmp_path, "same_entry_point"] if stale_first else ["same_entry_point", tmp_path]

    plugins = fakes.load(*folders)

    problem = only_problem(fakes, plugins)
    assert (problem.plugin, problem.stage, problem.fatal) == ("twin-a", "find", False)
    assert problem.message.startswith("installed more than once: 1.0 in ")
    assert f"0.3 in {tmp_path}" in problem.message
    assert fakes.status(plugins, "twin-a:twin").origin.version == "1.0"


def test_equal_copy(fakes: Any, tmp_path: Path) -> None:
    """An egg-info with the same content, as an editable install leaves it, gives no warning."""
    folder = tmp_path / "twin_a.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: twin-a\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[archbench]\ntwin = twin_a\n")

    assert fakes.problems(fakes.load(tmp_path, "same_entry_point")) == []


def test_unreadable_metadata(fakes: Any, tmp_path: Path) -> None:
    """A distribution with a torn metadata file is a problem and does not stop the others."""
    folder = tmp_path / "torn-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[archbench]\ntorn = torn\n")

    problem = only_problem(fakes, fakes.load(tmp_path))

    assert f"an installed distribution in {tmp_path} has unreadable metadata" in problem.message


def test_faulty_observer(fakes: Any, make_record: Any) -> None:
    """An observer that raises is reported once, and the observers of other plugins are still called."""
    plugins = fakes.load("faulty_observer")
    record = make_record()
    trial = record.trial

    started = plugins.trial_started(trial)
    finished = plugins.trial_finished(trial, record)

    assert [(p.plugin, p.message) for p in (*started, *finished)] == [
        (
            "faulty-observer:faulty",
            "archbench_trial_started raised KeyError: 'no such experiment'; "
            "the run goes on, further errors of it are not shown",
        ),
        (
            "faulty-observer:faulty",
            "archbench_trial_finished raised SystemExit: 3; the run goes on, further errors of it are not shown",
        ),
    ]
    assert plugins.trial_started(trial) == plugins.trial_finished(trial, record) == []
    calls = sys.modules["healthy_net"].calls
    assert [name for name, _ in calls] == ["started", "finished", "started", "finished"]
    assert calls[1][1] is record


def test_faulty_sections(fakes: Any) -> None:
    """A plugin that raises half-way through its sections loses all of them; other plugins keep theirs."""
    plugins = fakes.load("faulty_observer")

    sections, problems = plugins.leaderboard_sections([])

    assert [(origin.distribution, section.text) for origin, section in sections] == [("healthy-net", "0")]
    assert [problem.message for problem in problems] == [
        "archbench_leaderboard_sections raised ZeroDivisionError: mean of nothing; nothing of it is registered"
    ]


def test_ragged_section(tmp_path: Path) -> None:
    """A section whose rows do not fit its columns is refused before it can break the page."""
    path = tmp_path / "ragged.py"
    path.write_text(
        "import archbench\n@archbench.hookimpl\ndef archbench_leaderboard_sections():\n"
        "    return [archbench.Section(title='T', columns=('a', 'b'), rows=(('1',),))]\n"
    )

    sections, problems = load_plugins(files=[path], only=[]).leaderboard_sections([])

    assert sections == []
    assert problems[0].message == "section 'T': each row needs 2 cells, as columns"


def test_heavy_import(run_python: Any, tmp_path: Path) -> None:
    """A plugin that imports torch is loaded with a warning, and no other plugin gets one."""
    (tmp_path / "torch.py").write_text("")
    code = """
from archbench._plugins import load_plugins
plugins = load_plugins(blocked=["archbench"])
print([(s.name, s.status) for s in plugins.statuses if s.imported_torch])
print([(p.plugin, p.message, p.fatal) for p in plugins.problems])
"""
    assert run_python(code, "heavy_import", "healthy", tmp_path).splitlines() == [
        "[('heavy-import:heavy', 'active')]",
        "[('heavy-import:heavy', \"imports torch when it is loaded, which delays every command; import torch inside "
        "build, or give build as 'module:function'\", False)]",
    ]
