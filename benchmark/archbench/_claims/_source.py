"""The source of a function and of all that it uses of its package, as text for a hash.

That is the functions, classes and constants that it names, whether its module or the function itself imports them, and
the objects that it holds: their values and the methods of their classes. Comments, docstrings and layout do not count,
nor does the place in the file; constants, defaults and values that a function closed over do.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.util
import inspect
import itertools
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from archbench._plugins._deferral import COMPLETE, complete

_Functions = dict[tuple[str, int], list[ast.AST]]


def source_of(function: Callable[..., Any]) -> list[str]:
    """Return the sources of a function and of everything that it uses.

    Raises:
        OSError: the source of one of them cannot be read.
        SyntaxError: a file was changed since it was imported, and is no Python now.
    """
    package = _package(function)
    reader = _Reader("" if package in sys.stdlib_module_names else package, _folder_of_file(package))
    return [reader.describe(function), *reader.sources.values()]


class _Reader:
    """Collects the sources of functions and classes of one package.

    Args:
        package: the top-level package; what others bring is named and not read. Empty for none.
        folder: that of a one-file plugin, whose other modules count as well; None for a package.
    """

    def __init__(self, package: str, folder: Path | None) -> None:
        self.folder = folder
        self.sources: dict[Any, str] = {}
        self._open: set[int] = set()
        self._known = {package: True}
        self._files: dict[str, _Functions] = {}

    def describe(self, value: Any) -> str:
        """Return a value as text; functions and classes of the package by name, their sources being kept."""
        if isinstance(value, functools.partial):
            parts = [value.func, value.args, value.keywords]
            return f"partial({', '.join(map(self.describe, parts))})"
        if isinstance(value, MethodType):
            return f"{self.describe(value.__self__)}.{self.describe(value.__func__)}"
        if isinstance(value, FunctionType | type):
            self._keep(value)
            return str(value.__qualname__)
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{self.describe(key)}: {self.describe(item)}' for key, item in value.items())}}}"
        if isinstance(value, tuple | list):
            return f"({', '.join(map(self.describe, value))})"
        if isinstance(value, set | frozenset):
            return f"{{{', '.join(sorted(map(self.describe, value)))}}}"
        return self._object(value)

    def _object(self, value: Any) -> str:
        """Return an object as text: one of the package by its class, whose source is kept, and its attributes."""
        wrapped = getattr(value, "__wrapped__", None)  # a function behind functools.cache, say
        if isinstance(wrapped, FunctionType):
            return f"{type(value).__qualname__}({self.describe(wrapped)})"
        if isinstance(value, ModuleType) or not self._owns(_package(type(value))):
            text = repr(value)
            return f"a {type(value).__qualname__}" if " at 0x" in text or isinstance(value, ModuleType) else text
        kind = self.describe(type(value))
        if id(value) in self._open:  # it holds itself
            return kind
        self._open.add(id(value))
        held = [f"{name}={self.describe(getattr(value, name))}" for name in _attributes(value)]
        self._open.remove(id(value))
        return f"{kind}({', '.join(held)})"

    def _keep(self, value: FunctionType | type) -> None:
        if self._owns(_package(value)) and value not in self.sources:
            self.sources[value] = ""  # known from here on, so that recursion ends
            self.sources[value] = self._function(value) if isinstance(value, FunctionType) else self._class(value)

    def _function(self, function: FunctionType) -> str:
        used = [f"{name} = {self.describe(value)}" for name, value in self._used(function)]
        return "\n".join([self._text(function), *used])

    def _class(self, value: type) -> str:
        """Return the source of a class, then its constants and what its bases and its methods use."""
        used = [f"{name} = {self.describe(item)}" for name, item in vars(value).items() if _is_constant(name, item)]
        for method in _methods(value):
            if self._owns(_package(method)):
                used += [f"{method.__name__}: {name} = {self.describe(item)}" for name, item in self._used(method)]
        return "\n".join([_class_text(value), *map(self.describe, value.__bases__), *used])

    def _used(self, function: FunctionType) -> Iterator[tuple[str, Any]]:
        """Yield what a function closed over, its defaults, and what it names or imports of its module and package."""
        names = sorted(set(_names(function.__code__)))
        if COMPLETE in names:  # what its file put off would be missing now, and there once the function was called
            complete(function)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            yield from self._followed(name, cell.cell_contents, names, set())
        yield "defaults", function.__defaults__
        yield "keyword defaults", function.__kwdefaults__
        for name in names:
            if name in function.__globals__:
                yield from self._followed(name, function.__globals__[name], names, set())
        for name, value in self._imported(function):
            yield from self._followed(name, value, names, set())

    def _followed(
        self, name: str, value: Any, names: Sequence[str], seen: set[ModuleType]
    ) -> Iterator[tuple[str, Any]]:
        """Yield a value with its name; of a module of the package what is named of it, through modules in modules."""
        if not isinstance(value, ModuleType) or not self._owns(value.__name__.partition(".")[0]):
            yield name, value
        elif value not in seen:
            seen.add(value)  # modules that import each other lead back
            for inner in names:
                if hasattr(value, inner):
                    yield from self._followed(f"{name}.{inner}", getattr(value, inner), names, seen)

    def _imported(self, function: FunctionType) -> Iterator[tuple[str, Any]]:
        """Yield what a function itself imports of the package; an import that fails brings nothing."""
        for level, module, name in itertools.chain.from_iterable(map(_imports, self._nodes(function))):
            if level or self._owns(module.partition(".")[0]):
                with contextlib.suppress(ImportError, AttributeError):
                    brought = __import__(module, function.__globals__, None, [name] if name else [], level)
                    yield f"import {'.' * level}{module}.{name}", getattr(brought, name) if name else brought

    def _text(self, function: FunctionType) -> str:
        """Return the source of a function; of a lambda, that of every lambda that begins on its line."""
        found = self._nodes(function)
        if not found:
            raise OSError(f"the source of {function.__qualname__} cannot be read")
        return "\n".join(sorted(map(_unparsed, found)))

    def _nodes(self, function: FunctionType) -> list[ast.AST]:
        """Return the function in the tree of its file, or all lambdas on its line; nothing if it has no source."""
        code = function.__code__
        path = code.co_filename
        if path not in self._files:
            linecache.checkcache(path)
            self._files[path] = _sources("".join(linecache.getlines(path, function.__globals__)))
        return self._files[path].get((code.co_name, code.co_firstlineno), [])

    def _owns(self, package: str) -> bool:
        """Return whether a top-level package is the one that is read, or lies beside a one-file plugin."""
        if package not in self._known:
            self._known[package] = self.folder is not None and _lies_in(self.folder, package)
        return self._known[package]


def _folder_of_file(name: str) -> Path | None:
    """Return the folder of a module that was loaded by its path, as a one-file plugin is; None for any other."""
    path = getattr(sys.modules.get(name), "__file__", None)
    return Path(path).parent if path and Path(path).stem not in (name, "__init__") else None


def _lies_in(folder: Path, package: str) -> bool:
    """Return whether a top-level package is imported from a folder; the suite itself never counts."""
    if package == __name__.partition(".")[0]:
        return False
    try:
        spec = importlib.util.find_spec(package)
    except ValueError:  # no name at all, or that of a module which no import made
        return False
    places = () if spec is None else (spec.origin, *(spec.submodule_search_locations or ()))
    return any(Path(place).parent == folder for place in places if place)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


@functools.lru_cache(maxsize=4096)
def _imports(node: ast.AST) -> list[tuple[int, str, str]]:
    """Return what a function imports: the dots in front of a module, the module, and a name of it, empty for none."""
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.ImportFrom):
            found += [(part.level, part.module or "", alias.name) for alias in part.names]
        elif isinstance(part, ast.Import):
            found += [_named_import(alias) for alias in part.names]
    return found


def _named_import(alias: ast.alias) -> tuple[int, str, str]:
    """Return the same of `import a.b`, which names `a`, and of `import a.b as c`, which names `b` of `a`."""
    module, _, name = alias.name.rpartition(".")
    return (0, module, name) if alias.asname and module else (0, alias.name, "")


@functools.lru_cache(maxsize=64)
def _sources(text: str) -> _Functions:
    """Return the functions of a file by name and first line, as code objects have them."""
    found: _Functions = {}
    for node in ast.walk(_parsed(text)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found.setdefault((node.name, first), []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(("<lambda>", node.lineno), []).append(node)
    return found


def _class_text(value: type) -> str:
    path = inspect.getfile(value)
    linecache.checkcache(path)
    found = _classes("".join(linecache.getlines(path))).get(value.__qualname__)
    if found is None:
        raise OSError(f"the source of {value.__qualname__} cannot be read")
    return "\n".join(sorted(map(_unparsed, found)))


@functools.lru_cache(maxsize=64)
def _classes(text: str) -> dict[str, list[ast.AST]]:
    """Return the classes of a file by qualified name."""
    found: dict[str, list[ast.AST]] = {}
    left: list[tuple[str, ast.AST]] = [("", _parsed(text))]
    while left:
        prefix, node = left.pop()
        for child in ast.iter_child_nodes(node):
            inside = prefix
            if isinstance(child, ast.ClassDef):
                found.setdefault(prefix + child.name, []).append(child)
                inside = f"{prefix}{child.name}."
            elif isinstance(child, ast.FunctionDef):
                inside = f"{prefix}{child.name}.<locals>."
            left.append((inside, child))
    return found


def _methods(value: type) -> Iterator[FunctionType]:
    """Yield the functions that are written in a class, those behind properties and decorators among them.

    A method that a dataclass generates is no part of a file; the fields that it is made from are in the source.
    """
    for item in vars(value).values():
        part = getattr(item, "fget", None) or getattr(item, "func", None) or getattr(item, "__func__", item)
        function = inspect.unwrap(part) if callable(part) else part
        if isinstance(function, FunctionType) and function.__code__.co_filename != "<string>":
            yield function


def _is_constant(name: str, item: Any) -> bool:
    return not name.startswith("__") and isinstance(item, str | int | float | tuple | list | frozenset | Mapping)


def _attributes(value: Any) -> list[str]:
    slots = {name for kind in type(value).__mro__ for name in _slots(kind)}
    return sorted(name for name in {*getattr(value, "__dict__", ()), *slots} if hasattr(value, name))


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module:
    """Return the tree of a file without its docstrings, those of attributes included."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
    return tree


@functools.lru_cache(maxsize=4096)
def _unparsed(node: ast.AST) -> str:
    """Return the code of a part of a file; several claims share most of theirs, and a run asks each minute."""
    return ast.unparse(node)


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def _package(value: Any) -> str:
    while isinstance(value, functools.partial):
        value = value.func
    return str(getattr(value, "__module__", "") or "").partition(".")[0]
