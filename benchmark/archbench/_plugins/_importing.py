"""Import one plugin: an installed entry point, or a single file."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import CodeType

from archbench._errors import PluginError
from archbench._plugins._containment import is_stop
from archbench._plugins._deferral import HEAVY, install, split_file
from archbench._plugins._discovery import Candidate
from archbench._plugins._faults import FaultError, one_line
from archbench._plugins._provenance import PluginSource, no_fingerprint
from archbench._plugins._sources import fingerprint_of, fingerprint_of_file
from archbench._records import Origin


@dataclass(frozen=True)
class Importable:
    """A plugin that may be imported. `load` runs its code, `take_fingerprint` reads its source files."""

    name: str
    origin: Origin
    source: PluginSource
    load: Callable[[], object]
    take_fingerprint: Callable[[], str] = no_fingerprint


@dataclass(frozen=True)
class Imported:
    """The object with the hooks, and the milliseconds that its import took."""

    plugin: object
    milliseconds: float


def from_entry_point(candidate: Candidate) -> Importable:
    """Return an installed plugin, not yet imported."""
    # Source files are read only when a plan asks for the fingerprint, and then once for all items of the plugin.
    take = functools.cache(functools.partial(fingerprint_of, candidate.source, candidate.origin))
    return Importable(candidate.name, candidate.origin, candidate.source, candidate.entry_point.load, take)


def from_file(path: Path) -> Importable:
    """Return a one-file plugin, not yet run; its bytes are read once, so that the fingerprint is of the code that runs.

    The files beside it that it imports are part of the fingerprint.

    Raises:
        PluginError: the file cannot be read, is not Python, or has a syntax error.
    """
    path = Path(os.path.abspath(path))  # not resolve(): the name the user gave is the name in the records
    if path.suffix != ".py":
        raise PluginError(f"plugin file {path} does not end in .py; name a Python file, or install the package")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PluginError(f"plugin file {path} cannot be read ({error.strerror}); check the path") from None
    try:
        code = compile(text, str(path), "exec", dont_inherit=True)
        split = split_file(ast.parse(text), str(path)) if any(name.encode() in text for name in HEAVY) else None
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f" line {line}" if line else ""
        raise PluginError(f"plugin file {path}{where} is not valid Python ({_reason(error)}); correct it") from None
    fingerprint = fingerprint_of_file(path, text)
    return Importable(
        name=f"file:{path.name}",
        origin=Origin(distribution=path.name, version="", entry_point=""),
        source=PluginSource(distribution=path.name, path=str(path)),
        load=lambda: _run_file(path, code, split),
        take_fingerprint=lambda: fingerprint,
    )


def import_plugin(importable: Importable) -> Imported:
    """Import one plugin; if it is a class, make an instance.

    Raises:
        FaultError: the plugin raised, or tried to end the process.
    """
    start = perf_counter()
    plugin: object = None
    try:
        plugin = importable.load()
        if isinstance(plugin, type):
            plugin = plugin()
    except BaseException as error:
        if is_stop(error):
            raise
        what = f"creating {plugin.__name__}()" if isinstance(plugin, type) else "importing it"
        advice = f"repair it, or leave it out with --no-plugin {importable.name}"
        if importable.source.path:
            advice = "repair it"
        raise FaultError("import", f"{what} raised {one_line(error)}; {advice}", error) from error
    return Imported(plugin, (perf_counter() - start) * 1000)


def _run_file(path: Path, code: CodeType, split: tuple[CodeType, CodeType, frozenset[str]] | None) -> object:
    # A module name of our own, so that a file called torch.py shadows nothing. The name depends on the path alone, so
    # that f"{__name__}:build" means the same in a worker.
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    name = f"archbench_file_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up their module there
    try:
        # Not the loader of the spec: it may take a stale .pyc, and leaves __pycache__ beside the user's file.
        if split is not None:
            code, later, names = split
            install(module, later, names)
        exec(code, vars(module))  # noqa: S102
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _reason(error: SyntaxError | ValueError) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)
