"""The source of a function and of the functions and constants that it names, as text for a hash.

Comments, docstrings and layout do not count, nor does the place in the file; constants, defaults and values that a
function closed over do.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import linecache
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any


def source_of(function: Callable[..., Any]) -> list[str]:
    """Return the sources of a function and of everything that it uses.

    Raises:
        OSError: the source of one of them cannot be read.
        SyntaxError: a file was changed since it was imported, and is no Python now.
    """
    reader = _Reader(_package(function))
    return [reader.describe(function), *reader.sources.values()]


class _Reader:
    """Collects the sources of functions and classes of one package.

    Args:
        package: the top-level package; what others bring is named and not read.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self.sources: dict[Any, str] = {}

    def describe(self, value: Any) -> str:
        """Return a value as text; functions and classes of the package by name, their sources being kept."""
        if isinstance(value, functools.partial):
            parts = [value.func, value.args, value.keywords]
            return f"partial({', '.join(map(self.describe, parts))})"
        if isinstance(value, FunctionType | type):
            if _package(value) == self.package and value not in self.sources:
                self.sources[value] = ""  # known from here on, so that recursion ends
                self.sources[value] = self._function(value) if isinstance(value, FunctionType) else _class(value)
            return str(value.__qualname__)
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{self.describe(key)}: {self.describe(item)}' for key, item in value.items())}}}"
        if isinstance(value, tuple | list):
            return f"({', '.join(map(self.describe, value))})"
        if isinstance(value, set | frozenset):
            return f"{{{', '.join(sorted(map(self.describe, value)))}}}"
        text = repr(value)
        return f"a {type(value).__qualname__}" if " at 0x" in text or isinstance(value, ModuleType) else text

    def _function(self, function: FunctionType) -> str:
        used = [f"{name} = {self.describe(value)}" for name, value in self._used(function)]
        return "\n".join([_text(function), *used])

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
    return "\n".join(sorted(map(_clean, found)))


@functools.lru_cache(maxsize=64)
def _sources(text: str) -> dict[tuple[str, int], list[ast.AST]]:
    """Return the functions of a file by name and first line, as code objects have them."""
    found: dict[tuple[str, int], list[ast.AST]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found.setdefault((node.name, first), []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(("<lambda>", node.lineno), []).append(node)
    return found


def _class(value: type) -> str:
    return _clean(ast.parse(inspect.cleandoc(f"\n{inspect.getsource(value)}")))


def _clean(tree: ast.AST) -> str:
    """Return the code of a tree without its docstrings."""
    tree = copy.deepcopy(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _package(value: Any) -> str:
    while isinstance(value, functools.partial):
        value = value.func
    return str(getattr(value, "__module__", "") or "").partition(".")[0]
