"""The shape of the built-in architectures: one folder each, and at most three files to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import archbench_plugins

PACKAGE = Path(archbench_plugins.__path__[0])
FOLDERS = sorted(path.parent for path in PACKAGE.glob("*/__init__.py") if path.parent.name != "shared")
SHARED = {f"archbench_plugins.shared.{path.stem}" for path in (PACKAGE / "shared").glob("*.py")}
DECLARING = "archbench_plugins.shared.declaring"  # constants for declarations; not a file that one has to read

every_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def imported(source: str) -> set[str]:
    """Return the modules of `archbench_plugins` that a source imports anywhere, also inside functions."""
    return {name for name in _imports(source) if name.partition(".")[0] in ("archbench_plugins", "")}


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            parents = ("archbench_plugins", "archbench_plugins.shared")  # what is imported from these are modules
            yield from (f"{module}.{alias.name}" for alias in node.names) if module in parents else (module,)


@pytest.mark.parametrize(
    "source",
    [
        "import archbench_plugins.resnet",
        "from archbench_plugins.resnet import ResNetOptions",
        "from archbench_plugins import resnet",
        "def build():\n    from archbench_plugins import resnet",
    ],
)
def test_imports_are_found_in_every_form(source: str) -> None:
    """The parser finds an import of another architecture, however it is written."""
    assert imported(source) == {"archbench_plugins.resnet"}


def test_package_holds_nothing_but_folders() -> None:
    """Beside the folders of architectures and the shared code there are no modules."""
    assert len(FOLDERS) >= 26
    assert [path.name for path in PACKAGE.glob("*.py")] == ["__init__.py"]


@every_folder
def test_folder_holds_a_declaration_and_a_network(folder: Path) -> None:
    """The folder of an architecture holds `__init__.py`, `network.py`, perhaps `by_hand.py`, and no other code."""
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.py")}

    assert files - {"by_hand.py"} == {"__init__.py", "network.py"}


@every_folder
def test_architecture_is_read_in_three_files(folder: Path) -> None:
    """A network imports at most its declaration, one shared module, and a form for CPUs, which takes shared code."""
    own = f"archbench_plugins.{folder.name}"
    declaration = imported((folder / "__init__.py").read_text(encoding="utf-8"))
    network = imported((folder / "network.py").read_text(encoding="utf-8"))
    by_hand = folder / "by_hand.py"

    assert declaration <= {DECLARING}
    assert network <= SHARED | {own, f"{own}.by_hand"}
    assert len(network & SHARED - {DECLARING}) <= 1
    assert not by_hand.exists() or imported(by_hand.read_text(encoding="utf-8")) <= SHARED | {f"{own}.network"}


@pytest.mark.parametrize("module", sorted(SHARED))
def test_shared_modules_stand_alone(module: str) -> None:
    """A shared module imports no other module of the built-in architectures, and stays under 450 lines."""
    source = (PACKAGE / "shared" / f"{module.rpartition('.')[2]}.py").read_text(encoding="utf-8")

    assert imported(source) == set()
    assert len(source.splitlines()) < 450
