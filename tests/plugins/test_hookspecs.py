"""Every hook has an example that runs, and loading the built-in plugins imports nothing heavy."""

import doctest
import inspect
import types
from typing import Any

import pytest

from archbench import hookspecs

HOOKS = [name for name in vars(hookspecs) if name.startswith("archbench_")]


def undocumented(module: types.ModuleType) -> list[str]:
    """Return the hooks of a module that have no docstring with an example in it."""
    parser = doctest.DocTestParser()
    functions = {name: value for name, value in vars(module).items() if name.startswith("archbench_")}
    documents = {name: inspect.getdoc(function) or "" for name, function in functions.items()}
    return [name for name, text in documents.items() if "Example:" not in text or not parser.get_examples(text)]


def test_every_hook_is_documented() -> None:
    """Each hook has a docstring with an example."""
    assert HOOKS
    assert undocumented(hookspecs) == []


def test_undocumented_hook_is_found() -> None:
    """The check finds a new hook without an example."""
    module = types.ModuleType("more_hooks")

    def archbench_bare() -> None: ...
    def archbench_terse() -> None:
        """Do something."""

    vars(module).update(archbench_bare=archbench_bare, archbench_terse=archbench_terse)
    assert undocumented(module) == ["archbench_bare", "archbench_terse"]


@pytest.mark.parametrize("name", HOOKS)
def test_example_runs(name: str) -> None:
    """The example in the docstring of each hook runs and gives the results that it shows."""
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(hookspecs, name), name, globs={})
    result = doctest.DocTestRunner().run(test)

    assert result.attempted > 0
    assert result.failed == 0


def test_nothing_heavy_is_imported(run_python: Any) -> None:
    """Importing the package and loading the built-ins does not import torch, lightning or numpy."""
    code = """
import sys
import archbench, archbench._plugins
plugins = archbench._plugins.load_plugins(only=[])
print(sorted({"torch", "lightning", "numpy", "sklearn"} & set(sys.modules)))
print(bool(plugins.statuses))
"""
    assert run_python(code).splitlines() == ["[]", "True"]
