"""The modules of the built-in tasks import each other in one direction."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

import archbench_tasks

FOLDER = Path(archbench_tasks.__file__).parent


def imported(source: str) -> set[str]:
    """Return the modules of the package that some code imports: in functions and under TYPE_CHECKING too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ("archbench_tasks." if node.level else "") + (node.module or "")
            found |= {base, *(f"{base.rstrip('.')}.{alias.name}" for alias in node.names)}
    names = {name.split(".")[1] for name in found if name.startswith("archbench_tasks.")}
    return {name for name in names if (FOLDER / f"{name}.py").exists()}


IMPORTS = {path.stem: imported(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.py")}


def test_no_import_runs_in_a_circle() -> None:
    """Every module can be read after the modules that it imports; those for type checking count as well."""
    order = list(graphlib.TopologicalSorter(IMPORTS).static_order())

    assert len(order) == len(IMPORTS) > 20
    assert order.index("_sequences") < order.index("_sequence_tables") < order.index("own_sequences")


def test_task_families_do_not_import_each_other() -> None:
    """A file that declares tasks imports private modules only."""
    wrong = [(name, other) for name, others in IMPORTS.items() for other in others if not other.startswith("_")]

    assert wrong == []


@pytest.mark.parametrize(
    "source",
    [
        "from archbench_tasks.own_text import load",
        "from archbench_tasks import own_text",
        "import archbench_tasks.own_text",
        "from .own_text import load",
        "from . import own_text",
        "if TYPE_CHECKING:\n    from archbench_tasks.own_text import TextOptions",
        "def load():\n    from archbench_tasks import own_text",
    ],
)
def test_every_kind_of_import_is_seen(source: str) -> None:
    """The parser of these tests finds an import however it is written."""
    assert imported(source) == {"own_text"}
