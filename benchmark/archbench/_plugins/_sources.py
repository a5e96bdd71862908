"""Fingerprints of source code that no version names: one-file plugins and editable installations."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from archbench._plugins._discovery import BUILT_IN
from archbench._plugins._provenance import PluginSource
from archbench._records import Origin

DIGITS = 12
"""Hex digits of a fingerprint."""


def fingerprint_of(source: PluginSource, origin: Origin) -> str:
    """Return the fingerprint of a plugin's source as it is on disk now; empty where a version or revision counts.

    Args:
        source: how the plugin is loaded.
        origin: the provider. The suite itself has no fingerprint: its own architectures and tasks have revisions.
    """
    if source.path:
        return fingerprint_of_file(Path(source.path), Path(source.path).read_bytes())
    if not origin.editable or origin.distribution == BUILT_IN:
        return ""
    start, root = _find_module(source.value.partition(":")[0])
    return _hash(_follow_imports({path: path.read_bytes() for path in start}, root), root)


def content_of(source: PluginSource) -> str:
    """Return a hash of all files of the package, or the single module, that an installed plugin lies in."""
    files, root = _find_module(source.value.partition(":")[0])
    return _hash({path: path.read_bytes() for path in files}, root) if files else ""


def fingerprint_of_file(path: Path, text: bytes) -> str:
    """Return the fingerprint of a one-file plugin and of the files beside it that it imports.

    Args:
        path: the file.
        text: its content, which may have been read before.
    """
    found = _follow_imports({path: text}, path.parent)
    return hashlib.sha256(text).hexdigest()[:DIGITS] if len(found) == 1 else _hash(found, path.parent)


def _find_module(name: str) -> tuple[list[Path], Path]:
    """Return the files of the package that a module belongs to, or of the module alone, and the folder they lie in."""
    top, *below = name.split(".")
    spec = importlib.util.find_spec(top)
    while spec is not None and spec.origin is None and below:  # a namespace, which other distributions may share
        top = f"{top}.{below.pop(0)}"
        spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return [], Path()
    if not spec.submodule_search_locations:
        return [Path(spec.origin)], Path(spec.origin).parent
    folders = [Path(folder) for folder in spec.submodule_search_locations]
    return [path for folder in folders for path in _python_files(folder)], folders[0].parent


def _python_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if path.is_file())


def _follow_imports(found: dict[Path, bytes], root: Path) -> Mapping[Path, bytes]:
    """Return these files and all files below `root` that they import, directly or not, by path."""
    waiting = list(found)
    while waiting:
        for name in _imported(found[waiting.pop()]):
            for path in _below(root, name):
                if path not in found:
                    found[path] = path.read_bytes()
                    waiting.append(path)
    return found


def _imported(text: bytes) -> Iterator[str]:
    """Yield the top-level names that a source file imports; functions may import too."""
    try:
        with warnings.catch_warnings(action="ignore"):  # such as an invalid escape, which is its author's business
            tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _below(root: Path, name: str) -> list[Path]:
    """Return the files of a module or package that lies directly in a folder; none for the suite itself."""
    if name == BUILT_IN:
        return []
    module = root / f"{name}.py"
    return [module] if module.is_file() else _python_files(root / name)


def _hash(files: Mapping[Path, bytes], root: Path) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(_named(files.items(), root)):
        digest.update(f"{len(name)} {name} {len(text)} ".encode(errors="surrogateescape"))
        digest.update(text)
    return digest.hexdigest()[:DIGITS]


def _named(files: Iterable[tuple[Path, bytes]], root: Path) -> Iterator[tuple[str, bytes]]:
    for path, text in files:
        yield (path.relative_to(root) if path.is_relative_to(root) else Path(path.name)).as_posix(), text
