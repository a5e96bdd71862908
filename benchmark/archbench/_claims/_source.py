"""The source of a function and of all that it uses of its package, as text for a hash.

That is the functions, classes and constants that it names, and the objects that it holds: their values and the methods
of their classes. Comments, docstrings and layout do not count, nor does the place in the file; constants, defaults and
values that a function closed over do.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any


def source_of(function: Callable[..., Any]) -> list[str]:
    """Return the sources of a function and of everything that it uses.

    Raises:
        OSError: the source of one of them cannot be read.
        SyntaxError: a file was changed since it was imported, and is no Python now.
    """
    package = _package(function)
    reader = _Reader("" if package in sys.stdlib_module_names else package)
    return [reader.describe(function), *reader.sources.values()]


class _Reader:
    """Collects the sources of functions and classes of one package.

    Args:
        package: the top-level package; what others bring is named and not read. Empty for none.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self.sources: dict[Any, str] = {}
        self._open: set[int] = set()

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
        if isinstance(value, ModuleType) or _package(type(value)) != self.package:
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
        if _package(value) == self.package and value not in self.sources:
            self.sources[value] = ""  # known from here on, so that recursion ends
            self.sources[value] = self._function(value) if isinstance(value, FunctionType) else self._class(value)

    def _function(self, function: FunctionType) -> str:
        used = [f"{name} = {self.describe(value)}" for name, value in self._used(function)]
        return "\n".join([_text(function), *used])

    def _class(self, value: type) -> str:
        """Return the source of a class, then its constants and what its bases and its methods use."""
        used = [f"{name} = {self.describe(item)}" for name, item in vars(value).items() if _is_constant(name, item)]
        for method in _methods(value):
            if _package(method) == self.package:
                used += [f"{method.__name__}: {name} = {self.describe(item)}" for name, item in self._used(method)]
        return "\n".join([_class_text(value), *map(self.describe, value.__bases__), *used])

    def _used(self, function: FunctionType) -> Iterator[tuple[str, Any]]:
        """Yield what a function closed over, its defaults, and what it names of its module and package."""
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            yield name, cell.cell_contents
        yield "defaults", function.__defaults__
        yield "keyword defaults", function.__kwdefaults__
        names = sorted(set(_names(function.__code__)))
        for name in names:
            value = function.__globals__.get(name)
            if isinstance(value, ModuleType) and value.__name__.partition(".")[0] == self.package:
                yield from ((f"{name}.{inner}", getattr(value, inner)) for inner in names if hasattr(value, inner))
            elif name in function.__globals__:
                yield name, value


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _text(function: FunctionType) -> str:
    """Return the source of a function; of a lambda, that of every lambda that begins on its line."""
    code = function.__code__
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    found = _sources(text).get((code.co_name, code.co_firstlineno))
    if found is None:
        raise OSError(f"the source of {function.__qualname__} cannot be read")
    return "\n".join(sorted(map(_unparsed, found)))


@functools.lru_cache(maxsize=64)
def _sources(text: str) -> dict[tuple[str, int], list[ast.AST]]:
    """Return the functions of a file by name and first line, as code objects have them."""
    found: dict[tuple[str, int], list[ast.AST]] = {}
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
