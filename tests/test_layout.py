"""The shape of the code: who imports whom, how long things are, and how docstrings begin."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

import archbench

ROOT = Path(__file__).parents[1]
CORE = ROOT / "benchmark" / "archbench"
BUILT_INS = [
    ROOT / "plugins" / "archbench_plugins",
    ROOT / "plugins" / "archbench_studies",
    ROOT / "tasks" / "archbench_tasks",
]
PACKAGES = [CORE, *BUILT_INS]
FILES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
RIDDLES = ("The same", "Those ", "What ", "None.", "None:", "Who ", "As above", "As for ")
"""Openings of a docstring that need something else to be understood."""


def tree(path: Path) -> ast.Module:
    """The parsed module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    """Every function and method of a module."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef))


def length(node: ast.FunctionDef) -> int:
    """Lines of a function, decorators left out, signature and docstring included."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Every (module, name) that a module imports; the name is empty for `import module`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def percentile(numbers: list[int], share: float) -> int:
    """The smallest number that at least this share of all does not exceed."""
    return sorted(numbers)[max(0, -(-int(share * 100) * len(numbers) // 100) - 1)]


@pytest.mark.parametrize("package", BUILT_INS, ids=lambda path: path.name)
def test_built_ins_use_nothing_but_the_facade(package: Path) -> None:
    """Of the core, a built-in imports what the facade exports, as a stranger's plugin would; no room, no module."""
    rooms = {path.stem for path in CORE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    rooms -= {"__init__"}
    wrong = [
        (path.name, module, name)
        for path in package.rglob("*.py")
        for module, name in imports(path)
        if module.partition(".")[0] == "archbench"
        and (module != "archbench" or (name and name not in archbench.__all__))
    ]

    assert {"_training", "_suite", "cli", "testing"} <= rooms
    assert not rooms & set(archbench.__all__)
    assert wrong == []


def test_nothing_below_calls_the_command_line() -> None:
    """No room of the core imports the command line, not even inside a function."""
    wrong = [
        str(path.relative_to(ROOT))
        for path in CORE.rglob("*.py")
        for module, name in imports(path)
        if "cli" not in path.relative_to(CORE).parts and path.name != "__main__.py"
        if module.startswith("archbench.cli") or (module == "archbench" and name == "cli")
    ]

    assert wrong == []


def test_functions_of_the_command_line_are_short() -> None:
    """Verbs parse, print and choose exit codes; none of their functions is longer than 25 lines."""
    long = [
        f"{path.name}: {node.name}"
        for path in (CORE / "cli").rglob("*.py")
        for node in functions(path)
        if length(node) > 25
    ]

    assert long == []


def test_files_and_functions_stay_small() -> None:
    """The sizes that CONTRIBUTING asks for hold: a newcomer reads whole files."""
    lines = [len(path.read_text(encoding="utf-8").splitlines()) for path in FILES]
    lengths = [length(node) for path in FILES for node in functions(path)]

    assert statistics.median(lines) <= 130
    assert percentile(lines, 0.9) <= 250
    assert max(lines) <= 450
    assert statistics.median(lengths) <= 8
    assert percentile(lengths, 0.9) <= 22


def test_packages_hold_nothing_but_what_they_use() -> None:
    """A file that an editor or a slip of the hand leaves beside the modules is found."""
    kinds = {".py", ".typed", ".css", ".js", ".j2", ".json", ".template", ".yml"}
    files = [path for package in PACKAGES for path in package.rglob("*") if path.is_file()]

    assert [path for path in files if path.suffix not in kinds and path.parent.name != "__pycache__"] == []


def test_docstrings_can_be_read_alone() -> None:
    """The first line of every docstring says what the thing is, does or returns, without the line above it."""
    wrong = []
    for path in FILES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                first = (ast.get_docstring(node) or "").partition("\n")[0]
                if first.startswith(RIDDLES):
                    wrong.append(f"{path.relative_to(ROOT)}: {first}")

    assert wrong == []
