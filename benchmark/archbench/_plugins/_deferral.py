"""One-file plugins with torch at the top: what needs it runs when a network is built, not when a file is listed.

The statements of a file are of two sorts. Imports of libraries, and the classes, functions and constants that need
these while they are defined, are put off. All else runs at once. Functions whose body names something that was put off
first run what was. So a file reads as any Python file, and `benchmark list` does not wait for torch.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any

HEAVY = ("torch", "lightning", "torchvision", "tensorflow", "jax")
COMPLETE = "__archbench_complete__"
"""The function of a module that runs what was put off."""


def split_file(tree: ast.Module, path: str) -> tuple[CodeType, CodeType, frozenset[str]] | None:
    """Return the code to run at once, the code that was put off, and the names that it defines.

    Returns:
        None if the file imports no heavy library at its top, or does more with it than to define things.
    """
    if not any(_is_heavy_import(node) for node in tree.body):
        return None
    body = [part for node in tree.body for part in _one_by_one(node)]
    later, names = _put_off(body)
    if not all(_only_defines(node) for node in later):
        return None
    first = ast.Module([_hurry(node, names) for node in body if node not in later], [])
    rest = ast.Module([node for node in body if node in later or _is_future(node)], [])
    ast.fix_missing_locations(first)
    return (
        compile(first, path, "exec", dont_inherit=True),
        compile(rest, path, "exec", dont_inherit=True),
        frozenset(names),
    )


def install(module: ModuleType, later: CodeType, names: frozenset[str]) -> None:
    """Give a module the function that runs what was put off, once, and that asking it for such a name calls."""
    waiting = [later]

    def complete() -> None:
        if waiting:
            code = waiting.pop()
            try:
                exec(code, vars(module))  # noqa: S102 - the user's own file
            except BaseException:
                waiting.append(code)
                raise

    def look_up(name: str) -> Any:
        if name in names and waiting:
            complete()
            return vars(module)[name]
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    vars(module)[COMPLETE] = complete
    vars(module)["__getattr__"] = look_up


def complete(function: Any) -> None:
    """Run what was put off in the file of a function, if anything was."""
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    if module is not None and COMPLETE in vars(module):
        vars(module)[COMPLETE]()


def _one_by_one(node: ast.stmt) -> list[ast.stmt]:
    """Return `import torch, archbench` as an import of each, as only the first of them is put off."""
    if not isinstance(node, ast.Import):
        return [node]
    return [ast.copy_location(ast.Import([alias]), node) for alias in node.names]


def _put_off(body: list[ast.stmt]) -> tuple[list[ast.stmt], set[str]]:
    """Return the statements to put off, and the names that these define."""
    later: list[ast.stmt] = []
    names: set[str] = set()
    for node in body:
        if _is_library_import(node) or names.intersection(_needed(node)):
            later.append(node)
            names.update(_defined(node))
    return later, names


def _is_heavy_import(node: ast.stmt) -> bool:
    return any(name in HEAVY for name in _imported(node))


def _is_library_import(node: ast.stmt) -> bool:
    """Return whether a statement imports something that exists, and is neither Python's own nor the suite."""
    libraries = [name for name in _imported(node) if name not in sys.stdlib_module_names and name != "archbench"]
    return bool(libraries) and all(importlib.util.find_spec(name) is not None for name in libraries)


def _imported(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _needed(node: ast.AST) -> Iterator[str]:
    """Yield the names that are read while a statement runs; the bodies of functions run later."""
    if isinstance(node, ast.Name):
        yield node.id
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        parts: list[ast.AST | None] = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
    else:
        parts = list(ast.iter_child_nodes(node))
    for part in parts:
        if part is not None:
            yield from _needed(part)


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name.partition(".")[0]) for alias in node.names)
    elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    else:
        yield from (
            name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
        )


def _only_defines(node: ast.stmt) -> bool:
    """Return whether a statement does nothing but give names; a class or function may have no decorator of the file."""
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) for target in node.targets)
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)


def _hurry(node: ast.stmt, names: set[str]) -> ast.stmt:
    """Return a statement whose functions first run what was put off, if their body names it."""
    for part in ast.walk(node):
        if isinstance(part, ast.keyword) and part.arg == "build":
            part.value = _by_name(part.value, names)
    for function in ast.walk(node):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            _annotate_as_text(function, names)
            if any(isinstance(part, ast.Name) and part.id in names for part in _walk(function.body)):
                call = ast.Expr(ast.Call(ast.Name(COMPLETE, ast.Load()), [], []))
                ast.copy_location(call, function.body[0])
                function.body.insert(1 if ast.get_docstring(function, clean=False) is not None else 0, call)
    return node


def _by_name(value: ast.expr, names: set[str]) -> ast.expr:
    """Return `build=Net` as the text "module:Net", which is looked up when a network is built."""
    if not (isinstance(value, ast.Name) and value.id in names):
        return value
    text = ast.BinOp(ast.Name("__name__", ast.Load()), ast.Add(), ast.Constant(f":{value.id}"))
    return ast.copy_location(text, value)


def _walk(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for node in body:
        yield from ast.walk(node)


def _annotate_as_text(function: ast.FunctionDef | ast.AsyncFunctionDef, names: set[str]) -> None:
    """Turn annotations that name what was put off into text, so that they are not read when the function is defined."""

    def as_text(annotation: ast.expr | None) -> ast.expr | None:
        if annotation is None or not names.intersection(_needed(annotation)):
            return annotation
        return ast.copy_location(ast.Constant(ast.unparse(annotation)), annotation)

    arguments = function.args
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if argument is not None:
            argument.annotation = as_text(argument.annotation)
    function.returns = as_text(function.returns)
