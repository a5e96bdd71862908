"""Imports: the core has no circle of them, and the kit loads torch only when it checks."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).parents[2] / "benchmark" / "archbench"


def modules(package: Path) -> dict[str, Path]:
    """Return the file of every module of a package, by dotted name."""
    names = {path: path.relative_to(package.parent).with_suffix("").parts for path in package.rglob("*.py")}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in names.items()}


def outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module that run on import, those under TYPE_CHECKING included."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from outside_functions(child)


def imported(path: Path, known: set[str]) -> Iterator[str]:
    """Yield the known modules that a file imports outside its functions.

    `from package import name` counts as the module `package.name` if there is one, and else as the package. That a
    package runs before its modules is left out: every package that exports names of its modules would be a circle.
    """
    for node in outside_functions(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports are not read here"
            targets = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name for name in (t if t in known else node.module for t in targets) if name in known)


def find_cycle(package: Path) -> list[str]:
    """Return the modules of a circle of imports, or an empty list if there is none."""
    files = modules(package)
    graph = {name: set(imported(path, set(files))) for name, path in files.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def test_kit_is_light_until_it_checks():
    """Importing the kit loads neither torch nor numpy."""
    code = "import sys, archbench.testing; print({'torch', 'lightning', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_core_has_no_import_cycle():
    """No module of the core imports itself by way of others, not even for types only."""
    assert len(modules(CORE)) > 100
    assert find_cycle(CORE) == []


def test_cycle_for_types_only_is_found(tmp_path):
    """Two modules that import each other are a circle even if one of the imports is under TYPE_CHECKING."""
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").write_text("from toy._first import First\n")
    (package / "_first.py").write_text("from toy import _second\n")
    (package / "_second.py").write_text("if TYPE_CHECKING:\n    from toy._first import First\n")

    assert sorted(set(find_cycle(package))) == ["toy._first", "toy._second"]


def test_import_in_a_function_is_no_cycle(tmp_path):
    """An import inside a function does not count: it runs when both modules are there."""
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "_first.py").write_text("from toy import _second\n")
    (package / "_second.py").write_text("def later():\n    from toy._first import First\n")

    assert find_cycle(package) == []
