"""Standard output and standard error: JSON, problems of plugins, and commands to copy."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

import msgspec

from archbench._plugins import Problem
from archbench._suite._settings import DEFAULT_OUT

_output: ContextVar[TextIO | None] = ContextVar("_output", default=None)  # None stands for sys.stdout, whatever it is


@contextlib.contextmanager
def json_only() -> Iterator[None]:
    """Keep standard output for `print_json`: anything else that is printed, by plugins too, goes to standard error."""
    token = _output.set(sys.stdout)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _output.reset(token)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output; its numbers must be finite, since JSON knows no others."""
    print(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode(), file=_output.get())


def print_problems(problems: Iterable[Problem]) -> None:
    """Print a line for each problem on standard error."""
    for problem in problems:
        print(f"{'problem' if problem.fatal else 'warning'}: {problem.plugin}: {problem.message}", file=sys.stderr)


def out_option(out: Path) -> str:
    """Return ` --out DIR` for a command that users may copy; empty for the default folder."""
    return "" if out == DEFAULT_OUT else f" --out {shlex.quote(str(out))}"
